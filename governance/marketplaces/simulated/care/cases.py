"""Cases: what buyers and sellers open after an order, and the corrections of what they first said."""

import numpy as np
import polars as pl

from governance.contracts.tables import CASES
from governance.marketplaces.simulated.care.causes import NUMBER
from governance.marketplaces.simulated.care.traces import KINDS, REASONS
from governance.marketplaces.simulated.chance import DAY, Today, known_after, micros
from governance.marketplaces.simulated.rows import Outbox

LATE_CASES = 0.03
CORRECTED_CASES = 0.06
RESPOND_WITHIN_DAYS = 3

_KINDS, _REASONS = np.array(KINDS), np.array(REASONS)


def filed(today: Today, cases: pl.DataFrame) -> pl.DataFrame:
    """Case rows of lines whose case is opened today, with their traces; latent columns are kept.

    `placed` is when the line was ordered; `occurred_at` becomes the moment of the case.
    """
    draw, key = today.draw("cases"), cases["line_key"].to_numpy()
    opened = cases["opened"].to_numpy()
    known = known_after(opened, key, draw, minutes=4.0, late_share=LATE_CASES, late_hours=(4, 72))
    kind = _KINDS[cases["kind"].to_numpy()]
    by_seller = (cases["cause"] == NUMBER["seller_cancels"]).to_numpy()
    deadline = pl.Series(opened + RESPOND_WITHIN_DAYS * DAY)
    return cases.with_columns_seq(
        case_id=pl.format("case-{}", "order_line_id"),
        placed=pl.col("occurred_at"),
        occurred_at=pl.Series(opened),
        known_at=pl.Series(known),
        version=pl.lit(1),
        kind_number=pl.col("kind"),
        kind=pl.Series(kind),
        opened_by=pl.Series(np.where(by_seller, "seller", "buyer")),
        reason_code=pl.Series(_REASONS[cases["reason"].to_numpy()]),
        amount_minor=pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor"),
        respond_by=pl.when(pl.Series(kind != "cancellation")).then(deadline),
        return_required=pl.Series(kind == "return"),
    )


def put_cases(outbox: Outbox, today: Today, cases: pl.DataFrame) -> None:
    """Cases, and second versions: a complaint becomes a refund, or the amount turns out to be a part of it."""
    draw, key = today.draw("corrections of cases"), cases["line_key"].to_numpy()
    refiled = pl.when(pl.col("kind") == "complaint").then(pl.lit("refund")).otherwise(pl.col("kind"))
    corrected = cases.with_columns_seq(
        known_at=pl.col("known_at") + pl.Series(micros(draw.uniform(key, 0.3, 4.0))),
        version=pl.lit(2),
        kind=refiled,
        amount_minor=pl.col("amount_minor") * pl.Series(draw.integers(key, 40, 100)) // 100,
    )
    again = pl.Series(draw.happens(key, CORRECTED_CASES))
    outbox.put(CASES, pl.concat([cases, corrected.filter(again)]))
