"""Drift that no single column shows: can a small classifier tell current rows from reference rows?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring.profiles import Floats, as_categories, as_numbers

ROWS_AT_MOST = 2_000
"""Rows per side that the classifier sees: enough for an AUC within 0.01, and a quarter of a second."""

ROWS_AT_LEAST = 50
"""With fewer rows on a side there is nothing to learn from."""

PAIRS = 8
"""Pairs of columns whose product the classifier is given.

Trees split on one column at a time, and a correlation that flips leaves every column as it was: among 60
columns LightGBM alone found a flip from .6 to -.6 with AUC .50 to .56, with the products .78.
"""

ROUNDS = 30
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "max_bin": 63,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Separator:
    """A column, or a pair of columns whose relation changed, and its share of what the classifier gained."""

    columns: tuple[str, ...]
    gain_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDrift:
    """The two-sample classifier's answer: AUC on rows it was not trained on, and the chance of it without drift.

    `rows_reference` and `rows_current` are the rows it saw; `separators` are the three best, best first.
    """

    auc: float
    p_value: float
    rows_reference: int
    rows_current: int
    separators: tuple[Separator, ...]


@dataclass(frozen=True, slots=True)
class _Samples:
    """Both sides, encoded: `matrix` (rows x columns, NaN where missing), `current` (True on current rows)."""

    matrix: Floats
    current: NDArray[np.bool_]
    names: tuple[str, ...]


def joint_drift(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    columns: Sequence[str],
    *,
    seed: int,
    rows_at_most: int = ROWS_AT_MOST,
) -> JointDrift | None:
    """Train on one half of the rows, test on the other, and the other way round.

    The p-value adds up the two halves' Mann-Whitney statistics (Stouffer). Two folds, not more: without drift
    the sum of five folds had a standard deviation of 1.4 instead of 1, because their training rows overlap.
    The method is the classifier two-sample test of Lopez-Paz and Oquab (2017, ICLR).

    Parameters
    ----------
    reference, current : polars.DataFrame
        Independent rows: one per entity, see `profiles.one_per_group`. Rows count once, whatever their weight: both
        sides must have been sampled alike.
    columns : sequence of str
        Columns of both frames.
    seed : int
        Chooses the rows and the halves. The order of the rows makes no difference.
    rows_at_most : int
        Rows per side.

    Returns
    -------
    JointDrift or None
        None where a side has fewer than `ROWS_AT_LEAST` rows or every column is constant.
    """
    if min(reference.height, current.height) < ROWS_AT_LEAST:
        return None
    draw = np.random.default_rng(seed)
    sides = [_drawn(frame.select(columns), rows_at_most, draw) for frame in (reference, current)]
    samples = _encoded(sides[0], sides[1], columns)
    if not samples.names:
        return None
    halves = np.concatenate([np.arange(side.height) % 2 for side in sides])
    tested = [_test(samples, halves == half, seed) for half in (0, 1)]
    return JointDrift(
        auc=float(np.mean([auc for auc, _, _ in tested])),
        p_value=_stouffer([p for _, p, _ in tested]),
        rows_reference=sides[0].height,
        rows_current=sides[1].height,
        separators=_best([gains for _, _, gains in tested]),
    )


def _drawn(frame: pl.DataFrame, rows: int, draw: np.random.Generator) -> pl.DataFrame:
    """A random sample in random order, the same whatever the order of `frame` was."""
    by_content = frame.hash_rows(seed=0).arg_sort().to_numpy()
    return frame[by_content[draw.permutation(frame.height)[:rows]]]


def _encoded(reference: pl.DataFrame, current: pl.DataFrame, columns: Sequence[str]) -> _Samples:
    """Ranks over both sides together, scaled to mean 0 and variance 1, so that outliers weigh no more than others."""
    encoded = {name: _scaled_ranks(reference[name], current[name]) for name in columns}
    varying = {name: values for name, values in encoded.items() if values is not None}
    return _Samples(
        matrix=np.column_stack(list(varying.values())) if varying else np.empty((0, 0)),
        current=np.arange(reference.height + current.height) >= reference.height,
        names=tuple(varying),
    )


def _scaled_ranks(reference: pl.Series, current: pl.Series) -> Floats | None:
    """Ranks with NaN where missing; None for a constant. Categories are ranked by name, which trees can take apart."""
    both = [reference, current]
    if all(side.dtype.is_numeric() or side.dtype.is_temporal() for side in both):
        numbers = pl.Series(np.concatenate([as_numbers(side) for side in both]))
        ranks = numbers.fill_nan(None).rank()
    else:
        ranks = pl.concat([as_categories(side).alias("") for side in both]).rank("dense")
    values = ranks.cast(pl.Float64).to_numpy()
    if ranks.null_count() == ranks.len() or np.nanstd(values) == 0:
        # A column that is either missing or one value still tells who is missing.
        return None if ranks.null_count() in (0, ranks.len()) else np.where(np.isnan(values), np.nan, 0.0)
    return np.asarray((values - np.nanmean(values)) / np.nanstd(values))


def _test(samples: _Samples, test: NDArray[np.bool_], seed: int) -> tuple[float, float, dict[tuple[str, ...], float]]:
    """AUC and one-sided p-value on the test rows, and each input's gain, of a classifier trained on the others."""
    import lightgbm

    pairs = _changed_pairs(samples, ~test)
    inputs = _with_products(samples.matrix, pairs)
    names = [*((name,) for name in samples.names), *((samples.names[i], samples.names[j]) for i, j in pairs)]
    data = lightgbm.Dataset(inputs[~test], samples.current[~test])
    booster = lightgbm.train(PARAMETERS | {"seed": seed}, data, ROUNDS)
    auc, p_value = _mann_whitney(np.asarray(booster.predict(inputs[test])), samples.current[test])
    gains = booster.feature_importance("gain").tolist()
    return auc, p_value, dict(zip(names, gains, strict=True))


