"""Training-serving skew: features as they were served beside the same features recomputed from history.

A value differs in one of three ways: both are there and differ (mismatch), only history has one (missing), only the
service had one (extra). Where the online store as a whole had not yet been brought to what history says was valid, the
decision is stale: late, not wrong. Those are counted apart, by the newest time that the store had shown until then.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.counters.catalogue import COUNTERS, named
from governance.counters.definition import Counter
from governance.decisions.record import Decision
from governance.decisions.rows import request_rows, served_rows
from governance.features.view import View
from governance.models.catalogue import Model
from governance.models.rows import Floats
from governance.models.training_set import PointInTimeJoin, assemble

SHARE_AT_MOST = 0.005
"""Of a feature's values, those that may differ."""

STALE_SHARE_AT_MOST = 0.05
"""Of the decisions, those that may have been made before the day's features were online."""

ROWS_AT_MOST = 20_000
"""Decisions of a day that are recomputed."""

Count = Callable[[pl.DataFrame, Sequence[Counter]], pl.DataFrame]
"""(rows with keys and `decided_at`; counters) to the rows with the counters' features as raw tables have them."""

_HASHED = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSkew:
    """One feature. `difference` sums 2|a - b| / (|a| + |b|) over the values that both have, of which `both` counts."""

    name: str
    compared: int
    mismatches: int
    missing: int
    extra: int
    both: int
    difference: float

    @property
    def share(self) -> float:
        """Values that differ in any way."""
        return (self.mismatches + self.missing + self.extra) / self.compared if self.compared else 0.0

    @property
    def smape(self) -> float:
        """Symmetric mean absolute percentage error, from 0 to 2 (Makridakis 1993, Int. J. Forecasting 9:527-529)."""
        return self.difference / self.both if self.both else 0.0

    def __add__(self, other: "FeatureSkew") -> "FeatureSkew":
        return FeatureSkew(
            name=self.name,
            compared=self.compared + other.compared,
            mismatches=self.mismatches + other.mismatches,
            missing=self.missing + other.missing,
            extra=self.extra + other.extra,
            both=self.both + other.both,
            difference=self.difference + other.difference,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewReport:
    """The skew of some decisions.

    Attributes
    ----------
    decisions : all that were made.
    sampled : those of the sampled entities that read features.
    stale : of these, those made before the online store had what history says was valid; they are not compared.
    features : by name.
    """

    decisions: int
    sampled: int
    stale: int
    features: Mapping[str, FeatureSkew]

    @property
    def compared(self) -> int:
        """Decisions that were compared."""
        return self.sampled - self.stale

    @property
    def stale_share(self) -> float:
        """Share of the sampled decisions that were stale."""
        return self.stale / self.sampled if self.sampled else 0.0

    @property
    def worst(self) -> FeatureSkew | None:
        """The feature of which the largest share differs; None where nothing was compared."""
        return max(self.features.values(), key=lambda one: one.share, default=None)

    @property
    def passed(self) -> bool:
        """No feature differs more often than it may; nothing compared is nothing found."""
        return self.worst is None or self.worst.share <= SHARE_AT_MOST

    def __add__(self, other: "SkewReport") -> "SkewReport":
        names = dict.fromkeys([*self.features, *other.features])
        return SkewReport(
            decisions=self.decisions + other.decisions,
            sampled=self.sampled + other.sampled,
            stale=self.stale + other.stale,
            features={name: _sum(self.features.get(name), other.features.get(name)) for name in names},
        )


NOTHING = SkewReport(decisions=0, sampled=0, stale=0, features={})


def find_skew(
    decisions: Sequence[Decision],
    views: Mapping[str, View],
    models: Sequence[Model],
    *,
    join: PointInTimeJoin,
    count: Count | None = None,
    rows_at_most: int = ROWS_AT_MOST,
) -> SkewReport:
    """Recompute the served features of a sample of entities, and compare.

    Parameters
    ----------
    decisions : of a day, in order of time.
    views : those that are read online.
    models : those whose derived inputs (recency, order context) may be among what was served.
    count : recomputes real-time counters; None where raw rows of these days have not landed, so that nothing can be
        said of them.
    """
    sample = [one for one in sampled(decisions, rows_at_most) if one.features and "features" not in one.degraded]
    if not sample or not views:
        return SkewReport(decisions=len(decisions), sampled=0, stale=0, features={})
    served_names = dict.fromkeys(name for one in sample for name in one.features)
    counters = [counter for counter in COUNTERS if count and not served_names.keys().isdisjoint(counter.features)]
    keys = [*(view.key for view in views.values()), *(counter.asked_by for counter in counters)]
    joined = join(request_rows(sample, list(dict.fromkeys(keys))), list(views.values()))
    stale = np.logical_or.reduce([_behind(sample, joined, view.name) for view in views.values()])
    offline = _with_derived(count(joined, counters) if count and counters else joined, views, models)
    names = [name for name in served_names if name in offline.columns]
    served = served_rows(sample, names)
    found = {name: _compare(name, served[name].to_numpy(), _floats(offline[name]), ~stale) for name in names}
    return SkewReport(decisions=len(decisions), sampled=len(sample), stale=int(stale.sum()), features=found)


def sampled(decisions: Sequence[Decision], at_most: int) -> list[Decision]:
    """All decisions about a share of the entities, such that about `at_most` remain: the same entities every day."""
    share = min(1.0, at_most / max(1, len(decisions)))
    return [one for one in decisions if _place(one.entity_id) < share]


def _place(entity_id: str) -> float:
    return int.from_bytes(hashlib.sha256(f"skew {entity_id}".encode()).digest()[:8]) / _HASHED


def _behind(sample: Sequence[Decision], joined: pl.DataFrame, view: str) -> np.ndarray:
    """Where history has values that became valid after the newest ones the online store had shown until then."""
    shown = pl.Series([one.feature_times.get(view) for one in sample], dtype=joined.schema[f"feature_time:{view}"])
    by_time = pl.DataFrame({"at": joined["decided_at"], "shown": shown, "valid": joined[f"feature_time:{view}"]})
    newest = by_time.with_row_index().sort("at", "index").with_columns(pl.col("shown").cum_max().forward_fill())
    behind = newest.select("index", late=pl.col("valid") > pl.col("shown")).sort("index")["late"]
    # A store that has shown nothing yet may be empty or may not know these entities: the values tell.
    return behind.fill_null(value=False).to_numpy()


def _with_derived(joined: pl.DataFrame, views: Mapping[str, View], models: Sequence[Model]) -> pl.DataFrame:
    for model in models:
        if all(name in views for name in model.spec.views):
            counted = {name for counter in named(model.spec.counters) for name in counter.features}
            absent = counted - set(joined.columns)
            made = assemble(model, views, joined.with_columns(pl.lit(None, pl.Int64).alias(name) for name in absent))
            derived = [name for name in made.features if name not in joined.columns and name not in absent]
            joined = joined.with_columns(made.frame[name] for name in derived)
    return joined


def _compare(name: str, served: Floats, offline: Floats, rows: np.ndarray) -> FeatureSkew:
    served, offline = served[rows], offline[rows]
    here, there = ~np.isnan(served), ~np.isnan(offline)
    both = here & there
    a, b = served[both], offline[both]
    size = np.abs(a) + np.abs(b)
    apart = np.divide(2 * np.abs(a - b), size, out=np.zeros_like(size), where=size > 0)
    return FeatureSkew(
        name=name,
        compared=len(served),
        mismatches=int((a != b).sum()),
        missing=int((~here & there).sum()),
        extra=int((here & ~there).sum()),
        both=int(both.sum()),
        difference=float(apart.sum()),
    )


def _floats(series: pl.Series) -> Floats:
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _sum(one: FeatureSkew | None, other: FeatureSkew | None) -> FeatureSkew:
    if one is None or other is None:
        found = one or other
        assert found is not None  # noqa: S101 - the name stands in one of both
        return found
    return one + other
