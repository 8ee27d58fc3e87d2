"""Product rows: listings as they are shown, and their new versions when prices change."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import PRODUCTS
from governance.marketplaces.simulated import pictures, words
from governance.marketplaces.simulated.chance import NEVER, SECOND, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.shops.listings import Listings, rates, rounded
from governance.marketplaces.simulated.shops.merchant_fraud import cut_prices
from governance.marketplaces.simulated.shops.sellers import Sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

PROMOTIONS_PER_SELLER_AND_DAY = 0.004
PROMOTION_LOW, PROMOTION_HIGH = 0.62, 0.9

_PRICE_CHANGES_PER_LISTING_AND_DAY = 0.003
_WOBBLE = 0.09
_MARKET = pl.Series([market.name for market in MARKETS])
_CURRENCY = pl.Series([market.currency for market in MARKETS])
_CATEGORY = pl.Series([category.name for category in CATEGORIES])
_WORDS = "words of listings"


def put_products(outbox: Outbox, today: Today, listings: Listings, chosen: Ints, *, at: Ints) -> pl.DataFrame:
    """Product rows of the chosen listings as they are now; `at` says when, in microseconds.

    What happened before the first day is known at its first moment. Returns the rows, as many as are chosen.
    """
    market, category = listings.market[chosen], listings.category[chosen]
    delay = today.draw("products known").integers(chosen, 0, 60 * SECOND)
    titles, descriptions = _texts(listings, chosen, seed=today.seed)
    frame = pl.DataFrame(
        {
            "product_id": identifiers("product", chosen, seed=today.seed),
            "occurred_at": at,
            "known_at": np.where(at < today.start, today.start, at + delay),
            "market": _MARKET[market],
            "seller_id": identifiers("seller", listings.seller[chosen], seed=today.seed),
            "category": _CATEGORY[category],
            "title": titles,
            "description": descriptions,
            "price_minor": listings.price_minor[chosen],
            "currency": _CURRENCY[market],
            "reference_rate": rates(today)[market],
            "image_hash": _image_hashes(listings, chosen),
        }
    )
    outbox.put(PRODUCTS, frame)
    return frame


def _texts(listings: Listings, chosen: Ints, *, seed: int) -> tuple[pl.Series, pl.Series]:
    """Titles and descriptions of listings, the same ones on every day."""
    return words.listing(
        Draw(seed, 0, _WORDS),
        chosen,
        listings.market[chosen],
        listings.category[chosen],
        evasion=listings.wording[chosen],
    )


def texts_odds(listings: Listings, chosen: Ints, *, seed: int) -> Floats:
    """What the texts of listings add to the log odds that they hide something."""
    return words.listing_log_odds(Draw(seed, 0, _WORDS), chosen, listings.wording[chosen])


def _image_hashes(listings: Listings, chosen: Ints) -> pl.Series:
    """Perceptual hashes of main pictures; who shows the picture of another listing has that listing's hash."""
    shown = listings.image[chosen]
    return pictures.listing_hash(shown, listings.category[shown])


def reprice(world: "World", today: Today) -> Ints:
    """Change prices in the course of today; the new ones hold from tomorrow on. Returns the listings that change."""
    sellers, listings = world.shops.sellers, world.shops.listings
    _end_promotions(today, sellers)
    _start_promotions(today, sellers)
    cut_prices(world, today)
    draw, number = today.draw("prices"), np.arange(len(listings))
    moved = draw.happens(number, _PRICE_CHANGES_PER_LISTING_AND_DAY)
    usual = rounded(listings.list_minor * draw.lognormal(number, 1.0, _WOBBLE), listings.market)
    listings.usual_minor = np.where(moved, usual, listings.usual_minor)
    price = rounded(listings.usual_minor * sellers.price_factor[listings.seller], listings.market)
    trading = (sellers.leaves > today.index) & (sellers.shut_until < NEVER)
    changed = np.flatnonzero((price != listings.price_minor) & trading[listings.seller] & (listings.removed == NEVER))
    listings.price_minor[changed] = price[changed]
    return changed


def _end_promotions(today: Today, sellers: Sellers) -> None:
    over = sellers.price_until == today.index
    sellers.price_factor[over] = 1.0
    sellers.lure[over] = 1.0


def _start_promotions(today: Today, sellers: Sellers) -> None:
    """Honest sellers, too, cut prices and sell more for a while."""
    draw, number = today.draw("promotions"), sellers.numbers
    happens = draw.happens(number, PROMOTIONS_PER_SELLER_AND_DAY)
    starts = np.flatnonzero(happens & (sellers.turns == NEVER) & (sellers.price_factor == 1.0))
    sellers.price_factor[starts] = draw.uniform(starts, PROMOTION_LOW, PROMOTION_HIGH)
    sellers.lure[starts] = draw.uniform(starts, 1.0, 1.8)
    sellers.price_until[starts] = today.index + draw.integers(starts, 6, 22)
    sellers.cut[starts] = today.index