def _changed_pairs(samples: _Samples, rows: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The pairs of columns whose correlation differs most between the two sides, on training rows only."""
    filled = np.nan_to_num(samples.matrix[rows])
    moments = [side.T @ side / len(side) for side in (filled[samples.current[rows]], filled[~samples.current[rows]])]
    left, right = np.triu_indices(filled.shape[1], 1)
    change = np.abs(moments[0] - moments[1])[left, right]
    best = np.argsort(-change, kind="stable")[:PAIRS]
    return list(zip(left[best].tolist(), right[best].tolist(), strict=True))


def _with_products(matrix: Floats, pairs: list[tuple[int, int]]) -> Floats:
    products = [matrix[:, i] * matrix[:, j] for i, j in pairs]
    return np.column_stack([matrix, *products])


def _mann_whitney(scores: Floats, current: NDArray[np.bool_]) -> tuple[float, float]:
    """AUC and the normal approximation of its one-sided p-value, ties included."""
    from scipy.stats import mannwhitneyu

    if np.ptp(scores) == 0:
        return 0.5, 0.5
    result: Any = mannwhitneyu(scores[current], scores[~current], alternative="greater", method="asymptotic")
    return float(result.statistic) / float(current.sum() * (~current).sum()), float(result.pvalue)


def _stouffer(p_values: list[float]) -> float:
    from scipy.special import ndtr, ndtri

    # The floor keeps a p-value that underflowed to zero from becoming an infinite score.
    scores = ndtri(np.clip(p_values, 1e-300, 1 - 1e-16))
    return float(ndtr(scores.sum() / np.sqrt(len(p_values))))


def _best(gains: list[dict[tuple[str, ...], float]]) -> tuple[Separator, ...]:
    summed: dict[tuple[str, ...], float] = {}
    for half in gains:
        for columns, gain in half.items():
            summed[columns] = summed.get(columns, 0.0) + gain
    total = sum(summed.values())
    best = sorted(((gain, columns) for columns, gain in summed.items() if gain > 0), reverse=True)[:3]
    return tuple(Separator(columns=columns, gain_share=gain / total) for gain, columns in best)
