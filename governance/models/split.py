"""Cutting a training set by time, with a gap as long as the label takes to mature."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from governance.contracts.calendar import midnight
from governance.errors import NotReady


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Times of decision that separate the slices; `test_until` belongs to the test slice, the others start one."""

    calibration_from: datetime
    gap_from: datetime
    test_from: datetime
    test_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Rows to learn from, to calibrate on and to judge on. `left_out` counts rows in the gap or not yet matured."""

    training: pl.DataFrame
    calibration: pl.DataFrame
    test: pl.DataFrame
    bounds: Bounds
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceSummary:
    """What a slice holds; `prevalence` is the weighted share of positive rows."""

    name: str
    rows: int
    entities: int
    groups: int
    positives: int
    positive_entities: int
    prevalence: float
    first: datetime
    last: datetime


def bounds_of(
    *, as_of: date, maturity_days: int, test_days: int, calibration_days: int, test_from: date | None = None
) -> Bounds:
    """Where the slices begin and end as of an exclusive UTC midnight."""
    maturity = timedelta(days=maturity_days)
    until = midnight(as_of) - maturity
    start = midnight(test_from) if test_from is not None else until - timedelta(days=test_days)
    return Bounds(
        calibration_from=start - maturity - timedelta(days=calibration_days),
        gap_from=start - maturity,
        test_from=start,
        test_until=until,
    )


def split(
    frame: pl.DataFrame,
    *,
    as_of: date,
    maturity_days: int,
    test_days: int,
    calibration_days: int,
    test_from: date | None = None,
    positives_at_least: int = 60,
) -> Slices:
    """Cut a training set into training, calibration and test rows.

    Test decisions lie in [t0, `as_of` - maturity], t0 being `test_from` or `test_days` before the end;
    calibration decisions in the `calibration_days` before t0 - maturity; training decisions before
    that. Training and calibration keep only labels that had matured by t0, the test slice only those
    that had matured by `as_of`: a label that took longer than `maturity_days` is left out, never peeked at.

    Raises
    ------
    NotReady
        Training has fewer than `positives_at_least` distinct positive entities, or a slice lacks
        positives or negatives.
    """
    bounds = bounds_of(
        as_of=as_of,
        maturity_days=maturity_days,
        test_days=test_days,
        calibration_days=calibration_days,
        test_from=test_from,
    )
    decided, matured = pl.col("decided_at"), pl.col("matured_at")
    known_by_test = matured <= bounds.test_from
    training = frame.filter((decided < bounds.calibration_from) & known_by_test)
    calibration = frame.filter(decided.is_between(bounds.calibration_from, bounds.gap_from, "left") & known_by_test)
    test = frame.filter(decided.is_between(bounds.test_from, bounds.test_until) & (matured <= midnight(as_of)))
    _require_positives(training, positives_at_least, bounds.calibration_from)
    for name, rows in (("training", training), ("calibration", calibration), ("test", test)):
        _require_both_labels(name, rows)
    left_out = frame.height - training.height - calibration.height - test.height
    return Slices(training=training, calibration=calibration, test=test, bounds=bounds, left_out=left_out)


def _require_positives(training: pl.DataFrame, at_least: int, until: datetime) -> None:
    found = training.filter(pl.col("label") == 1)["entity_id"].n_unique()
    if found < at_least:
        raise NotReady(
            f"{found} matured positive entities among the decisions before {until:%Y-%m-%d}; training needs {at_least}"
        )


def _require_both_labels(name: str, rows: pl.DataFrame) -> None:
    for value, word in ((1, "positive"), (0, "negative")):
        if not (rows["label"] == value).any():
            raise NotReady(f"the {name} slice has no matured {word} among its {rows.height} rows")


def summarise(name: str, rows: pl.DataFrame) -> SliceSummary:
    """Count what a slice holds; `rows` must not be empty."""
    positive = rows.filter(pl.col("label") == 1)
    span = rows.select(pl.col("decided_at").min().alias("first"), pl.col("decided_at").max().alias("last")).row(0)
    return SliceSummary(
        name=name,
        rows=rows.height,
        entities=rows["entity_id"].n_unique(),
        groups=rows["group_id"].n_unique(),
        positives=positive.height,
        positive_entities=positive["entity_id"].n_unique(),
        prevalence=float(np.average(rows["label"].to_numpy(), weights=rows["weight"].to_numpy())),
        first=span[0],
        last=span[1],
    )
