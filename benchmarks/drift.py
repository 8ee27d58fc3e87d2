"""Drift of features on 60 columns: our report against Evidently's preset on the same rows, each in a fresh process."""

from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Cost, Say, compared, cost, in_a_fresh_process

ROWS, SMALL_ROWS = 1_000_000, 5_000
COLUMNS = 60
SETTINGS = (
    "ours: judge on profiles of the reference; peer: Evidently's DataDriftPreset with column types given, to a "
    "dictionary; limit: sorting every numeric column of both sides once, which any method with quantiles pays. Imports "
    "excluded"
)


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """CPU seconds and extra peak memory to judge rows against as many others."""
    rows = SMALL_ROWS if small else ROWS
    costs = {}
    for side, way in (("ours", _ours), ("peer", _evidently_preset), ("limit", _sorting)):
        say(f"{rows:,} rows: {side}")
        costs[side] = in_a_fresh_process(way, rows)
    return [compared(f"drift of {rows:,} x {COLUMNS} rows", "CPU seconds", costs, settings=SETTINGS)]


def _ours(rows: int) -> Cost:
    import lightgbm  # noqa: F401 - imports are no part of the measure
    import scipy.stats  # noqa: F401

    from monitoring.judging import Part, judge
    from monitoring.profiles import profile

    reference, current = _frame(0, rows), _frame(1, rows)
    return cost(lambda: judge([Part.of(profile(reference, reference.columns), reference, current)], seed=0))


def _evidently_preset(rows: int) -> Cost:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        frames = [_frame(seed, rows).to_pandas() for seed in (1, 0)]
        numeric = [name for name in frames[0] if not name.startswith("category")]
        definition = DataDefinition(
            numerical_columns=numeric, categorical_columns=[name for name in frames[0] if name not in numeric]
        )
        sides = [Dataset.from_pandas(frame, definition) for frame in frames]
        return cost(lambda: Report([DataDriftPreset()]).run(*sides).dict())


def _sorting(rows: int) -> Cost:
    columns = [column.to_numpy() for seed in (0, 1) for column in _frame(seed, rows).select(pl.col(pl.Float64))]
    return cost(lambda: [np.sort(column).size for column in columns])


def _frame(seed: int, rows: int) -> pl.DataFrame:
    """50 numbers, half of them lognormal, one in five with missing values, and ten categories of 2 to 50 values."""
    rng = np.random.default_rng(seed)
    numbers = {f"number_{i}": rng.normal(size=rows) if i % 2 else rng.lognormal(size=rows) for i in range(COLUMNS - 10)}
    for name in list(numbers)[::5]:
        numbers[name][rng.random(rows) < 0.05] = np.nan
    categories = {f"category_{i}": rng.integers(0, 2 + 5 * i, size=rows).astype(str) for i in range(10)}
    return pl.DataFrame(numbers | categories)
