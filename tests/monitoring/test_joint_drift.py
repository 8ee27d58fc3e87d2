"""Drift that only several columns together show."""

import numpy as np
import polars as pl

from monitoring.joint import joint_drift


def test_a_flipped_correlation_among_sixty_columns_is_found_and_named(mixed_frame):
    reference, current = mixed_frame(0, 2_000), mixed_frame(1, 2_000).with_columns(-pl.col("normal_0"))
    joint = joint_drift(reference, current, reference.columns, seed=0)
    assert joint is not None
    assert joint.auc > 0.7
    assert joint.p_value < 1e-50
    assert joint.separators[0].columns == ("normal_0", "normal_3")


def test_the_order_of_rows_makes_no_difference_and_neither_does_doing_it_again(mixed_frame):
    reference, current = mixed_frame(2, 300), mixed_frame(3, 300)
    once = joint_drift(reference, current, reference.columns, seed=5)
    assert joint_drift(reference, current, reference.columns, seed=5) == once
    assert joint_drift(reference.reverse(), current.reverse(), reference.columns, seed=5) == once


def test_it_looks_at_two_thousand_rows_a_side_however_many_there_are(mixed_frame):
    reference, current = mixed_frame(4, 2_500), mixed_frame(5, 400)
    joint = joint_drift(reference, current, reference.columns, seed=0)
    assert joint is not None
    assert (joint.rows_reference, joint.rows_current) == (2_000, 400)
    assert joint.p_value > 0.001


def test_too_few_rows_or_only_constants_give_no_answer_rather_than_a_wrong_one():
    few, constant = pl.DataFrame({"x": range(49)}), pl.DataFrame({"x": [1] * 100, "y": [None] * 100})
    assert joint_drift(few, few, ["x"], seed=0) is None
    assert joint_drift(constant, constant, ["x", "y"], seed=0) is None


def test_one_column_that_goes_missing_with_another_is_found():
    rng = np.random.default_rng(6)

    def frame(together):
        first, second = rng.random(2_000) < 0.3, rng.random(2_000) < 0.3
        gone = [first, first if together else second]
        values = {f"x{i}": np.where(gone[i], np.nan, rng.normal(size=2_000)) for i in range(2)}
        return pl.DataFrame(values)

    joint = joint_drift(frame(together=False), frame(together=True), ["x0", "x1"], seed=0)
    assert joint is not None
    assert joint.auc > 0.6


def test_identical_values_on_both_sides_cannot_be_told_apart():
    frame = pl.DataFrame({"x": [1.0, None] * 100})
    joint = joint_drift(frame, frame, ["x"], seed=0)
    assert joint is not None
    assert joint.auc < 0.6
    assert joint.p_value > 0.01
