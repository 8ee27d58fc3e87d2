"""Leaks: staff and seller accounts that read many buyers' data, and scam parcels in the weeks after.

A leak has no label of its own: it is there to be discovered.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.people.choosing import chosen_listings
from governance.marketplaces.simulated.people.sessions import moments
from governance.marketplaces.simulated.people.staff import accesses, desk, office, shown_subjects, with_subjects
from governance.marketplaces.simulated.people.takeover import NTH
from governance.marketplaces.simulated.people.things import names, relay
from governance.marketplaces.simulated.plans import EMPTY, no_plans, planned

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_LEAKED = {name: pl.Int64() for name in ("buyer", "campaign", "day")}
_HANDS = {name: pl.Int64() for name in ("account", "seller", "campaign", "until")}
_CHEAP = -0.5
_PURPOSE = (0.5, 0.2, 0.05, 0.15, 0.1)
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaking:
    """How data leak.

    Each member, `from_staff` of them staff and the others sellers, reads on `reading_days` days in a row, `reads_a_day`
    times about up to `most_subjects` buyers each. Members begin evenly over the campaign, or over `spread_days` if that
    is shorter. From `quiet_days` on, for `scam_days`, each buyer read about gets a parcel that it never ordered with
    probability `scams_a_day`; each mule account orders about seven of them.
    """

    from_staff: float = 0.4
    reading_days: int = 6
    reads_a_day: float = 4.0
    most_subjects: int = 40
    spread_days: int = 120
    quiet_days: int = 3
    scam_days: int = 25
    scams_a_day: float = 0.0015


def nobody_leaks() -> pl.DataFrame:
    """No account reads for others."""
    return pl.DataFrame(schema=_HANDS)


def nothing_leaked() -> pl.DataFrame:
    """Nobody's data is out."""
    return pl.DataFrame(schema=_LEAKED)


def leak(world: "World", today: Today) -> list[pl.DataFrame]:
    """What members read today beside their work; who they read about is remembered for the scams."""
    people, settings = world.people, world.settings
    hands = [people.leaking.filter(pl.col("until") > today.index)]
    leaks = settings.campaigns.of_kind("data_leak")
    for number, campaign in leaks:
        members = settings.campaigns.members(campaign, buyers=settings.buyers)
        hands.append(_beginning(world, number, campaign, campaign.plays(Leaking), members, today))
    people.leaking = pl.concat(hands)
    tactics = {number: campaign.plays(Leaking) for number, campaign in leaks}
    people.leaked = people.leaked.filter(
        pl.col("day") > today.index - max((one.quiet_days + one.scam_days for one in tactics.values()), default=0)
    )
    active = set(people.leaking["campaign"].to_list())
    return [_read(world, number, tactic, today) for number, tactic in tactics.items() if number in active]


def scam_plans(world: "World", today: Today) -> pl.DataFrame:
    """Parcels for people whose data leaked, which they never ordered: mules order them to their addresses."""
    parts = [no_plans()]
    if world.people.leaked.is_empty():
        return parts[0]
    for number, campaign in world.settings.campaigns.of_kind("data_leak"):
        tactic = campaign.plays(Leaking)
        age = today.index - pl.col("day")
        ripe = world.people.leaked.filter((pl.col("campaign") == number) & (age > tactic.quiet_days))
        victim = np.unique(ripe["buyer"].to_numpy())
        draw = today.draw(f"scams of campaign {number}")
        share = tactic.scams_a_day * campaign.intensity * world.standing.vigour[number]
        victim = victim[draw.happens(victim, share)]
        if len(victim):
            parts.append(_ordered(world, number, victim, draw, today))
    return pl.concat(parts)


def _beginning(
    world: "World", number: int, campaign: Campaign, tactic: Leaking, members: int, today: Today
) -> pl.DataFrame:
    """Members that begin to read today."""
    if not campaign.runs(today.index):
        return nobody_leaks()
    one = np.array([number], dtype=np.int64)
    days = min(campaign.last_day - campaign.first_day + 1, tactic.spread_days)
    draw = today.draw(f"leak of campaign {number}")
    count = int(draw.poisson(one, members / days)[0])
    if not count:
        return nobody_leaks()
    key = joint(number, np.arange(count))
    seller = ~draw.happens(key, tactic.from_staff)
    mark = draw.uniform(key)
    size = np.where(seller, len(world.shops.sellers), len(world.people.staff))
    account = np.floor(mark * size).astype(np.int64)
    trading = ~seller
    trading[seller] = world.shops.sellers.open(today.index)[account[seller]]
    columns = [
        account,
        seller.astype(np.int64),
        np.full(count, number),
        np.full(count, today.index + tactic.reading_days),
    ]
    return pl.DataFrame(columns, schema=_HANDS).filter(pl.Series(trading))


