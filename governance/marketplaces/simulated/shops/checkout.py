"""What is agreed at checkout: parties, price, promises and the ids that go with them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated import stage
from governance.marketplaces.simulated.chance import DAY, Floats, Ints, Today
from governance.marketplaces.simulated.ids import identifiers, owners
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.shops.categories import CATEGORIES, PRICE
from governance.marketplaces.simulated.shops.listings import Listings, rates
from governance.marketplaces.simulated.shops.sellers import Sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon: the share of the price that it takes off, and whether the platform always pays for it."""

    code: str
    discount: float
    platform: bool


COUPONS = (
    Coupon("SAVE5", 0.05, platform=False),
    Coupon("SAVE10", 0.10, platform=False),
    Coupon("PAYDAY15", 0.15, platform=False),
    Coupon("WELCOME", 0.15, platform=True),
    Coupon("FRIEND", 0.12, platform=True),
)
"""The first three are for everybody; WELCOME is for new buyers, FRIEND for those who were invited."""

COUPON_SHARE, WELCOME_SHARE, WELCOME_DAYS = 0.12, 0.45, 14

_FUNDED_BY_PLATFORM, _FREE_SHIPPING = 0.6, 0.3
_KM_PER_DEGREE = 111.2
_MARKET = pl.Series([market.name for market in MARKETS])
_CURRENCY = pl.Series([market.currency for market in MARKETS])
_CATEGORY = pl.Series([category.name for category in CATEGORIES])
_CODES = pl.Series([coupon.code for coupon in COUPONS])
_DISCOUNT: Floats = np.array([coupon.discount for coupon in COUPONS] + [0.0])
_PLATFORM = np.array([coupon.platform for coupon in COUPONS] + [False])
_WELCOME, _FRIEND = 3, 4


