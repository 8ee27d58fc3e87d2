"""Shops: sellers, what they list, what is ordered from them, and what is done about those who cheat."""

from typing import TYPE_CHECKING

import polars as pl

from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.shops import brushing, docket, enforcement
from governance.marketplaces.simulated.shops.growth import grow
from governance.marketplaces.simulated.shops.looking import look
from governance.marketplaces.simulated.shops.payouts import settle
from governance.marketplaces.simulated.shops.products import reprice
from governance.marketplaces.simulated.shops.publication import publish
from governance.marketplaces.simulated.shops.shops import Shops, begin
from governance.marketplaces.simulated.shops.trading import trade

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

__all__ = ["Shops", "begin", "end_day", "enforce", "plans", "remember", "trade"]


def enforce(world: "World", today: Today) -> None:
    """Act on what was said, and decide about sellers on what was known yesterday."""
    docket.act(world, today)
    enforcement.enforce(world, today)


def plans(world: "World", today: Today) -> pl.DataFrame:
    """What rings order from their own shops today, and friends from new ones."""
    brushing.gather(world, today)
    return pl.concat([brushing.ring_orders(world, today), brushing.friends_orders(world, today)])


def end_day(world: "World", today: Today) -> None:
    """What shops do besides selling: prices, new shops, new listings; and what they are paid."""
    settle(world, today)
    changed = reprice(world, today)
    publish(world, today, grow(world, today), changed)


def remember(world: "World", today: Today, rows: dict[str, pl.DataFrame]) -> None:
    """Those who decide take note of what became known today."""
    look(world, today, rows)
