"""Drift of features on 60 columns: our report against Evidently's preset on the same rows, each in a fresh process."""

import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Measurement, resident_mb

ROWS = 100_000
COLUMNS = 60


def measure(rows: int = ROWS) -> list[dict[str, Any]]:
    """CPU seconds and extra peak memory to judge `rows` against `rows`, imports excluded.

    The limit is the least that any method with quantiles pays: sorting every column of both sides once.
    """
    ours, peer, limit = (_in_a_fresh_process(work, rows) for work in (_ours, _evidently_preset, _sorting))
    work = f"drift of {rows:,} x {COLUMNS} rows"
    lines = (
        Measurement(work=work, unit="CPU seconds", ours=ours[0], peer=peer[0], limit=limit[0]),
        Measurement(work=f"{work}, extra memory", unit="MB", ours=ours[1], peer=peer[1], limit=limit[1]),
    )
    return [line.as_row() for line in lines]


def _in_a_fresh_process(work: Callable[[int], tuple[float, float]], rows: int) -> tuple[float, float]:
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (rows,))


def _ours(rows: int) -> tuple[float, float]:
    import lightgbm  # noqa: F401 - imports are no part of the measure
    import scipy.stats  # noqa: F401

    from monitoring.judging import Part, judge
    from monitoring.profiles import profile

    reference, current = _frame(0, rows), _frame(1, rows)
    return _cost(lambda: judge([Part.of(profile(reference, reference.columns), reference, current)], seed=0))


def _evidently_preset(rows: int) -> tuple[float, float]:
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
        return _cost(lambda: Report([DataDriftPreset()]).run(*sides).dict())


def _sorting(rows: int) -> tuple[float, float]:
    columns = [column.to_numpy() for seed in (0, 1) for column in _frame(seed, rows).select(pl.col(pl.Float64))]
    return _cost(lambda: [np.sort(column).size for column in columns])


def _cost(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds of all threads, and by how many MB (at least one) resident memory peaked above where it stood."""
    # Linux forgets the earlier peak, that of making the rows, when it is told to.
    Path("/proc/self/clear_refs").write_text("5")
    stood, began = resident_mb("VmRSS"), time.process_time()
    work()
    return time.process_time() - began, max(resident_mb("VmHWM") - stood, 1.0)


def _frame(seed: int, rows: int) -> pl.DataFrame:
    """50 numbers, half of them lognormal, one in five with missing values, and ten categories of 2 to 50 values."""
    rng = np.random.default_rng(seed)
    numbers = {f"number_{i}": rng.normal(size=rows) if i % 2 else rng.lognormal(size=rows) for i in range(COLUMNS - 10)}
    for name in list(numbers)[::5]:
        numbers[name][rng.random(rows) < 0.05] = np.nan
    categories = {f"category_{i}": rng.integers(0, 2 + 5 * i, size=rows).astype(str) for i in range(10)}
    return pl.DataFrame(numbers | categories)
