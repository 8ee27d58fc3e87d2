"""Cases: what buyers and sellers open after an order, and the corrections of what they first said."""

import numpy as np
import polars as pl

from governance.contracts.tables import CASES
from governance.marketplaces.simulated.causes import KINDS, NAMES, kinds_of, reasons_of
from governance.marketplaces.simulated.chance import DAY, Today, known_after, micros
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.writing import REASONS, case_texts

LATE_CASES = 0.03
CORRECTED_CASES = 0.06

_RESPOND_WITHIN = 3 * DAY
_KINDS = np.array(KINDS)
_REASONS = np.array(REASONS)


def put_cases(outbox: Outbox, today: Today, lines: pl.DataFrame) -> pl.DataFrame:
    """Cases of today's lines and their corrections; returns the cases as first filed, latent columns kept."""
    chance = today.chance("cases")
    cases = _open(lines.filter(pl.col("cause") >= 0), chance)
    outbox.put(CASES, cases)
    _put_corrections(outbox, cases, chance)
    return cases


def _open(lines: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """One case for each line that a cause has struck."""
    cause, opened = lines["cause"].to_numpy(), lines["opened"].to_numpy()
    reason, kind = reasons_of(cause, chance), kinds_of(cause, chance)
    known = known_after(opened, chance, minutes=4.0, late_share=LATE_CASES, late_hours=(4, 72))
    by_seller = cause == NAMES.index("seller_cancels")
    paid = pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor")
    return lines.with_columns(
        case_id=pl.format("case-{}", "order_line_id"),
        occurred_at=pl.Series(opened),
        known_at=pl.Series(known),
        version=pl.lit(1),
        kind=pl.Series(_KINDS[kind]),
        opened_by=pl.Series(np.where(by_seller, "seller", "buyer")),
        reason_code=pl.Series(_REASONS[reason]),
        text=case_texts(lines["where"].to_numpy(), reason),
        amount_minor=paid,
        respond_by=pl.Series(opened + _RESPOND_WITHIN),
        return_required=pl.Series(_KINDS[kind] == "return"),
    )


def _put_corrections(outbox: Outbox, cases: pl.DataFrame, chance: np.random.Generator) -> None:
    """Second versions: a case filed as a complaint becomes a refund, or the amount turns out to be a part of it."""
    later = pl.Series(micros(chance.uniform(0.3, 4.0, cases.height)))
    refiled = pl.when(pl.col("kind") == "complaint").then(pl.lit("refund")).otherwise(pl.col("kind"))
    corrected = cases.with_columns(
        known_at=pl.col("known_at") + later,
        version=pl.lit(2),
        kind=refiled,
        amount_minor=pl.col("amount_minor") * pl.Series(chance.integers(40, 100, cases.height)) // 100,
    )
    outbox.put(CASES, corrected.filter(pl.Series(chance.random(cases.height) < CORRECTED_CASES)))