def checked_out(world: "World", today: Today, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines as `orders.order_lines` gives them, as order rows.

    Beside the contract's columns they keep those of the plans and the latent numbers `seller`, `where` (market), `what`
    (category), `household`, `creator` and `content` (-1 for none), `distance_km`, and `price_ratio`, the price relative
    to what is usual in the category.
    """
    buyers, sellers = world.people.buyers, world.shops.sellers
    lines = _with_listing(lines, world.shops.listings)
    lines = _with_way(lines, buyers, sellers)
    lines = _with_money(lines, today, buyers)
    lines = _with_promises(lines, sellers)
    return _with_ids(_with_content(lines, world, today), buyers, today)


def _with_listing(lines: pl.DataFrame, listings: Listings) -> pl.DataFrame:
    listing = lines["listing"].to_numpy()
    where, what = listings.market[listing], listings.category[listing]
    return lines.with_columns_seq(
        seller=pl.Series(listings.seller[listing]),
        where=pl.Series(where),
        what=pl.Series(what),
        market=_MARKET[where],
        category=_CATEGORY[what],
        price_minor=pl.Series(listings.price_minor[listing]),
        commission_rate=pl.Series(np.round(0.05 + 0.005 * what, 4)),
        listing_photos=pl.Series(listings.photos[listing]),
        listing_description_characters=pl.Series(listings.description_characters[listing]),
        parcel_weight_grams=pl.Series(listings.grams[listing]),
    )


def _with_way(lines: pl.DataFrame, buyers: Buyers, sellers: Sellers) -> pl.DataFrame:
    buyer, seller = lines["buyer"].to_numpy(), lines["seller"].to_numpy()
    return lines.with_columns_seq(
        origin_latitude=pl.Series(sellers.latitude[seller]),
        origin_longitude=pl.Series(sellers.longitude[seller]),
        destination_latitude=pl.Series(buyers.latitude[buyer]),
        destination_longitude=pl.Series(buyers.longitude[buyer]),
        household=pl.Series(buyers.household[buyer]),
        distance_km=pl.Series(_distance_km(sellers, seller, buyers, buyer)),
    )


def _with_money(lines: pl.DataFrame, today: Today, buyers: Buyers) -> pl.DataFrame:
    """Shipping, and the discount of a coupon; `subsidy_minor` is the platform's part of that discount."""
    draw, key = today.draw("checkout"), lines["line_key"].to_numpy()
    price, where = lines["price_minor"].to_numpy(), lines["where"].to_numpy()
    rate = rates(today)[where]
    dollars = 1.2 + lines["distance_km"].to_numpy() / 900 + lines["parcel_weight_grams"].to_numpy() / 2500
    shipping = np.where(draw.happens(key, _FREE_SHIPPING), 0, np.rint(dollars * 100 / rate).astype(np.int64))
    coupon = _coupons(lines, today, buyers)
    platform = _PLATFORM[coupon] | (draw.happens(key, _FUNDED_BY_PLATFORM) & (coupon >= 0))
    discount = np.rint(price * _DISCOUNT[coupon]).astype(np.int64)
    used = pl.Series(coupon >= 0)
    return lines.with_columns_seq(
        price_ratio=pl.Series(price * rate / 100 / PRICE[lines["what"].to_numpy()]),
        currency=_CURRENCY[where],
        reference_rate=pl.Series(rate),
        shipping_minor=pl.Series(shipping),
        discount_minor=pl.Series(discount),
        subsidy_minor=pl.Series(np.where(platform, discount, 0)),
        coupon=pl.when(used).then(_CODES[np.maximum(coupon, 0)]),
        coupon_funded_by=pl.when(used).then(
            pl.when(pl.Series(platform)).then(pl.lit("platform")).otherwise(pl.lit("seller"))
        ),
    )


def _coupons(lines: pl.DataFrame, today: Today, buyers: Buyers) -> Ints:
    """The coupon of each line (its place in `COUPONS`), -1 for none: the planned one, or what ordinary buyers use."""
    draw, key, buyer = today.draw("coupons"), lines["order"].to_numpy(), lines["buyer"].to_numpy()
    new = today.index - buyers.joined[buyer] < WELCOME_DAYS
    welcome = np.where(buyers.invited_by[buyer] >= 0, _FRIEND, _WELCOME)
    greeted = new & draw.happens(key, WELCOME_SHARE)
    ordinary = np.where(draw.happens(key, COUPON_SHARE), draw.integers(key, 0, _WELCOME), -1)
    own = np.where(greeted, welcome, ordinary)
    places = {coupon.code: place for place, coupon in enumerate(COUPONS)}
    meant = lines["coupon"].replace_strict(places, default=-1, return_dtype=pl.Int64).to_numpy()
    return np.where(lines["campaign"].to_numpy() >= 0, meant, np.where(meant >= 0, meant, own))


def _with_promises(lines: pl.DataFrame, sellers: Sellers) -> pl.DataFrame:
    """Promises end at midnight, so that many of them tie."""
    at, days = lines["occurred_at"].to_numpy(), sellers.promise_days[lines["seller"].to_numpy()]
    ship_by = _end_of_day(at + days * DAY)
    road = ((1.3 + lines["distance_km"].to_numpy() / 420) * DAY).astype(np.int64)
    return lines.with_columns_seq(ship_by=pl.Series(ship_by), deliver_by=pl.Series(_end_of_day(ship_by + road)))


def _with_content(lines: pl.DataFrame, world: "World", today: Today) -> pl.DataFrame:
    """The content that sold each line: the planned one, or one that shows the listing."""
    listing, at, key, meant = (lines[name].to_numpy() for name in ("listing", "occurred_at", "line_key", "content"))
    creator, content = stage.attribution(world, today, listing, at, key)
    planned = meant >= 0
    return lines.with_columns_seq(
        creator=pl.Series(np.where(planned, owners(np.maximum(meant, 0)), creator)),
        content=pl.Series(np.where(planned, meant, content)),
    )


def _with_ids(lines: pl.DataFrame, buyers: Buyers, today: Today) -> pl.DataFrame:
    seed, buyer = today.seed, lines["buyer"].to_numpy()
    sold = pl.col("creator") >= 0
    ids = {
        f"{prefix}_id": identifiers(prefix, lines[column].to_numpy(), seed=seed)
        for prefix, column in (("buyer", "buyer"), ("seller", "seller"), ("product", "listing"), ("order", "order"))
    }
    shown = {
        f"{prefix}_id": pl.when(sold).then(identifiers(prefix, np.maximum(lines[prefix].to_numpy(), 0), seed=seed))
        for prefix in ("creator", "content")
    }
    return lines.with_columns_seq(
        **ids,
        **shown,
        device=pl.coalesce("device", names("device", buyers.device[buyer], seed=seed)),
        address=pl.coalesce("address", names("address", buyers.household[buyer], seed=seed)),
        instrument=pl.coalesce("instrument", names("instrument", buyers.instrument[buyer], seed=seed)),
        weight=pl.lit(1.0),
    ).with_columns_seq(order_line_id=pl.format("{}-{}", "order_id", "line"))


def _distance_km(sellers: Sellers, seller: Ints, buyers: Buyers, buyer: Ints) -> Floats:
    """Distance on a flat map, good enough within a country."""
    north = sellers.latitude[seller] - buyers.latitude[buyer]
    middle = np.radians((sellers.latitude[seller] + buyers.latitude[buyer]) / 2)
    east = (sellers.longitude[seller] - buyers.longitude[buyer]) * np.cos(middle)
    return _KM_PER_DEGREE * np.hypot(north, east)


def _end_of_day(moment: Ints) -> Ints:
    """The midnight (UTC) that ends the day of a moment."""
    return (moment // DAY + 1) * DAY