def _read(world: "World", number: int, tactic: Leaking, today: Today) -> pl.DataFrame:
    people = world.people
    mine = people.leaking.filter(pl.col("campaign") == number)
    draw = today.draw(f"reads of campaign {number}")
    seller, account = mine["seller"].to_numpy() > 0, mine["account"].to_numpy()
    reads = draw.poisson(joint(account, mine["seller"].to_numpy()), tactic.reads_a_day)
    who, sells = np.repeat(account, reads), np.repeat(seller, reads)
    key = joint(number, who, np.arange(len(who)))
    subjects = 1 + draw.integers(key, 1, tactic.most_subjects)
    row, subject = shown_subjects(key, subjects, today, people.buyers)
    new = pl.DataFrame([subject, np.full(len(subject), number), np.full(len(subject), today.index)], schema=_LEAKED)
    people.leaked = pl.concat([people.leaked, new], rechunk=True)
    frame = _accesses(world, who, sells, key, subjects, draw, today)
    return with_subjects(frame, row, subject, seed=today.seed)


def _accesses(
    world: "World", who: Ints, sells: Bools, key: Ints, subjects: Ints, draw: Draw, today: Today
) -> pl.DataFrame:
    """From the own desk or shop, now and then from elsewhere, at any hour."""
    sellers, staff = world.shops.sellers, world.people.staff
    desks, shops = np.minimum(who, len(staff) - 1), np.minimum(who, len(sellers) - 1)
    market = np.where(sells, sellers.market[shops], staff.market[desks])
    purpose, at = draw.pick(key, _PURPOSE), draw.moment(key, today)
    outside = draw.happens(key, 0.3)
    device = np.where(sells, sellers.device[shops], desk(desks))
    network = np.where(sells, sellers.network[shops], office(market))
    away: Floats = draw.uniform(key)
    network = np.where(outside, relay(away, buyers=world.settings.buyers), network)
    account = identifiers("seller", shops, seed=today.seed).zip_with(
        pl.Series(sells), identifiers("staff", desks, seed=today.seed)
    )
    frame = accesses(account, "seller", market, at, purpose, subjects)
    return frame.with_columns_seq(
        role=pl.when(pl.Series(sells)).then(pl.lit("seller")).otherwise(pl.lit("staff")),
        device=names("device", device, seed=today.seed),
        network=names("network", network, seed=today.seed),
    )


def _ordered(world: "World", number: int, victim: Ints, draw: Draw, today: Today) -> pl.DataFrame:
    buyers = world.people.buyers
    mule = _mules(world, number, victim, today)
    market = buyers.market[mule]
    listing = chosen_listings(world, today, victim, market, draw, dearness=_CHEAP)
    frame = pl.DataFrame(
        {
            "buyer": mule,
            "nth": NTH * (number + 1) + np.arange(len(mule)) % NTH,
            "at": moments(draw, victim, market, today),
            "listing": listing,
            "campaign": np.full(len(mule), number),
            "parcel": np.full(len(mule), EMPTY),
        }
    ).with_columns_seq(address=names("address", buyers.household[victim], seed=today.seed))
    fits = pl.Series((listing >= 0) & buyers.present(today.index)[mule])
    return planned(frame.filter(fits).unique(["buyer", "nth"], keep="first", maintain_order=True))


def _mules(world: "World", number: int, victim: Ints, today: Today) -> Ints:
    """The account that orders for each victim: one of a few that are new every week, from the victims' numbers."""
    buyers = world.people.buyers
    week = today.index // _WEEK
    mule = np.floor((joint(number, week, victim % 3) % 9973) / 9973 * world.settings.buyers).astype(np.int64)
    buyers.campaign[mule] = np.where(buyers.campaign[mule] < 0, number, buyers.campaign[mule])
    return mule
