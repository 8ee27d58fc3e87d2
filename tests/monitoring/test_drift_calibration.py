"""How often reports of 60 columns alarm without drift, and how often they find each planted kind of it."""

import numpy as np
import polars as pl
import pytest

from monitoring.drift import DriftReport
from monitoring.judging import Part, judge
from monitoring.profiles import profile

KINDS = {
    "location": "normal_6",
    "scale": "normal_9",
    "tail": "lognormal_0",
    "missingness": "count_2",
    "category mix": "zipf_0",
    "new category": "zipf_1",
}


def report(reference: pl.DataFrame, current: pl.DataFrame, *, seed: int, joint: bool = True) -> DriftReport:
    sample = reference if joint else reference.head(0)
    return judge([Part.of(profile(reference, reference.columns), sample, current)], seed=seed)


def alarms(mixed_frame, reference_rows, repeats):
    sides = ((mixed_frame([0, seed], reference_rows), mixed_frame([1, seed], 200)) for seed in range(repeats))
    return sum(report(reference, current, seed=seed).alarm for seed, (reference, current) in enumerate(sides))


def found(mixed_frame, plants, column, repeats):
    count = 0
    for seed in range(repeats):
        current = plants[column](mixed_frame([1, seed], 2_000), np.random.default_rng([2, seed]))
        judged = report(mixed_frame([0, seed], 5_000), current, seed=seed, joint=False)
        count += column in {verdict.column for verdict in judged.drifted}
    return count


def flips_found(mixed_frame, repeats):
    count = 0
    for seed in range(repeats):
        current = mixed_frame([1, seed], 2_000).with_columns(-pl.col("normal_0"))
        judged = report(mixed_frame([0, seed], 5_000), current, seed=seed)
        count += judged.parts[0].joint_drifted and not judged.drifted
    return count


@pytest.mark.parametrize("reference_rows", [200, 5_000])
def test_reports_without_drift_seldom_alarm(mixed_frame, reference_rows):
    assert alarms(mixed_frame, reference_rows, 20) <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_each_planted_kind_of_drift_is_found(mixed_frame, plants, kind):
    assert found(mixed_frame, plants, KINDS[kind], 5) == 5


def test_a_flipped_correlation_is_found_although_no_column_drifted(mixed_frame):
    assert flips_found(mixed_frame, 3) == 3


@pytest.mark.parametrize(
    "reference_rows", [pytest.param(200, marks=pytest.mark.long), pytest.param(5_000, marks=pytest.mark.exhaustive)]
)
def test_at_most_30_of_400_reports_without_drift_alarm(mixed_frame, reference_rows):
    assert alarms(mixed_frame, reference_rows, 400) <= 30


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_each_planted_kind_of_drift_is_found_in_95_of_100_repeats(mixed_frame, plants, kind):
    assert found(mixed_frame, plants, KINDS[kind], 100) >= 95


@pytest.mark.exhaustive
def test_a_flipped_correlation_is_found_in_95_of_100_repeats(mixed_frame):
    assert flips_found(mixed_frame, 100) >= 95
