from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.models.fitting import fit
from governance.models.rows import Rows, codes, to_matrix
from governance.models.spec import ModelSpec
from governance.models.split import Slices, split
from governance.models.training import train


@pytest.fixture(scope="module")
def slices(training_set: pl.DataFrame) -> Slices:
    return split(training_set, as_of=date(2026, 8, 29), maturity_days=21, test_days=28, calibration_days=28)


def test_the_same_rows_give_the_same_model_text_and_digest(
    slices: Slices, spec: ModelSpec, features: tuple[str, ...]
) -> None:
    first, second = (fit(slices, spec=spec, features=features, training_set_digest="abc", seed=1) for _ in range(2))
    assert first.artifact.files == second.artifact.files
    assert first.artifact.digest == second.artifact.digest
    other = fit(slices, spec=spec, features=features, training_set_digest="abc", seed=2)
    assert other.artifact.digest != first.artifact.digest


def test_the_scale_of_weights_makes_no_difference_but_their_ratios_do(
    slices: Slices, features: tuple[str, ...]
) -> None:
    def text(weights: pl.Expr) -> str:
        rows = Rows.of(slices.training.with_columns(weight=weights), features)
        booster = train(rows, features=features, learner={"rounds": 5}, seed=1)
        return booster.model_to_string()

    assert text(pl.lit(1.0)) == text(pl.lit(64.0))
    assert text(pl.lit(1.0)) != text(pl.col("weight"))


def test_a_feature_named_as_increasing_never_lowers_the_score(slices: Slices, features: tuple[str, ...]) -> None:
    learner = {"rounds": 20, "increasing": ("seller_orders_30d",)}
    booster = train(Rows.of(slices.training, features), features=features, learner=learner, seed=1)
    rows = np.zeros((50, len(features)))
    rows[:, features.index("seller_orders_30d")] = np.linspace(-3, 3, 50)
    assert (np.diff(booster.predict(rows)) >= 0).all()


def test_what_makes_a_fit_reproducible_cannot_be_overridden(slices: Slices, features: tuple[str, ...]) -> None:
    rows = Rows.of(slices.training, features)
    plain = train(rows, features=features, learner={"rounds": 5}, seed=1).model_to_string()
    bent = train(rows, features=features, learner={"rounds": 5, "num_threads": 2, "seed": 9}, seed=1).model_to_string()
    assert plain == bent


def test_missing_values_stay_missing_in_the_matrix() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": [None, 2.5]}, schema={"a": pl.Int64, "b": pl.Float64})
    np.testing.assert_array_equal(to_matrix(frame, ["b", "a"]), [[np.nan, 1.0], [2.5, np.nan]])


def test_group_codes_do_not_depend_on_the_order_of_rows() -> None:
    groups = pl.Series(["b", "c", "a", "b"])
    assert codes(groups).tolist() == [1, 2, 0, 1]
    assert codes(groups.reverse()).tolist() == [1, 0, 2, 1]


def test_a_crisis_in_the_calibration_weeks_does_not_set_the_level_of_probabilities(
    slices: Slices, spec: ModelSpec, features: tuple[str, ...]
) -> None:
    quiet = slices.calibration.filter((pl.col("label") == 1) | (pl.col("row_id").hash(1) % 3 == 0))
    fitted = fit(replace(slices, calibration=quiet), spec=spec, features=features, training_set_digest="abc", seed=1)
    level = fitted.scorer.score(fitted.test.matrix).mean()
    assert quiet["label"].mean() > 1.5 * slices.test["label"].mean()
    assert level == pytest.approx(slices.test["label"].mean(), rel=0.25)
