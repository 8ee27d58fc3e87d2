"""The truth about a synthetic marketplace, as the simulator writes it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from governance.marketplaces.simulated.rows import DECISIONS, TRUTH_TABLES, as_rows, write_day
from governance.marketplaces.truth import Sampling, read_truth

FIRST = date(2026, 1, 1)


def decisions(label: str, entities: list[str], day: int, **columns: object) -> pl.DataFrame:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    rows = pl.DataFrame({"label": label, "entity_id": entities}).with_columns(
        occurred_at=pl.lit(at), truth=pl.lit(1.0), oracle=pl.lit(0.5)
    )
    return as_rows(TRUTH_TABLES[DECISIONS], rows.with_columns(**{name: pl.lit(v) for name, v in columns.items()}))


def world(root: Path, prevalence: object = None) -> Path:
    for day in range(3):
        rows = [decisions("claim", ["line-1", "line-2"], day), decisions("brushing", ["line-1"], day, campaign="ring")]
        write_day(root / "truth", DECISIONS, FIRST + timedelta(days=day), pl.concat(rows))
    if prevalence is not None:
        (root / "world.json").write_text(json.dumps({"prevalence": prevalence}))
    return root


def test_a_marketplace_without_truth_has_none(tmp_path: Path) -> None:
    assert read_truth(tmp_path) is None


def test_the_decisions_of_one_label_are_read_from_every_day(tmp_path: Path) -> None:
    truth = read_truth(world(tmp_path))
    assert truth is not None
    expected = pl.concat([decisions("brushing", ["line-1"], day, campaign="ring") for day in range(3)]).drop("label")
    assert_frame_equal(truth.decisions("brushing"), expected)
    assert truth.decisions("claim").height == 6
    assert truth.decisions("fake_account").is_empty()


def test_a_decision_that_was_revealed_twice_is_one_with_what_was_said_last(tmp_path: Path) -> None:
    write_day(world(tmp_path) / "truth", DECISIONS, date(2026, 1, 9), decisions("claim", ["line-1"], 0, truth=0.0))
    truth = read_truth(tmp_path)
    assert truth is not None
    found = truth.decisions("claim")
    assert found.height == 6
    assert found.filter(pl.col("truth") == 0.0)["entity_id"].to_list() == ["line-1"]


def test_a_label_of_which_nothing_is_stated_is_as_frequent_as_in_nature(tmp_path: Path) -> None:
    truth = read_truth(world(tmp_path, {"brushing": {"natural": 0.005, "oversampling": 3.0}}))
    assert truth is not None
    assert truth.sampling("brushing") == Sampling(natural=0.005, oversampling=3.0)
    assert truth.sampling("claim") == Sampling(natural=None, oversampling=1.0)
