"""What columns looked like in the reference: cells and the rows in each, small enough for a model's files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.errors import ConfigurationError

Floats = NDArray[np.float64]

QUANTILES = (0.001, 0.01, 0.05, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.99, 0.999)
"""Deciles, and three further edges in each tail: deciles alone are blind to what happens beyond the last one."""

CATEGORIES_AT_MOST = 1_000
"""Columns with more distinct values than this keep only the common ones, the rest share one cell."""

COMMON_SHARE = 0.005
"""How common a value of such a column must be. A low bar would pick values that were common by chance in the
reference only, so that an unchanged id-like column would seem to lose them."""

_BLOCK = 32_768
"""Values that fit a processor's second cache."""

LARGEST = float(np.finfo(np.float64).max) / 2
"""Infinities and values beyond this count as this: edges stay finite, and JSON can hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows per cell on both sides. Cells of an `ordered` column are neighbours; `unseen` rows have a new category."""

    reference: Floats
    current: Floats
    missing_reference: float
    missing_current: float
    ordered: bool
    unseen: float | None = None

    @property
    def rows_reference(self) -> float:
        """Effective rows of the reference, missing ones included."""
        return float(self.reference.sum()) + self.missing_reference

    @property
    def rows_current(self) -> float:
        """Effective current rows, missing ones included."""
        return float(self.current.sum()) + self.missing_current


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericProfile:
    """A number's cells: `(-inf, edges[0]], (edges[0], edges[1]], ..., (edges[-1], inf)`."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    missing: float
    kind: str = "numeric"

    @classmethod
    def of(cls, series: pl.Series, weights: Floats | None = None) -> "NumericProfile":
        """Take the edges from the quantiles of `series` and count its rows."""
        values = _Present.of(series, weights)
        edges = _edges(values.values)
        return cls(edges=edges, counts=tuple(values.counts(edges).tolist()), missing=values.missing)

    def cells(self, series: pl.Series, weights: Floats | None = None) -> Cells:
        """Count current rows in the reference's cells. Text that is no number counts as missing."""
        values = _Present.of(series, weights)
        return Cells(
            reference=np.array(self.counts),
            current=values.counts(self.edges),
            missing_reference=self.missing,
            missing_current=values.missing,
            ordered=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryProfile:
    """Rows per category; where there are too many to keep, `other` holds the rare ones and `complete` is false."""

    counts: Mapping[str, float]
    other: float
    missing: float
    complete: bool
    kind: str = "category"

    @classmethod
    def of(cls, series: pl.Series, weights: Floats | None = None) -> "CategoryProfile":
        """Count the categories of `series`; booleans are categories too."""
        counts, missing = _category_counts(series, weights)
        complete = len(counts) <= CATEGORIES_AT_MOST
        total = sum(counts.values())
        kept = counts if complete else {name: rows for name, rows in counts.items() if rows >= COMMON_SHARE * total}
        return cls(counts=kept, other=max(total - sum(kept.values()), 0.0), missing=missing, complete=complete)

    def cells(self, series: pl.Series, weights: Floats | None = None) -> Cells:
        """Count current rows by category. A category that is new has a cell of its own if the profile is complete."""
        counts, missing = _category_counts(series, weights)
        unseen = sum(rows for name, rows in counts.items() if name not in self.counts)
        names = sorted(self.counts.keys() | counts.keys() if self.complete else self.counts.keys())
        return Cells(
            reference=np.array([*(self.counts.get(name, 0.0) for name in names), self.other]),
            current=np.array([*(counts.get(name, 0.0) for name in names), 0.0 if self.complete else unseen]),
            missing_reference=self.missing,
            missing_current=missing,
            ordered=False,
            unseen=unseen if self.complete else None,
        )


ColumnProfile = NumericProfile | CategoryProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The reference of a drift report, column by column.

    `group` says that rows were reduced to one of each entity, `weight` that rows stand for several: current rows
    are treated alike because the profile says so.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    group: str | None = None
    weight: str | None = None

    def reduced(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with the rows that this profile would count."""
        return frame if self.group is None else one_per_group(frame, self.group)

    def to_json(self) -> str:
        """JSON, to be kept in a model's files. Columns keep their order."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Profile":
        """Read what `to_json` wrote: comparisons give equal results."""
        content = json.loads(text)
        columns = {name: _column_from(fields) for name, fields in content.pop("columns").items()}
        return cls(columns=columns, **content)


def profile(
    reference: pl.DataFrame,
    columns: Sequence[str],
    *,
    group: str | None = None,
    weight: str | None = None,
) -> Profile:
    """Count the rows of `reference` in cells that later rows are compared with.

    Parameters
    ----------
    reference : polars.DataFrame
        Rows of the time when the model was trained.
    columns : sequence of str
        Columns to profile. Numbers and times get quantile cells; text and booleans get a cell per category.
    group : str, optional
        Reduce to one row of each `group`. Daily rows of one seller are nearly copies of each other; a test that
        takes them for independent rows finds drift every day.
    weight : str, optional
        How many rows each row stands for. Counts are scaled to Kish's effective sample size, so that p-values
        stay honest.

    Raises
    ------
    ConfigurationError
        If a column is absent.
    """
    if absent := sorted(set(columns) - set(reference.columns)):
        raise ConfigurationError(f"The reference has no column {', '.join(absent)}.")
    frame = Profile(rows=0, columns={}, group=group).reduced(reference)
    weights = effective_weights(frame, weight)
    profiles = {name: _column_profile(frame[name], weights) for name in columns}
    return Profile(rows=frame.height, columns=profiles, group=group, weight=weight)


def one_per_group(frame: pl.DataFrame, group: str) -> pl.DataFrame:
    """One row of each `group`, drawn at random: that whose content hashes smallest in any order of rows and columns.

    Not the latest one: the latest rows of a long window come from its last days, so that a sale there, or the
    weekday on which the window ends, would be taken for drift (seen: order weekdays with an effect of 0.8).
    """
    content = frame.select(sorted(frame.columns)).hash_rows(seed=0)
    draws = pl.DataFrame({"entity": frame[group], "draw": content}).with_row_index("position")
    drawn = draws.sort("draw").unique("entity", keep="first", maintain_order=True)
    return frame[drawn["position"].sort()]


def effective_weights(frame: pl.DataFrame, weight: str | None) -> Floats | None:
    """Weights that add up to the effective sample size (sum w)² / sum w² (Kish 1965, Survey Sampling)."""
    if weight is None:
        return None
    weights = frame[weight].cast(pl.Float64).to_numpy()
    squares = float(np.square(weights).sum())
    return np.asarray(weights * (weights.sum() / squares) if squares else weights)


def _column_profile(series: pl.Series, weights: Floats | None) -> ColumnProfile:
    if series.dtype.is_numeric() or series.dtype.is_temporal():
        return NumericProfile.of(series, weights)
    return CategoryProfile.of(series, weights)


def _column_from(fields: dict[str, Any]) -> ColumnProfile:
    if fields["kind"] == "category":
        return CategoryProfile(**fields)
    return NumericProfile(**{**fields, "edges": tuple(fields["edges"]), "counts": tuple(fields["counts"])})


@dataclass(frozen=True, slots=True)
class _Present:
    """A column's values that are there, the weights of their rows, and the weight of those that are missing."""

    values: Floats
    weights: Floats | None
    missing: float

    @classmethod
    def of(cls, series: pl.Series, weights: Floats | None) -> "_Present":
        raw = as_numbers(series)
        present = ~np.isnan(raw)
        values = np.clip(raw[present], -LARGEST, LARGEST)
        if weights is None:
            return cls(values, None, float(raw.size - values.size))
        return cls(values, weights[present], float(weights[~present].sum()))

    def counts(self, edges: Sequence[float]) -> Floats:
        """Rows in each cell."""
        if self.weights is None:
            return np.diff(np.array([0, *_at_most(self.values, edges), self.values.size])).astype(np.float64)
        order = np.argsort(self.values)
        running = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        ends = np.searchsorted(self.values[order], edges, side="right")
        return np.diff(running[np.concatenate([[0], ends, [self.values.size]]).astype(np.int64)])


def _at_most(values: Floats, edges: Sequence[float]) -> NDArray[np.int64]:
    """How many values do not exceed each edge.

    Comparing all values with each of twenty edges takes a tenth of sorting them, a block at a time so that it stays in
    the processor's cache.
    """
    found = np.zeros(len(edges), np.int64)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        found += np.array([np.count_nonzero(block <= edge) for edge in edges], np.int64)
    return found


def as_numbers(series: pl.Series) -> Floats:
    """`series` as floats, NaN where a value is missing or no number."""
    physical = series.to_physical() if series.dtype.is_temporal() else series
    return physical.cast(pl.Float64, strict=False).to_numpy()


def as_categories(series: pl.Series) -> pl.Series:
    """`series` as text, null where a value is missing."""
    known = series.fill_nan(None) if series.dtype.is_float() else series
    return known.cast(pl.String)


def _edges(values: Floats) -> tuple[float, ...]:
    """Quantiles of values, each once. A value that fills several gets a cell of its own.

    Without it a column that is zero in nine rows of ten would have one cell for zero and everything below.
    """
    if not values.size:
        return ()
    ranks = np.maximum(np.ceil(np.array(QUANTILES) * values.size).astype(np.int64) - 1, 0)
    # Selecting a few places of the order takes a fraction of putting everything in order.
    quantiles, times = np.unique(np.partition(values, np.unique(ranks))[ranks], return_counts=True)
    below = np.nextafter(quantiles[times > 1], -np.inf)
    return tuple(np.union1d(quantiles, below).tolist())


def _category_counts(series: pl.Series, weights: Floats | None) -> tuple[dict[str, float], float]:
    rows = pl.DataFrame({"name": as_categories(series), "weight": 1.0 if weights is None else weights})
    summed = dict(rows.group_by("name").agg(pl.col("weight").sum()).iter_rows())
    missing = summed.pop(None, 0.0)
    return dict(sorted(summed.items())), missing
