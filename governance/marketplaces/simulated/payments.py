"""Payments: what moves at checkout, back after a case, or through the bank."""

import numpy as np
import polars as pl

from governance.contracts.tables import PAYMENTS
from governance.marketplaces.simulated.chance import SECOND, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import Outbox

_DECLINED_SHARE = 0.025
_INSTALMENTS = (1, 1, 1, 3, 6)


def payment_methods(market: Ints, chance: np.random.Generator) -> tuple[pl.Series, Ints]:
    """Payment method and number of instalments of each order, given its market."""
    draw, parts = chance.random(len(market)), chance.choice(_INSTALMENTS, len(market))
    names = np.empty(len(market), dtype=object)
    for number, where in enumerate(MARKETS):
        steps = np.cumsum([share for _, share in where.payment_methods])
        pick = np.minimum(np.searchsorted(steps, draw, side="right"), len(steps) - 1)
        here = market == number
        names[here] = np.array([name for name, _ in where.payment_methods], dtype=object)[pick[here]]
    return pl.Series(names, dtype=pl.String), np.where(names == "card", parts, 1).astype(np.int64)


def put_checkout_payments(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """An authorisation and a capture for each order; some authorisations are declined first and tried again."""
    chance = today.chance("checkout payments")
    orders = lines.group_by("order_id", maintain_order=True).agg(
        pl.col(
            "occurred_at", "market", "buyer_id", "payment_method", "instrument", "currency", "reference_rate"
        ).first(),
        amount_minor=(pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor")).sum(),
    )
    again = chance.random(orders.height) < _DECLINED_SHARE
    orders = orders.with_columns(
        method=pl.col("payment_method"),
        status=pl.lit("succeeded"),
        wait=pl.Series(np.where(again, 20 * SECOND, 0)),
        seconds=pl.Series(chance.integers(1, 15, orders.height) * SECOND),
    )
    declined = orders.filter(pl.Series(again)).with_columns(
        wait=pl.lit(0), status=pl.lit("failed"), reason_code=pl.lit("declined")
    )
    _put_step(outbox, declined, name="declined", kind="authorisation", after_seconds=0)
    _put_step(outbox, orders, name="authorisation", kind="authorisation", after_seconds=0)
    _put_step(outbox, orders, name="capture", kind="capture", after_seconds=30)


def _put_step(outbox: Outbox, orders: pl.DataFrame, *, name: str, kind: str, after_seconds: int) -> None:
    at = pl.col("occurred_at") + pl.col("wait") + after_seconds * SECOND
    outbox.put(
        PAYMENTS,
        orders.with_columns(
            payment_id=pl.format("{}-{}", "order_id", pl.lit(name)),
            kind=pl.lit(kind),
            occurred_at=at,
            known_at=at + pl.col("seconds"),
        ),
    )


def put_money_back(outbox: Outbox, cases: pl.DataFrame, *, kind: str, reason: pl.Expr) -> None:
    """A refund or chargeback for each case: `back_at` says when (microseconds), `back_minor` how much."""
    outbox.put(
        PAYMENTS,
        cases.filter(pl.col("back_minor") > 0).with_columns(
            payment_id=pl.format("{}-{}", "case_id", pl.lit(kind)),
            occurred_at=pl.col("back_at"),
            known_at=pl.col("back_at") + 40 * SECOND,
            kind=pl.lit(kind),
            status=pl.lit("succeeded"),
            method=pl.col("payment_method"),
            reason_code=reason,
            amount_minor=pl.col("back_minor"),
        ),
    )
