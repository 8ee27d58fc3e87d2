from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.contracts.calendar import midnight
from governance.errors import NotReady
from governance.models.split import bounds_of, split, summarise

AS_OF = date(2026, 8, 1)


def rows_of(decisions: list[tuple[float, float, int]], *, maturity_days: int) -> pl.DataFrame:
    """Rows from (days before `AS_OF`, extra days until the label matured, label)."""
    frame = pl.DataFrame(decisions, schema={"age": pl.Float64, "late": pl.Float64, "label": pl.Int64}, orient="row")
    decided = pl.lit(midnight(AS_OF)) - pl.duration(seconds=pl.col("age") * 86_400)
    return frame.with_row_index("row").select(
        pl.col("row").cast(pl.String).alias("row_id"),
        pl.col("row").cast(pl.String).alias("entity_id"),
        pl.lit("group").alias("group_id"),
        "label",
        pl.lit(1.0).alias("weight"),
        decided.alias("decided_at"),
        (decided + pl.duration(seconds=(pl.col("late") + maturity_days) * 86_400)).alias("matured_at"),
    )


def both_labels_everywhere(maturity_days: int, test_days: int, calibration_days: int) -> list[tuple[float, float, int]]:
    test = maturity_days + test_days / 2
    calibration = 2 * maturity_days + test_days + calibration_days / 2
    training = 2 * maturity_days + test_days + calibration_days + 5
    return [(age, 0.0, label) for age in (test, calibration, training) for label in (0, 1)]


@settings(max_examples=60, deadline=None)
@given(
    decisions=st.lists(
        st.tuples(st.floats(0, 200), st.sampled_from([0.0, 0.3, 4.0, 30.0]), st.integers(0, 1)), max_size=80
    ),
    maturity_days=st.integers(1, 45),
    test_days=st.integers(1, 40),
    calibration_days=st.integers(1, 40),
)
def test_no_slice_knows_a_label_that_had_not_matured_and_no_row_is_in_two(
    decisions: list[tuple[float, float, int]], maturity_days: int, test_days: int, calibration_days: int
) -> None:
    anchors = both_labels_everywhere(maturity_days, test_days, calibration_days)
    frame = rows_of(decisions + anchors, maturity_days=maturity_days)
    found = split(
        frame,
        as_of=AS_OF,
        maturity_days=maturity_days,
        test_days=test_days,
        calibration_days=calibration_days,
        positives_at_least=1,
    )
    start = found.bounds.test_from
    for rows in (found.training, found.calibration):
        assert (rows["matured_at"] <= start).all()
        assert (rows["decided_at"] < start - timedelta(days=maturity_days)).all()
    assert found.training["decided_at"].max() < found.calibration["decided_at"].min()
    assert (found.test["decided_at"] >= start).all()
    assert (found.test["matured_at"] <= midnight(AS_OF)).all()
    ids = pl.concat([found.training, found.calibration, found.test])["row_id"]
    assert ids.n_unique() == len(ids) == frame.height - found.left_out


def test_the_bounds_are_those_of_the_design() -> None:
    found = bounds_of(as_of=AS_OF, maturity_days=21, test_days=28, calibration_days=14)
    assert found.test_until == datetime(2026, 7, 11, tzinfo=UTC)
    assert found.test_from == datetime(2026, 6, 13, tzinfo=UTC)
    assert found.gap_from == datetime(2026, 5, 23, tzinfo=UTC)
    assert found.calibration_from == datetime(2026, 5, 9, tzinfo=UTC)


def test_a_fixed_beginning_of_the_test_slice_wins_over_its_length() -> None:
    found = bounds_of(as_of=AS_OF, maturity_days=45, test_days=28, calibration_days=28, test_from=date(2026, 3, 1))
    assert found.test_from == datetime(2026, 3, 1, tzinfo=UTC)
    assert found.gap_from == datetime(2026, 1, 15, tzinfo=UTC)


def test_decisions_on_the_edges_fall_where_the_bounds_say() -> None:
    edges = [(21.0, 0.0, 1), (49.0, 0.0, 0), (49.0 + 1e-4, 0.0, 1), (70.0, 0.0, 1), (70.0 + 1e-4, 0.0, 1)]
    frame = rows_of([*edges, *both_labels_everywhere(21, 28, 28)], maturity_days=21)
    found = split(frame, as_of=AS_OF, maturity_days=21, test_days=28, calibration_days=28, positives_at_least=1)
    assert {"0", "1"} <= set(found.test["row_id"])
    assert "4" in found.calibration["row_id"]
    assert found.left_out == 2


def test_too_few_positive_entities_skip_the_week_with_a_sentence(training_set: pl.DataFrame) -> None:
    few = training_set.with_columns(entity_id=pl.lit("the same seller"))
    with pytest.raises(NotReady, match=r"^1 matured positive entities .* training needs 60$"):
        split(few, as_of=date(2026, 8, 29), maturity_days=21, test_days=28, calibration_days=28)


@pytest.mark.parametrize(("label", "word"), [(1, "positive"), (0, "negative")])
def test_a_slice_without_one_of_the_labels_skips_the_week(label: int, word: str) -> None:
    decisions = [row for row in both_labels_everywhere(21, 28, 28) if row[0] > 40 or row[2] != label]
    frame = rows_of(decisions, maturity_days=21)
    with pytest.raises(NotReady, match=f"the test slice has no matured {word} among its 1 rows"):
        split(frame, as_of=AS_OF, maturity_days=21, test_days=28, calibration_days=28, positives_at_least=1)


def test_a_summary_weighs_the_prevalence_and_counts_the_rows() -> None:
    frame = rows_of([(30.0, 0.0, 1), (29.0, 0.0, 0)], maturity_days=21).with_columns(weight=pl.Series([1.0, 3.0]))
    found = summarise("test", frame)
    assert (found.rows, found.positives, found.prevalence) == (2, 1, 0.25)
    assert found.first < found.last
