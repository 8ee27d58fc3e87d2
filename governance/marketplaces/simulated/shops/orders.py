"""Orders of a day: which visits end in one, what goes into the basket, and what others had planned."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import MINUTE, SECOND, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.plans import PLANS, planned
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.shops.listings import Listings
from governance.marketplaces.simulated.shops.payments import payment_methods
from governance.marketplaces.simulated.shops.sellers import Sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

ORDERS_PER_VISIT, ORDERS_PER_VISIT_AT_SALES = 0.32, 0.5
SALE_DAY_OF_MONTH = 11
ELASTICITY = 2.0
REPEATS = 0.08
"""Share of lines in which a buyer takes once more what it took last time."""

_LINES = (0.84, 0.11, 0.05)
_FAVOURITE, _PARTICULAR = 0.35, 0.55
_WHOLE_MINUTES = 0.3
_ORDINARY_ORDERS = 16
_AT_ONCE, _MEAN_SECONDS, _MOST_SECONDS = (0.05, 0.8, 0.15), (0.0, 40.0, 400.0), 1800


def is_sale(today: Today) -> bool:
    """Whether today is a sale: the eleventh day of every second month."""
    return today.date.day == SALE_DAY_OF_MONTH and today.date.month % 2 == 1


def order_lines(world: "World", today: Today, visits: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Today's lines as far as buyers decide about them.

    Returns
    -------
    polars.DataFrame
        The columns of `PLANS` (`listing` filled in), `order` (number), `line`, `line_count`, `line_key`,
        `payment_method`, `instalments`, `occurred_at` and `known_at`; ordinary orders first, both by buyer and time.
    """
    orders = pl.concat([planned(_ordinary(today, visits)), plans.select_seq(PLANS.names())])
    offered = world.shops.listings.offered(world.shops.sellers, today.index)
    listing = orders["listing"].to_numpy()
    # What was planned for a shop that has been shut since is not ordered.
    orders = orders.filter(pl.Series((listing < 0) | offered[listing]))
    orders = _with_order(today, orders, world.people.buyers)
    lines = _filled(world, today, _expanded(today, orders), offered)
    number = pl.int_range(pl.len()).over("order")
    lines = lines.with_columns_seq(line=number + 1, line_count=pl.len().over("order"))
    return lines.with_columns_seq(line_key=pl.Series(joint(lines["order"].to_numpy(), lines["line"].to_numpy())))


def _ordinary(today: Today, visits: pl.DataFrame) -> pl.DataFrame:
    """Visits in which somebody orders, with nothing chosen yet (`listing` -1)."""
    visits = visits.filter(pl.col("campaign") == -1)
    draw, key = today.draw("orders"), joint(visits["buyer"].to_numpy(), visits["nth"].to_numpy())
    orders = draw.happens(key, ORDERS_PER_VISIT_AT_SALES if is_sale(today) else ORDERS_PER_VISIT)
    at = visits["at"].to_numpy() + draw.integers(key, MINUTE, 9 * MINUTE)
    at = np.where(draw.happens(key, _WHOLE_MINUTES), at // MINUTE * MINUTE, at)
    ordering = visits.select_seq("buyer", "nth", "device", at=pl.Series(at), listing=pl.lit(-1))
    return ordering.filter(pl.Series(orders))


def _with_order(today: Today, orders: pl.DataFrame, buyers: Buyers) -> pl.DataFrame:
    """Number, moment and payment of each order. Some checkouts know the minute only, so that times tie."""
    buyer = orders["buyer"].to_numpy()
    order = order_numbers(today.index, buyer, orders["nth"].to_numpy())
    draw = today.draw("payment methods")
    method, instalments = payment_methods(draw, order, buyers.market[buyer])
    at = orders["at"].to_numpy()
    return orders.with_columns_seq(
        order=pl.Series(order),
        payment_method=method,
        instalments=pl.Series(instalments),
        occurred_at=pl.Series(at),
        known_at=pl.Series(at + _known_after(today.draw("orders known"), order)),
    )


def _known_after(draw: Draw, key: Ints) -> Ints:
    """Orders are known at once, within seconds, or within half an hour; late at night that is the next day."""
    mean = np.array(_MEAN_SECONDS)[draw.pick(key, _AT_ONCE)]
    seconds = np.minimum(mean * draw.exponential(key), _MOST_SECONDS)
    delay: Ints = np.rint(seconds * SECOND).astype(np.int64)
    return delay


def _expanded(today: Today, orders: pl.DataFrame) -> pl.DataFrame:
    """One row for each line that is wanted; planned orders have one."""
    key, ordinary = orders["order"].to_numpy(), orders["nth"].to_numpy() < _ORDINARY_ORDERS
    baskets = today.draw("baskets").pick(key, _LINES) + 1
    wanted = np.where(ordinary & (orders["listing"].to_numpy() < 0), baskets, 1)
    row = np.repeat(np.arange(orders.height), wanted)
    first = np.repeat(np.cumsum(wanted) - wanted, wanted)
    return orders[row].with_columns_seq(wish=pl.Series(np.arange(len(row)) - first))


def _filled(world: "World", today: Today, lines: pl.DataFrame, offered: Bools) -> pl.DataFrame:
    """Lines with their listings; one that no open seller can fill is dropped."""
    buyers, shops = world.people.buyers, world.shops
    buyer, given = lines["buyer"].to_numpy(), lines["listing"].to_numpy()
    key = joint(lines["order"].to_numpy(), lines["wish"].to_numpy())
    draw = today.draw("wishes")
    taste = draw.uniform(key)
    likes = np.where(taste < _FAVOURITE, buyers.favourite[buyer], buyers.second_favourite[buyer])
    attraction = _attraction(shops.sellers, shops.listings, offered)
    found = _choose(attraction, shops.listings, buyers.market[buyer], likes, taste < _PARTICULAR, draw.uniform(key))
    usual = shops.customers.usual[buyer]
    again = draw.happens(key, REPEATS) & (usual >= 0) & offered[usual]
    listing = np.where(given >= 0, given, np.where(again, usual, found))
    return lines.with_columns_seq(listing=pl.Series(listing)).filter(pl.col("listing") >= 0)


def _attraction(sellers: Sellers, listings: Listings, offered: Bools) -> Floats:
    """How much each listing attracts: nothing where it cannot be bought."""
    pull = (sellers.popularity * sellers.lure)[listings.seller]
    cheaper = listings.usual_minor / listings.price_minor
    return np.where(offered, listings.appeal * pull * cheaper**ELASTICITY, 0.0)


def _choose(attraction: Floats, listings: Listings, market: Ints, likes: Ints, particular: Bools, mark: Floats) -> Ints:
    """A listing for each line from its market, of the liked category where `particular`; -1 where there is none."""
    group = listings.market * len(CATEGORIES) + listings.category
    order = np.argsort(group, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(attraction[order])])
    edge = np.searchsorted(group[order], np.arange(len(MARKETS) * len(CATEGORIES) + 1))
    liked = market * len(CATEGORIES) + likes
    offered = particular & (running[edge[liked + 1]] > running[edge[liked]])
    low = running[edge[np.where(offered, liked, market * len(CATEGORIES))]]
    high = running[edge[np.where(offered, liked + 1, (market + 1) * len(CATEGORIES))]]
    position = np.searchsorted(running, low + mark * (high - low), side="right") - 1
    return np.where(high > low, order[np.minimum(position, len(order) - 1)], -1)
