from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from governance.models import leakage
from governance.models.rows import Rows
from governance.models.split import Slices, split

LEARNER = {"rounds": 40, "min_data_in_leaf": 20}


def slices_of(frame: pl.DataFrame) -> Slices:
    as_of = (frame["matured_at"].max() + timedelta(days=1)).date()
    return split(frame, as_of=as_of, maturity_days=21, test_days=60, calibration_days=28)


def parts_of(frame: pl.DataFrame, features: tuple[str, ...]) -> tuple[Rows, Rows, Rows]:
    found = slices_of(frame)
    training, calibration, test = (Rows.of(rows, features) for rows in (found.training, found.calibration, found.test))
    return training, calibration, test


def gain_of(frame: pl.DataFrame, features: tuple[str, ...]) -> float:
    return leakage.time_shuffle_gain(*parts_of(frame, features), features=features, learner=LEARNER, seed=1)


def test_an_honest_training_set_shows_no_sign(training_set: pl.DataFrame, features: tuple[str, ...]) -> None:
    assert leakage.single_feature_auc(parts_of(training_set, features), features).value < 0.8
    assert abs(gain_of(training_set, features)) < 0.05
    assert leakage.rows_from_the_future(training_set) == 0
    assert leakage.personal_inputs(features) == ()
    assert leakage.schema_differences(training_set, features) == ()


@pytest.mark.parametrize(
    "planted",
    [
        pl.col("label").cast(pl.Float64),
        -pl.col("label").cast(pl.Float64),
        pl.when(pl.col("label") == 1).then(5.0),
        pl.when(pl.col("label") == 0).then(pl.col("seller_orders_30d").fill_nan(0.0)),
    ],
    ids=["the label", "the label turned over", "there for positives only", "missing for positives only"],
)
def test_a_feature_that_is_the_label_is_caught(
    training_set: pl.DataFrame, features: tuple[str, ...], planted: pl.Expr
) -> None:
    leaking = training_set.with_columns(planted.alias("order_leak"))
    found = leakage.single_feature_auc(parts_of(leaking, (*features, "order_leak")), (*features, "order_leak"))
    assert found.feature == "order_leak"
    assert found.value > 0.97


def test_the_auc_of_a_single_feature_is_that_of_scikit_learn(
    training_set: pl.DataFrame, features: tuple[str, ...]
) -> None:
    parts = parts_of(training_set, features)
    rows = Rows.concat(parts)
    expected = [
        roc_auc_score(rows.labels, np.where(np.isnan(values), side, values), sample_weight=rows.weights)
        for values in rows.matrix.T
        for side in (-1e9, 1e9)
    ]
    best = max(max(area, 1 - area) for area in expected)
    assert leakage.single_feature_auc(parts, features).value == pytest.approx(best)


def test_a_value_that_identifies_the_day_shows_in_the_time_shuffle(
    training_set_of: Callable[..., pl.DataFrame], features: tuple[str, ...]
) -> None:
    # Every third week is a bad one. The batch number tells weeks apart but not which are bad: that only rows
    # of the same week tell, and when a live decision is made those have no label yet.
    frame = training_set_of(8_000, days=168)
    week = pl.col("decided_at").dt.ordinal_day() // 7
    bad = (week % 3 == 0) & (pl.col("row_id").hash(1) % 10 < 8)
    leaking = frame.with_columns(
        label=pl.when(bad).then(1).otherwise("label").cast(pl.Int64),
        order_batch=(week * 7919 % 1009).cast(pl.Float64),
    )
    assert gain_of(leaking, (*features, "order_batch")) > 0.15
    assert gain_of(leaking, features) < 0.05


def test_rows_that_repeat_an_entity_are_no_leak(
    training_set_of: Callable[..., pl.DataFrame], features: tuple[str, ...]
) -> None:
    # Each seller is either bad or good for ever and carries a number: memorising it is no help on other sellers.
    frame = training_set_of(6_000, groups=300)
    number = pl.col("group_id").str.split("-").list.get(1).cast(pl.Float64)
    repeated = frame.with_columns(label=(number * 7919 % 5 == 0).cast(pl.Int64), seller_number_30d=number)
    assert abs(gain_of(repeated, (*features, "seller_number_30d"))) < 0.08


def test_features_from_after_the_decision_are_counted(training_set: pl.DataFrame) -> None:
    late = pl.when(pl.row_index() < 3).then(pl.col("decided_at") + timedelta(seconds=1)).otherwise(pl.lit(None))
    leaking = training_set.with_columns(late.alias("feature_time:product"))
    assert leakage.rows_from_the_future(leaking) == 3
    exactly_then = training_set.with_columns(pl.col("decided_at").alias("feature_time:product"))
    assert leakage.rows_from_the_future(exactly_then) == 0


def test_a_feature_that_goes_missing_after_training_is_named(
    training_set: pl.DataFrame, features: tuple[str, ...]
) -> None:
    start = slices_of(training_set).bounds.test_from
    broken = training_set.with_columns(
        order_distance_km=pl.when(pl.col("decided_at") < start).then(pl.col("order_distance_km").fill_nan(0.0))
    )
    slices = slices_of(broken)
    found = leakage.missing_share_shift(slices.training, slices.test, features)
    assert (found.feature, found.value) == ("order_distance_km", 1.0)
    others = leakage.missing_share_shift(slices.training, slices.test, features, trending={"order_distance_km"})
    assert others.feature != "order_distance_km"
    assert others.value < 0.1


def test_keys_that_a_view_has_never_seen_do_not_count_as_missing() -> None:
    def rows(new: int, known: int, broken: int) -> pl.DataFrame:
        time = [None] * new + [datetime(2024, 1, 1, tzinfo=UTC)] * (known + broken)
        values = [float("nan")] * new + [1.0] * known + [float("nan")] * broken
        return pl.DataFrame({"feature_time:buyer": time, "buyer_orders_7d": values})

    feature = ("buyer_orders_7d",)
    assert leakage.missing_share_shift(rows(80, 20, 0), rows(10, 90, 0), feature).value == 0.0
    assert leakage.missing_share_shift(rows(80, 20, 0), rows(10, 45, 45), feature).value == 0.5


@pytest.mark.parametrize("name", ["device", "order_instrument", "buyer_address", "buyer_id", "seller_id"])
def test_personal_data_and_identifiers_are_named(name: str) -> None:
    assert leakage.personal_inputs(["order_price", name]) == (name,)


def test_differences_of_the_schema_are_sentences(training_set: pl.DataFrame) -> None:
    features = ("weight", "amount_minor", "order_price", "market", "seller_orders_30d", "seller_orders_30d")
    assert leakage.schema_differences(training_set, features) == (
        "seller_orders_30d is listed more than once",
        "weight says what a row is and cannot be a feature",
        "amount_minor says what a row is and cannot be a feature",
        "order_price is absent",
        "market is String instead of Float64",
    )
