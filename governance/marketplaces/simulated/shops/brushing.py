"""Brushing: shops that order from themselves through accomplices, send empty parcels and take five stars for them.

Friends of new shops do much the same with nothing wrong about it: they order, are glad and give five stars, but what
they get is real and what they pay is theirs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, NEVER, Draw, Ints, Today, joint
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.things import names, rented
from governance.marketplaces.simulated.plans import EMPTY, ORDINARY, no_plans, planned
from governance.marketplaces.simulated.shops.recruiting import established

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KIND = "brushing"

FRIENDS, FRIENDS_ORDERS_A_DAY, FRIENDS_DAYS = 7, 0.012, 28
"""Friends that a new shop may have, how often each orders from it, and for how many days it counts as new."""

CHEAPEST_BY_RING = 0.5
"""Share of the accomplices' orders for the cheapest thing of a shop, beside those that fall on it by chance."""

AT_WORK, FIRST_HOUR, LAST_HOUR = 0.7, 9, 20
"""Share of the accomplices' orders that are placed between these hours of their day; the others come at any time."""

OFFSET_HOURS: Ints = np.array([market.utc_offset_hours for market in MARKETS], dtype=np.int64)

_FRIENDS_NTH = 15
GATHERING_DAYS = 12
_NEWCOMERS_WITHIN_DAYS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class BuysOrders:
    """How a ring works. Its members are accomplices, who buy; it serves `shops` shops for each of them.

    Each accomplice orders `orders_a_day`; `empty` of the parcels hold nothing, the others something worthless of the
    same weight. Of the reviews `five_stars` have five, the others four. `on_rented` of the orders come from devices
    that the ring rents, about `members_per_device` accomplices to one. `for_cheats` of the shops are members of
    campaigns of merchants that mean to stop shipping, as far as there are any.
    """

    shops: float = 1.0
    orders_a_day: float = 0.08
    empty: float = 0.3
    five_stars: float = 0.85
    on_rented: float = 0.15
    members_per_device: int = 4
    for_cheats: float = 0.0


def tactics(world: "World") -> dict[int, BuysOrders]:
    """The tactic of each ring, by its number."""
    return {number: one.plays(BuysOrders) for number, one in world.settings.campaigns.of_kind(KIND)}


def gather(world: "World", today: Today) -> None:
    """Rings win accomplices and shops in their first days, and accomplices in place of those that were shut out."""
    for number, campaign in world.settings.campaigns.of_kind(KIND):
        since = today.index - campaign.first_day
        if since < 0 or today.index > campaign.last_day:
            continue
        members = world.settings.campaigns.members(campaign, buyers=world.settings.buyers)
        due = members * (since + 1) // GATHERING_DAYS - members * since // GATHERING_DAYS
        moved = int(world.standing.replacements[number])
        world.standing.replacements[number] = 0
        gathering = since < GATHERING_DAYS
        _win_accomplices(world, today, number, due if gathering else 0, moved)
        if gathering:
            _win_shops(world, today, number, members, since)


def _win_accomplices(world: "World", today: Today, number: int, count: int, moved: int) -> None:
    """Ordinary buyers at first; those that take the place of others have signed up for it."""
    buyers = world.people.buyers
    free = (buyers.campaign < 0) & buyers.present(today.index)
    new = free & (buyers.joined > today.index - _NEWCOMERS_WITHIN_DAYS)
    draw = today.draw(f"accomplices of ring {number}")
    for candidates, wanted in ((np.flatnonzero(free & ~new), count), (np.flatnonzero(new), moved)):
        chosen = candidates[np.argsort(draw.uniform(candidates), kind="stable")[:wanted]]
        buyers.campaign[chosen] = number
        buyers.leaves[chosen] = np.maximum(buyers.leaves[chosen], today.index + 60.0)


def _win_shops(world: "World", today: Today, number: int, members: int, since: int) -> None:
    """Shops of standing that want to rise, and some that mean to cheat the buyers whom that will bring them."""
    campaign, sellers = world.settings.campaigns.campaigns[number], world.shops.sellers
    tactic = campaign.plays(BuysOrders)
    wanted = max(2, round(members * tactic.shops))
    due = wanted * (since + 1) // GATHERING_DAYS - wanted * since // GATHERING_DAYS
    cheats = np.flatnonzero((sellers.turns > today.index) & (sellers.turns < NEVER) & (sellers.ring < 0))
    crooked = today.draw(f"cheats of ring {number}").happens(cheats, tactic.for_cheats)
    chosen = np.concatenate([cheats[crooked], established(world, today, number, due)])[:due]
    sellers.ring[chosen] = number


def ring_orders(world: "World", today: Today) -> pl.DataFrame:
    """What accomplices order today, as plans."""
    running = [
        (number, campaign) for number, campaign in world.settings.campaigns.of_kind(KIND) if campaign.runs(today.index)
    ]
    return pl.concat([no_plans(), *(_orders_of(world, today, number) for number, _ in running)])


