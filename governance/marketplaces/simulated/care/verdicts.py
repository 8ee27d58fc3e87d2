"""What is said of cases afterwards: inspectors of refund abuse, the final ruling on responsibility, and auditors."""

import numpy as np
import polars as pl

from governance.contracts.tables import LABELS
from governance.marketplaces.simulated.chance import DAY, MINUTE, Bools, Today, micros
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.said import AUDIT, Saying, say

REFUND_ABUSE, RESPONSIBILITY = "refund_abuse", "responsibility"
RULING, APPEAL = "ruling", "appeal"

INSPECTION = Saying(
    label=REFUND_ABUSE,
    labeler="inspection",
    found=0.78,
    delay_days=12.0,
    delay_spread=0.45,
    delay_by_segment={"ID": 1.2, "MX": 1.0, "GB": 0.8},
    mistaken=0.004,
    audited=0.01,
    rechecked=0.2,
    audit_days=9.0,
    reason="return_inspection",
)

_AUDITED, _AUDIT_WRONG, _AUDIT_DAYS = 0.06, 0.03, 8.0
_UNTIL_DAYS = 40


def say_abuse(outbox: Outbox, today: Today, cases: pl.DataFrame, *, paid: Bools, refused: Bools) -> pl.DataFrame:
    """Statements about refund abuse, one decision a case; returns the key and moment of what was found.

    What a rule paid back at once nobody inspects, so nobody says anything of it; what a rule refused only auditors
    look at again.
    """
    truth = (cases["cause_name"] == "false_story").to_numpy()
    decisions = cases.select_seq("market", "occurred_at", key="line_key", entity_id="case_id")
    reasons = np.where((cases["reason_code"] == "not_received").to_numpy(), "carrier_inquiry", INSPECTION.reason)
    # A rule that pays at once and one that refuses both close the case: the second speaks, the first is silent.
    seen = decisions.filter(pl.Series(~paid))
    return say(
        outbox,
        today.draw("labels of refund abuse"),
        INSPECTION,
        seen,
        truth=truth[~paid],
        automatic=refused[~paid],
        reasons=pl.Series(reasons, dtype=pl.String).filter(pl.Series(~paid)),
    )


def say_responsibility(outbox: Outbox, today: Today, outcomes: pl.DataFrame, later: pl.DataFrame) -> None:
    """The final ruling on each case that people decided: the first one, after it those of appeals and auditors.

    `right_name` is the party that really bears most; auditors mostly find it.
    """
    ruled = outcomes.filter(~pl.col("automated") & pl.col("respond_by").is_not_null())
    spoken = [_ruling(ruled, labeler=RULING), _audits(today, outcomes.filter(pl.col("respond_by").is_not_null()))]
    if later.height:
        spoken.append(_ruling(later.filter(pl.col("respond_by").is_not_null()), labeler=APPEAL))
    outbox.put(LABELS, pl.concat(spoken))


def _ruling(outcomes: pl.DataFrame, *, labeler: str) -> pl.DataFrame:
    last = pl.col("respond_by") + _UNTIL_DAYS * DAY
    return outcomes.select_seq(
        "market",
        label=pl.lit(RESPONSIBILITY),
        entity_id=pl.col("case_id"),
        occurred_at=pl.col("respond_by"),
        known_at=pl.min_horizontal(pl.col("known_at") + MINUTE, last),
        labeler=pl.lit(labeler),
        value=(pl.col("responsible_party") == "seller").cast(pl.Int64),
        reason=pl.col("responsible_party"),
    )


def _audits(today: Today, outcomes: pl.DataFrame) -> pl.DataFrame:
    """What auditors say of some outcomes: mostly what is right, now and then the opposite."""
    draw = today.draw("audits of responsibility")
    audited = outcomes.filter(pl.Series(draw.happens(outcomes["line_key"].to_numpy(), _AUDITED)))
    key, seller = audited["line_key"].to_numpy(), audited["right_name"] == "seller"
    wrong = pl.Series(draw.happens(key, _AUDIT_WRONG))
    opposite = pl.select(pl.when(seller).then(pl.lit("undetermined")).otherwise(pl.lit("seller"))).to_series()
    later = audited["known_at"] + pl.Series(micros(draw.lognormal(key, _AUDIT_DAYS, 0.4)))
    said = opposite.zip_with(wrong, audited["right_name"])
    return _ruling(audited.with_columns_seq(known_at=later, responsible_party=said), labeler=AUDIT)
