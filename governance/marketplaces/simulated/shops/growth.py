"""Who opens a shop and what shops add to their offer."""

from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.chance import MINUTE, Bools, Ints, Today, due, micros
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.shops import merchant_fraud, violations
from governance.marketplaces.simulated.shops.beliefs import (
    VERIFIED,
    VERIFIED_MEMBERS,
    beliefs_about,
    waiting_at_sign_up,
)
from governance.marketplaces.simulated.shops.listings import LISTINGS_PER_SELLER, Listings, drawn_listings
from governance.marketplaces.simulated.shops.recruiting import rent
from governance.marketplaces.simulated.shops.sellers import (
    SELLER_DAYS,
    Sellers,
    drawn_sellers,
    joined_today,
    put_accounts,
    standing_sellers,
)
from governance.marketplaces.simulated.state import extended

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LAUNCH_OFFERS, LAUNCH_LOW, LAUNCH_HIGH = 0.4, 0.65, 0.9
ADDS_PER_SELLER_AND_DAY = 0.0035
ADDED_AT_ONCE = 1.3
"""Standing sellers add one listing and so many more (Poisson mean) at a time."""


def grow(world: "World", today: Today) -> Ints:
    """Sellers and listings that come today; they sell from tomorrow on. Returns the numbers of the listings."""
    new = _new_sellers(world, today, merchant_fraud.recruit(world, today), violations.recruit(world, today))
    first = np.repeat(new, LISTINGS_PER_SELLER)
    opened = today.start + micros(world.shops.sellers.joined[first] - today.index) + 2 * MINUTE
    more = _more_listings(world, today)
    number = len(world.shops.listings) + np.arange(len(first) + len(more))
    at = np.concatenate([opened, today.draw("new listings").moment(number[len(first) :], today)])
    _list(world, today, number, np.concatenate([first, more]), at)
    return number


def _new_sellers(world: "World", today: Today, turning: Ints, breaking: Ints) -> Ints:
    """Newcomers' numbers: honest ones, then one for each campaign of those who turn, and of those who break rules."""
    shops, draw = world.shops, today.draw("new sellers")
    honest = due(standing_sellers(world.settings.buyers) / SELLER_DAYS, today.index)
    joins = np.concatenate([np.full(honest, -1, dtype=np.int64), turning, breaking])
    number = len(shops.sellers) + np.arange(len(joins))
    at = draw.moment(number, today)
    newcomers = drawn_sellers(draw, number, joined_today(today, at))
    _launch(today, newcomers, number)
    shops.extend_sellers(newcomers)
    for campaign in np.unique(turning):
        merchant_fraud.plan(world, today, number[joins == campaign], int(campaign))
    for campaign in np.unique(breaking):
        violations.join(shops.sellers, today, number[joins == campaign], int(campaign))
    members = joins >= 0
    _rent(world, today, number[members])
    verified = _verified(honest, turning, breaking)
    put_accounts(world.outbox, today, shops.sellers, number, at, verified_share=verified)
    _believe(world, today, number)
    return number


def _verified(honest: int, turning: Ints, breaking: Ints) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    shares = (VERIFIED, VERIFIED_MEMBERS, violations.VERIFIED_MEMBERS)
    return np.repeat(shares, (honest, len(turning), len(breaking)))


def _rent(world: "World", today: Today, chosen: Ints) -> None:
    share_of = {number: one.on_rented for number, one in merchant_fraud.tactics(world).items()}
    share_of |= {number: one.on_rented for number, one in violations.tactics(world).items()}
    shares = [share_of[number] for number in world.shops.sellers.campaign[chosen]]
    rent(world, today, chosen, np.array(shares, dtype=np.float64))


def _believe(world: "World", today: Today, number: Ints) -> None:
    """What an ideal observer thinks of newcomers."""
    shops = world.shops
    waiting = waiting_at_sign_up(world, today, shops.sellers, number)
    breaks_rules = violations.prior(world, today, shops.sellers, number)
    ids = identifiers("seller", number, seed=today.seed)
    shops.beliefs = extended(shops.beliefs, beliefs_about(ids, waiting=waiting, breaks_rules=breaks_rules))


def _launch(today: Today, newcomers: Sellers, number: Ints) -> None:
    """Many shops open with low prices."""
    draw = today.draw("launch offers")
    offers: Bools = draw.happens(number, LAUNCH_OFFERS)
    newcomers.price_factor[offers] = draw.uniform(number, LAUNCH_LOW, LAUNCH_HIGH)[offers]
    newcomers.price_until[offers] = today.index + draw.integers(number, 8, 26)[offers]


def _more_listings(world: "World", today: Today) -> Ints:
    """Owners of what standing sellers add today, of what members add, and of the bait of those who turn tomorrow."""
    sellers, draw = world.shops.sellers, today.draw("more listings")
    adds = draw.happens(sellers.numbers, ADDS_PER_SELLER_AND_DAY)
    ordinary = np.flatnonzero(adds & sellers.open(today.index) & (sellers.turns != today.index + 1))
    count = 1 + draw.poisson(ordinary, ADDED_AT_ONCE)
    bait = merchant_fraud.new_bait(world, today)
    return np.concatenate([np.repeat(ordinary, count), violations.listing_today(world, today), bait])


def _list(world: "World", today: Today, number: Ints, owner: Ints, at: Ints) -> None:
    shops, draw = world.shops, today.draw("listings")
    added = drawn_listings(draw, number, shops.sellers, owner, at=at, listed=today.index)
    violations.break_rules(world, draw, number, added)
    shops.listings = extended(shops.listings, added)


def first_listings(today: Today, sellers: Sellers) -> Listings:
    """What stands before the first day; it was made between its owner's sign-up and that day."""
    draw, owner = today.draw("first listings"), np.repeat(sellers.numbers, LISTINGS_PER_SELLER)
    number = np.arange(len(owner))
    at = today.start + micros(sellers.joined[owner] * draw.uniform(number))
    return drawn_listings(draw, number, sellers, owner, at=at, listed=-1)
