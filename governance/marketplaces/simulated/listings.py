"""Listings of the simulated world: what sellers offer at which price, and their product rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import PRODUCTS
from governance.marketplaces.simulated.campaign import TACTICS
from governance.marketplaces.simulated.categories import CATEGORIES, GRAMS, PRICE, SPREAD
from governance.marketplaces.simulated.chance import DAY, NEVER, SECOND, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people import Sellers
from governance.marketplaces.simulated.rows import Outbox, identifier
from governance.marketplaces.simulated.writing import titles

LISTINGS_PER_SELLER = 5

_PROMOTIONS_PER_SELLER_AND_DAY = 0.004
_PRICE_CHANGES_PER_LISTING_AND_DAY = 0.003
_MARKET = np.array([market.name for market in MARKETS])
_CURRENCY = np.array([market.currency for market in MARKETS])
_DOLLARS: Floats = np.array([market.dollars for market in MARKETS])
_STEP: Ints = np.array([market.price_step_minor for market in MARKETS], dtype=np.int64)
_CATEGORY = np.array([category.name for category in CATEGORIES])


@dataclass(slots=True)
class Listings:
    """Listings. `usual_minor` is what one asks for without any promotion, `price_minor` what it asks for now."""

    seller: Ints
    market: Ints
    category: Ints
    listed: Ints
    list_minor: Ints
    usual_minor: Ints
    price_minor: Ints
    appeal: Floats
    photos: Ints
    description_characters: Ints
    grams: Ints
    title: Ints

    def __len__(self) -> int:
        return len(self.seller)


def rates(today: Today) -> Floats:
    """Dollars for one unit of each market's currency today."""
    return np.array([market.reference_rate(today.index) for market in MARKETS])


def draw_listings(chance: np.random.Generator, sellers: Sellers, owner: Ints, *, listed: int) -> Listings:
    """One new listing for each entry of `owner`, mostly in the owner's main category."""
    size = len(owner)
    category = np.where(chance.random(size) < 0.7, sellers.category[owner], sellers.second_category[owner])
    market = sellers.market[owner]
    dollars = PRICE[category] * np.exp(SPREAD[category] * chance.normal(-0.2, 1.0, size))
    usual = _rounded(dollars * 100 / _DOLLARS[market], market)
    return Listings(
        seller=owner,
        market=market,
        category=category,
        listed=np.full(size, listed, dtype=np.int64),
        list_minor=usual,
        usual_minor=usual.copy(),
        price_minor=_rounded(usual * sellers.price_factor[owner], market),
        appeal=np.exp(chance.normal(0.0, 0.8, size)),
        photos=1 + chance.poisson(3.2, size),
        description_characters=40 + np.rint(np.exp(chance.normal(5.6, 0.7, size))).astype(np.int64),
        grams=np.maximum(30, np.rint(GRAMS[category] * np.exp(chance.normal(0.0, 0.5, size)))).astype(np.int64),
        title=chance.integers(0, 1_000, size),
    )


def put_products(
    outbox: Outbox, today: Today, listings: Listings, chosen: Ints, *, at: Ints, chance: np.random.Generator
) -> None:
    """Product rows of the chosen listings as they are now; `at` says when, in microseconds.

    What happened before the first day is known at its first moment.
    """
    market, category = listings.market[chosen], listings.category[chosen]
    delay = chance.integers(0, 60 * SECOND, len(chosen))
    frame = pl.DataFrame(
        {
            "product_id": chosen,
            "occurred_at": at,
            "known_at": np.where(at < today.start, today.start, at + delay),
            "market": _MARKET[market],
            "seller_id": listings.seller[chosen],
            "category": _CATEGORY[category],
            "title": titles(category, listings.title[chosen]),
            "price_minor": listings.price_minor[chosen],
            "currency": _CURRENCY[market],
            "reference_rate": rates(today)[market],
            "image_hash": listings.title[chosen] * 7919 + chosen,
        }
    )
    described = pl.format("{}. Ships from the seller.", pl.col("title"))
    image = pl.format("phash-{}", pl.col("image_hash"))
    ids = (identifier("product", "product_id"), identifier("seller", "seller_id"))
    outbox.put(PRODUCTS, frame.with_columns(*ids, description=described, image_hash=image))


def reprice(outbox: Outbox, today: Today, sellers: Sellers, listings: Listings) -> None:
    """Change prices in the course of today; the new ones hold from tomorrow on."""
    chance = today.chance("prices")
    _end_promotions(today, sellers)
    _start_promotions(today, sellers, chance)
    _turn(today, sellers, chance)
    moved = chance.random(len(listings)) < _PRICE_CHANGES_PER_LISTING_AND_DAY
    wobble = np.exp(chance.normal(0.0, 0.09, len(listings)))
    usual = _rounded(listings.list_minor * wobble, listings.market)
    listings.usual_minor = np.where(moved, usual, listings.usual_minor)
    price = _rounded(listings.usual_minor * sellers.price_factor[listings.seller], listings.market)
    trading = (sellers.leaves > today.index) & (sellers.shut_until < NEVER)
    changed = np.flatnonzero((price != listings.price_minor) & trading[listings.seller])
    listings.price_minor[changed] = price[changed]
    put_products(outbox, today, listings, changed, at=today.any_time(chance, len(changed)), chance=chance)


def _end_promotions(today: Today, sellers: Sellers) -> None:
    over = sellers.price_until == today.index
    sellers.price_factor[over] = 1.0
    sellers.lure[over] = 1.0


def _start_promotions(today: Today, sellers: Sellers, chance: np.random.Generator) -> None:
    """Honest sellers, too, cut prices and sell more for a while."""
    draw = chance.random(len(sellers)) < _PROMOTIONS_PER_SELLER_AND_DAY
    starts = draw & sellers.honest & (sellers.price_factor == 1.0)
    size = int(starts.sum())
    sellers.price_factor[starts] = chance.uniform(0.62, 0.9, size)
    sellers.lure[starts] = chance.uniform(1.0, 1.8, size)
    sellers.price_until[starts] = today.index + chance.integers(6, 22, size)


def _turn(today: Today, sellers: Sellers, chance: np.random.Generator) -> None:
    """Members of the campaign who turn tomorrow cut their prices for good."""
    for seller in np.flatnonzero(sellers.turns == today.index + 1):
        tactic = TACTICS[sellers.tactic[seller]]
        sellers.price_factor[seller] = chance.uniform(*tactic.price_factor)
        sellers.lure[seller] = tactic.lure * chance.uniform(0.6, 1.4)
        sellers.price_until[seller] = NEVER


def new_bait(today: Today, sellers: Sellers) -> Ints:
    """Owners of the listings that members add on the day before they turn, once for each listing."""
    turning = np.flatnonzero(sellers.turns == today.index + 1)
    counts = np.array([TACTICS[sellers.tactic[seller]].new_listings for seller in turning], dtype=np.int64)
    return np.repeat(turning, counts)


def _rounded(minor: Floats | Ints, market: Ints) -> Ints:
    """Prices rounded to what shops in that market write on tags, and never nothing."""
    step = _STEP[market]
    rounded: Ints = np.maximum(step, np.rint(minor / step).astype(np.int64) * step)
    return rounded


def initial_moments(chance: np.random.Generator, today: Today, joined: Floats) -> Ints:
    """When listings that stood before the first day were made: between their owners' sign-up and the first day."""
    return today.start + np.rint(joined * chance.random(len(joined)) * DAY).astype(np.int64)
