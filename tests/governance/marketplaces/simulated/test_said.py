"""Labels: late by segment, missing, mistaken, audited, and silent about what was blocked by itself."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import LABELS
from governance.marketplaces.simulated.chance import DAY, Today
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.said import Saying, say

TODAY = Today(5, date(2024, 3, 1), 60)
SIZE = 40_000
SAYING = Saying(
    label="test",
    labeler="owner",
    found=0.8,
    delay_days=6.0,
    delay_by_segment={"ID": 2.0},
    mistaken=0.02,
    audited=0.01,
    rechecked=0.25,
    audit_wrong=0.05,
)


def statements(truth: np.ndarray, automatic: np.ndarray | None = None) -> pl.DataFrame:
    key = np.arange(SIZE)
    decisions = pl.DataFrame(
        {
            "key": key,
            "entity_id": key.astype(str),
            "occurred_at": np.full(SIZE, TODAY.start),
            "market": np.where(key % 2 == 0, "ID", "GB"),
        }
    )
    outbox = Outbox()
    say(outbox, TODAY.draw("said"), SAYING, decisions, truth=truth, automatic=automatic)
    return outbox.take(LABELS, Today(5, date(2024, 3, 1), 400))


def days() -> pl.Expr:
    return (pl.col("known_at") - pl.col("occurred_at")).dt.total_microseconds() / DAY


def test_most_of_what_is_so_is_said_and_little_of_what_is_not() -> None:
    truth = np.arange(SIZE) % 4 == 0
    said = statements(truth).filter(pl.col("labeler") == "owner")
    so = pl.Series(truth)[said["entity_id"].cast(pl.Int64)]
    assert so.sum() / truth.sum() == pytest.approx(0.8, abs=0.02)
    assert (~so).sum() / (~truth).sum() == pytest.approx(0.02, abs=0.005)


def test_one_segment_hears_twice_as_late() -> None:
    said = statements(np.ones(SIZE, bool)).filter(pl.col("labeler") == "owner").with_columns(days=days())
    late = dict(said.group_by("market").agg(pl.col("days").median()).iter_rows())
    assert late["GB"] == pytest.approx(6.0, rel=0.03)
    assert late["ID"] == pytest.approx(12.0, rel=0.03)


def test_auditors_look_at_some_of_everything_and_more_of_what_was_said_and_err_a_little() -> None:
    truth = np.arange(SIZE) % 2 == 0
    found = statements(truth)
    audits = found.filter(pl.col("labeler") == "audit")
    wrong = audits["value"] != pl.Series(truth.astype(int))[audits["entity_id"].cast(pl.Int64)]
    assert wrong.mean() == pytest.approx(0.05, abs=0.02)
    said = set(found.filter(pl.col("labeler") == "owner")["entity_id"])
    rechecked = audits.filter(pl.col("entity_id").is_in(list(said)))
    assert rechecked.height / len(said) == pytest.approx(0.25, abs=0.02)


def test_what_was_blocked_by_itself_is_known_from_the_rule_alone() -> None:
    blocked = np.arange(SIZE) % 3 == 0
    found = statements(np.ones(SIZE, bool), automatic=blocked)
    numbers = found["entity_id"].cast(pl.Int64).to_numpy()
    assert (blocked[numbers] == (found["labeler"] == "automatic_rule").to_numpy())[
        (found["labeler"] != "audit").to_numpy()
    ].all()
