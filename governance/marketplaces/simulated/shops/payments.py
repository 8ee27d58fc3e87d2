"""Payments: what moves at checkout, back after a case, or through the bank."""

import numpy as np
import polars as pl

from governance.contracts.tables import PAYMENTS
from governance.marketplaces.simulated.chance import SECOND, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import Outbox

_DECLINED_SHARE = 0.025
_INSTALMENTS: Ints = np.array((1, 1, 1, 3, 6), dtype=np.int64)
_METHODS = sorted({name for market in MARKETS for name, _ in market.payment_methods})
_SHARES: Floats = np.array([[dict(market.payment_methods).get(name, 0.0) for name in _METHODS] for market in MARKETS])
_NAMES = pl.Series(_METHODS)


def payment_methods(draw: Draw, key: Ints, market: Ints) -> tuple[pl.Series, Ints]:
    """Payment method and number of instalments of each order, given its market."""
    method = draw.pick(key, _SHARES[market])
    parts = _INSTALMENTS[draw.integers(key, 0, len(_INSTALMENTS))]
    return _NAMES[method], np.where(method == _METHODS.index("card"), parts, 1)


def put_checkout_payments(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """An authorisation and a capture for each order; some authorisations are declined first and tried again."""
    orders = lines.group_by("order_id", maintain_order=True).agg(
        pl.col("order", "occurred_at", "known_at", "market", "buyer_id").first(),
        pl.col("payment_method", "instrument", "currency", "reference_rate").first(),
        amount_minor=(pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor")).sum(),
    )
    draw, key = today.draw("checkout payments"), orders["order"].to_numpy()
    again = draw.happens(key, _DECLINED_SHARE)
    orders = orders.with_columns_seq(
        method=pl.col("payment_method"),
        wait=pl.Series(np.where(again, 20 * SECOND, 0)),
        seconds=pl.Series(draw.integers(key, 1, 15) * SECOND),
    )
    declined = orders.filter(pl.Series(again)).with_columns_seq(wait=pl.lit(0, pl.Int64))
    steps = (
        _step(declined, name="declined", kind="authorisation", status="failed", reason="declined", after_seconds=0),
        _step(orders, name="authorisation", kind="authorisation", status="succeeded", reason=None, after_seconds=0),
        _step(orders, name="capture", kind="capture", status="succeeded", reason=None, after_seconds=30),
    )
    outbox.put(PAYMENTS, pl.concat(steps))


def _step(
    orders: pl.DataFrame, *, name: str, kind: str, status: str, reason: str | None, after_seconds: int
) -> pl.DataFrame:
    at = pl.col("occurred_at") + pl.col("wait") + after_seconds * SECOND
    return orders.with_columns_seq(
        payment_id=pl.format("{}-{}", "order_id", pl.lit(name)),
        kind=pl.lit(kind),
        status=pl.lit(status),
        reason_code=pl.lit(reason, pl.String),
        occurred_at=at,
        known_at=pl.max_horizontal(at, "known_at") + pl.col("seconds"),
    )


def put_money_back(outbox: Outbox, cases: pl.DataFrame, *, kind: str, reason: pl.Expr) -> None:
    """A refund or chargeback for each case: `back_at` says when (microseconds), `back_minor` how much."""
    outbox.put(
        PAYMENTS,
        cases.filter(pl.col("back_minor") > 0).with_columns_seq(
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
