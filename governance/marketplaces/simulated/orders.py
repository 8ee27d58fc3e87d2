"""Orders of a day: who buys what when."""

import numpy as np
import polars as pl

from governance.contracts.tables import ORDERS
from governance.marketplaces.simulated.categories import CATEGORIES
from governance.marketplaces.simulated.chance import HOUR, MINUTE, SECOND, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.checkout import checked_out
from governance.marketplaces.simulated.listings import Listings
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.payments import payment_methods
from governance.marketplaces.simulated.people import Buyers, Sellers
from governance.marketplaces.simulated.rows import Outbox

ORDERS_PER_BUYER_AND_DAY = 0.0165
GROWTH_PER_DAY = 0.1 / 280
SALE_FACTOR = 2.5
SALE_DAY_OF_MONTH = 11

_WEEKDAYS = (0.95, 0.93, 0.94, 0.97, 1.03, 1.12, 1.06)
_LINES = (0.75, 0.17, 0.08)
_ELASTICITY = 2.0
_HOURS = np.array([np.cumsum(market.utc_hours()) for market in MARKETS])


def is_sale(today: Today) -> bool:
    """Whether today is a sale: the eleventh day of every second month."""
    return today.date.day == SALE_DAY_OF_MONTH and today.date.month % 2 == 1


def expected_orders(today: Today, buyers: int) -> float:
    """Mean number of orders of a day: a week's rhythm, slight growth and sales."""
    usual = buyers * ORDERS_PER_BUYER_AND_DAY * (1 + GROWTH_PER_DAY * today.index)
    return usual * _WEEKDAYS[today.date.weekday()] * (SALE_FACTOR if is_sale(today) else 1.0)


def place_orders(
    outbox: Outbox, today: Today, buyers: Buyers, sellers: Sellers, listings: Listings, *, size: int
) -> pl.DataFrame:
    """Today's order lines; their order rows go to the outbox.

    Parameters
    ----------
    size
        Buyers that the world is made for.

    Returns
    -------
    polars.DataFrame
        One row for each line with the columns that `checkout.checked_out` adds; times are integers.
    """
    chance = today.chance("orders")
    orders = _baskets(today, buyers, chance, chance.poisson(expected_orders(today, size)))
    lines = _fill(today, orders, buyers, sellers, listings, chance)
    lines = checked_out(today, lines, buyers, sellers, listings)
    outbox.put(ORDERS, lines)
    return lines


def _baskets(today: Today, buyers: Buyers, chance: np.random.Generator, size: int) -> pl.DataFrame:
    """Orders with buyer, times and number of lines. Some checkouts know the minute only, so that times tie."""
    weight = np.cumsum(buyers.activity * buyers.present(today.index))
    buyer = np.searchsorted(weight, chance.random(size) * weight[-1], side="right").astype(np.int64)
    hour = (chance.random((size, 1)) > _HOURS[buyers.market[buyer]]).sum(axis=1)
    at = today.start + np.minimum(hour, 23) * HOUR + chance.integers(0, HOUR, size)
    whole_minute = chance.random(size) < 0.3
    at = np.where(whole_minute, at // MINUTE * MINUTE, at)
    method, instalments = payment_methods(buyers.market[buyer], chance)
    return pl.DataFrame(
        {
            "order": np.arange(size),
            "buyer": buyer,
            "payment_method": method,
            "instalments": instalments,
            "second_device": (chance.random(size) < 0.11).astype(np.int64),
            "occurred_at": at,
            "known_at": at + _known_after(chance, size),
            "wanted": chance.choice(3, size, p=_LINES) + 1,
        }
    )


def _known_after(chance: np.random.Generator, size: int) -> Ints:
    """Orders are known at once, within seconds, or within half an hour; late at night that is the next day."""
    seconds = chance.choice((0.0, 40.0, 400.0), size, p=(0.05, 0.8, 0.15)) * chance.exponential(1.0, size)
    delay: Ints = np.rint(np.minimum(seconds, 1800) * SECOND).astype(np.int64)
    return delay


def _fill(
    today: Today,
    orders: pl.DataFrame,
    buyers: Buyers,
    sellers: Sellers,
    listings: Listings,
    chance: np.random.Generator,
) -> pl.DataFrame:
    """One row for each line with its listing; a line that no open seller can fill is dropped."""
    row = np.repeat(np.arange(orders.height), orders["wanted"].to_numpy())
    lines = orders[row]
    buyer = lines["buyer"].to_numpy()
    draw = chance.random(len(row))
    likes = np.where(draw < 0.35, buyers.favourite[buyer], buyers.second_favourite[buyer])
    listing = _choose(_attraction(today, sellers, listings), listings, buyers.market[buyer], likes, draw < 0.55, chance)
    lines = lines.with_columns(pl.Series("listing", listing)).filter(pl.col("listing") >= 0)
    number = pl.int_range(pl.len()).over("order")
    return lines.with_columns(line=number + 1, line_count=pl.len().over("order"))


def _attraction(today: Today, sellers: Sellers, listings: Listings) -> Floats:
    """How much each listing attracts: nothing where its shop is shut."""
    pull = sellers.popularity * sellers.lure * sellers.open(today.index)
    cheaper = listings.usual_minor / listings.price_minor
    return np.where(listings.listed < today.index, listings.appeal * pull[listings.seller] * cheaper**_ELASTICITY, 0.0)


def _choose(
    attraction: Floats, listings: Listings, market: Ints, likes: Ints, particular: Bools, chance: np.random.Generator
) -> Ints:
    """A listing for each line from its market, of the liked category where `particular`; -1 where there is none."""
    group = listings.market * len(CATEGORIES) + listings.category
    order = np.argsort(group, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(attraction[order])])
    edge = np.searchsorted(group[order], np.arange(len(MARKETS) * len(CATEGORIES) + 1))
    liked = market * len(CATEGORIES) + likes
    offered = particular & (running[edge[liked + 1]] > running[edge[liked]])
    low = running[edge[np.where(offered, liked, market * len(CATEGORIES))]]
    high = running[edge[np.where(offered, liked + 1, (market + 1) * len(CATEGORIES))]]
    position = np.searchsorted(running, low + chance.random(len(market)) * (high - low), side="right") - 1
    return np.where(high > low, order[np.minimum(position, len(order) - 1)], -1)
