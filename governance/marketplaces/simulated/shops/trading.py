"""Trading: today's order lines."""

from typing import TYPE_CHECKING

import polars as pl

from governance.contracts.tables import ORDERS
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.shops.beliefs import LAG_DAYS
from governance.marketplaces.simulated.shops.brushed import order_odds, review_odds
from governance.marketplaces.simulated.shops.checkout import checked_out
from governance.marketplaces.simulated.shops.memory import with_today
from governance.marketplaces.simulated.shops.orders import order_lines
from governance.marketplaces.simulated.shops.payments import put_checkout_payments
from governance.marketplaces.simulated.shops.payouts import earn

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World


def trade(world: "World", today: Today, visits: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Today's order lines, ordinary ones out of visits and planned ones; their rows go to the outbox.

    Returns
    -------
    polars.DataFrame
        One row for each line: the contract's columns (times are integers) and the latent ones that `checked_out` says.
    """
    shops = world.shops
    shops.make_room(len(world.people.buyers))
    wished = order_lines(world, today, visits, plans)
    shared = wished["device"].is_not_null() & (wished["campaign"] >= 0)
    lines = checked_out(world, today, wished.with_columns_seq(shared=shared))
    world.outbox.put(ORDERS, lines)
    put_checkout_payments(world.outbox, today, lines)
    ordinary = lines.filter(pl.col("campaign") == -1)
    shops.customers.usual[ordinary["buyer"].to_numpy()] = ordinary["listing"].to_numpy()
    earn(world, lines)
    _remember(world, today, lines)
    return lines.drop("shared")


def _remember(world: "World", today: Today, lines: pl.DataFrame) -> None:
    promise = world.shops.sellers.promise_days[lines["seller"].to_numpy()]
    frame = lines.with_columns_seq(
        day=pl.lit(today.index),
        resolved=pl.Series(today.index + promise + LAG_DAYS),
        odds=pl.Series(order_odds(world, today, lines)),
        words=pl.Series(review_odds(today, lines)),
        listed_grams="parcel_weight_grams",
    )
    world.shops.lines = with_today(world.shops.lines, frame, today)
