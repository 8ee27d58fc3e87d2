"""What is agreed at checkout: parties, price, promises and the ids that go with them."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.categories import CATEGORIES, PRICE
from governance.marketplaces.simulated.chance import DAY, Floats, Ints, Today
from governance.marketplaces.simulated.listings import Listings, rates
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people import Buyers, Sellers
from governance.marketplaces.simulated.rows import identifier

CREATORS = 60

_COUPONS, _FUNDED_BY_PLATFORM, _FREE_SHIPPING, _SHOWN_BY_CREATORS = 0.14, 0.6, 0.3, 0.22
_KM_PER_DEGREE = 111.2
_MARKET = np.array([market.name for market in MARKETS])
_CURRENCY = np.array([market.currency for market in MARKETS])
_CATEGORY = np.array([category.name for category in CATEGORIES])


def checked_out(
    today: Today, lines: pl.DataFrame, buyers: Buyers, sellers: Sellers, listings: Listings
) -> pl.DataFrame:
    """Lines (with `buyer` and `listing` by number) as order rows.

    Beside the contract's columns they keep the latent `seller`, `where` (market) and `what` (category) by number,
    `distance_km`, and `price_ratio`, the price relative to what is usual in the category.
    """
    chance = today.chance("checkout")
    lines = _with_listing(lines, listings)
    lines = _with_way(lines, buyers, sellers)
    lines = _with_money(lines, today, chance)
    lines = _with_promises(lines, sellers)
    shown = chance.random(lines.height) < _SHOWN_BY_CREATORS
    creator = np.where(shown, chance.integers(0, CREATORS, lines.height), -1)
    return _with_ids(lines.with_columns(creator=pl.Series(creator), weight=pl.lit(1.0)), today)


def _with_listing(lines: pl.DataFrame, listings: Listings) -> pl.DataFrame:
    listing = lines["listing"].to_numpy()
    where, what = listings.market[listing], listings.category[listing]
    return lines.with_columns(
        seller=pl.Series(listings.seller[listing]),
        where=pl.Series(where),
        what=pl.Series(what),
        market=pl.Series(_MARKET[where]),
        category=pl.Series(_CATEGORY[what]),
        price_minor=pl.Series(listings.price_minor[listing]),
        commission_rate=pl.Series(np.round(0.05 + 0.005 * what, 4)),
        listing_photos=pl.Series(listings.photos[listing]),
        listing_description_characters=pl.Series(listings.description_characters[listing]),
        parcel_weight_grams=pl.Series(listings.grams[listing]),
    )


def _with_way(lines: pl.DataFrame, buyers: Buyers, sellers: Sellers) -> pl.DataFrame:
    buyer, seller = lines["buyer"].to_numpy(), lines["seller"].to_numpy()
    return lines.with_columns(
        origin_latitude=pl.Series(sellers.latitude[seller]),
        origin_longitude=pl.Series(sellers.longitude[seller]),
        destination_latitude=pl.Series(buyers.latitude[buyer]),
        destination_longitude=pl.Series(buyers.longitude[buyer]),
        household=pl.Series(buyers.household[buyer]),
        distance_km=pl.Series(_distance_km(sellers, seller, buyers, buyer)),
    )


def _with_money(lines: pl.DataFrame, today: Today, chance: np.random.Generator) -> pl.DataFrame:
    """Shipping, and the discount of a coupon; `subsidy_minor` is the platform's part of that discount."""
    size, price = lines.height, lines["price_minor"].to_numpy()
    rate = rates(today)[lines["where"].to_numpy()]
    dollars = 1.2 + lines["distance_km"].to_numpy() / 900 + lines["parcel_weight_grams"].to_numpy() / 2500
    shipping = np.where(chance.random(size) < _FREE_SHIPPING, 0, np.rint(dollars * 100 / rate).astype(np.int64))
    coupon, platform = chance.random(size) < _COUPONS, chance.random(size) < _FUNDED_BY_PLATFORM
    discount = np.where(coupon, np.rint(price * chance.choice((0.05, 0.1, 0.15), size)), 0).astype(np.int64)
    used = pl.Series(coupon)
    return lines.with_columns(
        price_ratio=pl.Series(price * rate / 100 / PRICE[lines["what"].to_numpy()]),
        currency=pl.Series(_CURRENCY[lines["where"].to_numpy()]),
        reference_rate=pl.Series(rate),
        shipping_minor=pl.Series(shipping),
        discount_minor=pl.Series(discount),
        subsidy_minor=pl.Series(np.where(platform, discount, 0)),
        coupon=pl.when(used).then(pl.lit("WELCOME")),
        coupon_funded_by=pl.when(used).then(pl.Series(np.where(platform, "platform", "seller"))),
    )


def _with_promises(lines: pl.DataFrame, sellers: Sellers) -> pl.DataFrame:
    """Promises end at midnight, so that many of them tie."""
    at, days = lines["occurred_at"].to_numpy(), sellers.promise_days[lines["seller"].to_numpy()]
    ship_by = _end_of_day(at + days * DAY)
    road = ((1.3 + lines["distance_km"].to_numpy() / 420) * DAY).astype(np.int64)
    return lines.with_columns(ship_by=pl.Series(ship_by), deliver_by=pl.Series(_end_of_day(ship_by + road)))


def _with_ids(lines: pl.DataFrame, today: Today) -> pl.DataFrame:
    order = pl.format(
        "order-{}-{}", pl.lit(today.date.strftime("%Y%m%d")), pl.col("order").cast(pl.String).str.zfill(5)
    )
    shown = pl.col("creator") >= 0
    return lines.with_columns(
        buyer_id=pl.col("buyer"), seller_id=pl.col("seller"), product_id=pl.col("listing"), order_id=order
    ).with_columns(
        identifier("buyer", "buyer_id"),
        identifier("seller", "seller_id"),
        identifier("product", "product_id"),
        order_line_id=pl.format("{}-{}", "order_id", "line"),
        device=pl.format("device {}/{}", "household", "second_device"),
        address=pl.format("{} Example Street", "household"),
        instrument=pl.format("instrument {}", "buyer"),
        creator_id=pl.when(shown).then(pl.format("creator-{}", "creator")),
        content_id=pl.when(shown).then(pl.format("content-{}-{}", "creator", pl.col("listing") % 40)),
    )


def _distance_km(sellers: Sellers, seller: Ints, buyers: Buyers, buyer: Ints) -> Floats:
    """Distance on a flat map, good enough within a country."""
    north = sellers.latitude[seller] - buyers.latitude[buyer]
    middle = np.radians((sellers.latitude[seller] + buyers.latitude[buyer]) / 2)
    east = (sellers.longitude[seller] - buyers.longitude[buyer]) * np.cos(middle)
    return _KM_PER_DEGREE * np.hypot(north, east)


def _end_of_day(moment: Ints) -> Ints:
    """The midnight (UTC) that ends the day of a moment."""
    return (moment // DAY + 1) * DAY