def _orders_of(world: "World", today: Today, number: int) -> pl.DataFrame:
    buyers, sellers = world.people.buyers, world.shops.sellers
    campaign = world.settings.campaigns.campaigns[number]
    tactic, draw = campaign.plays(BuysOrders), today.draw(f"orders of ring {number}")
    member = np.flatnonzero((buyers.campaign == number) & buyers.present(today.index))
    rate = tactic.orders_a_day * campaign.intensity * float(world.standing.vigour[number])
    member = member[draw.happens(member, rate)]
    shops = np.flatnonzero((sellers.ring == number) & sellers.open(today.index))
    member, seller = _paired(world, draw, member, shops)
    if not len(member):
        return no_plans()
    listing = _picked(world, today, draw, member, seller)
    device = rented(number, world.standing.generation[number], member % max(1, _devices(world, number, tactic)))
    uses = pl.Series(draw.happens(member, tactic.on_rented))
    at_work = draw.happens(member, AT_WORK)
    working = draw.integers(member, FIRST_HOUR * HOUR, LAST_HOUR * HOUR) - OFFSET_HOURS[buyers.market[member]] * HOUR
    anytime = draw.integers(member, 0, DAY)
    frame = pl.DataFrame(
        {
            "buyer": member,
            "nth": np.full(len(member), 16 * (number + 1)),
            "at": today.start + np.minimum(np.where(at_work, working % DAY, anytime), DAY - 10 * MINUTE),
            "listing": listing,
            "campaign": np.full(len(member), number),
            "parcel": np.where(draw.happens(member, tactic.empty), EMPTY, ORDINARY),
            "stars": np.where(draw.happens(member, tactic.five_stars), 5, 4),
        }
    )
    own = pl.when(uses).then(names("device", device, seed=today.seed))
    return planned(frame.with_columns_seq(device=own).filter(pl.col("listing") >= 0))


def _paired(world: "World", draw: Draw, member: Ints, shops: Ints) -> tuple[Ints, Ints]:
    """A shop of its own market for each accomplice; those without one stay out."""
    by_market = shops[np.argsort(world.shops.sellers.market[shops], kind="stable")]
    market, wanted = world.shops.sellers.market[by_market], world.people.buyers.market[member]
    first, after = np.searchsorted(market, wanted), np.searchsorted(market, wanted, side="right")
    place = draw.integers(member, first, np.maximum(after, first + 1))
    served = after > first
    return member[served], by_market[place[served]]


def _devices(world: "World", number: int, tactic: BuysOrders) -> int:
    campaign = world.settings.campaigns.campaigns[number]
    return world.settings.campaigns.members(campaign, buyers=world.settings.buyers) // tactic.members_per_device


def friends_orders(world: "World", today: Today) -> pl.DataFrame:
    """What friends of new honest shops order from them today, as plans; a friend lives in the shop's market."""
    buyers, sellers = world.people.buyers, world.shops.sellers
    age = today.index - sellers.joined
    new = np.flatnonzero((age < FRIENDS_DAYS) & (sellers.turns == NEVER) & sellers.open(today.index))
    seller, place = np.repeat(new, FRIENDS), np.tile(np.arange(FRIENDS), len(new))
    key = joint(seller, place)
    buyer = Draw(today.seed, 0, "friends of shops").integers(key, 0, world.settings.buyers)
    draw = today.draw("orders of friends")
    near = (buyers.market[buyer] == sellers.market[seller]) & buyers.present(today.index)[buyer]
    # One in three lives in the same market, so that a friend who does orders three times as often.
    comes = near & (buyers.campaign[buyer] < 0) & draw.happens(key, 3 * FRIENDS_ORDERS_A_DAY)
    _, first = np.unique(buyer[comes], return_index=True)
    chosen = np.flatnonzero(comes)[first]
    buyer, seller, key = buyer[chosen], seller[chosen], key[chosen]
    frame = pl.DataFrame(
        {
            "buyer": buyer,
            "nth": np.full(len(chosen), _FRIENDS_NTH),
            "at": draw.moment(key, today),
            "listing": _picked(world, today, draw, key, seller),
            "stars": np.where(draw.happens(key, 0.85), 5, 4),
        }
    )
    return planned(frame.filter(pl.col("listing") >= 0))


def _picked(world: "World", today: Today, draw: Draw, key: Ints, seller: Ints) -> Ints:
    """One of each seller's listings that can be bought, often the cheapest; -1 where there is none."""
    listings = world.shops.listings
    offered = np.flatnonzero(listings.offered(world.shops.sellers, today.index) & np.isin(listings.seller, seller))
    by_price = offered[np.lexsort((listings.price_minor[offered], listings.seller[offered]))]
    owner = listings.seller[by_price]
    first, after = np.searchsorted(owner, seller), np.searchsorted(owner, seller, side="right")
    anyone = draw.integers(key, first, np.maximum(after, first + 1))
    place = np.where(draw.happens(key, CHEAPEST_BY_RING), first, anyone)
    if not len(by_price):
        return np.full(len(seller), -1, dtype=np.int64)
    return np.where(after > first, by_price[np.minimum(place, len(by_price) - 1)], -1)
