"""Pages drawn by Evidently around our own figures: the only module that imports Evidently, and its legacy registry."""

import warnings
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from governance.errors import NotReady
from monitoring.drift import ColumnVerdict, DriftReport
from monitoring.headings import heading, marker
from monitoring.judging import Part
from monitoring.profiles import as_categories, as_numbers
from monitoring.summaries import worst_columns

STATTEST = "judged_drift"

CATEGORIES_DRAWN = 30
"""Rarer categories are drawn as one: Evidently's time grows with the square of their number."""

ROWS_DRAWN = 5_000
"""Rows per side and part that pictures are drawn from."""

ONE_COLUMN = 0.001
"""A share of columns that a single drifted one exceeds."""

_Pair = list[pl.Series]
"""A column of the reference and of the current rows."""

_SHOWN: ContextVar[Mapping[str, ColumnVerdict]] = ContextVar("verdicts that the page being drawn shows")


def write_page(report: DriftReport, parts: Sequence[Part], path: Path, *, seed: int, columns_at_most: int = 40) -> Path:
    """Write a page of `report` to `path`: one HTML file of 4 to 8 MB that loads nothing from elsewhere.

    The page is written under a temporary name and renamed. A page of the same report is left as it is, so
    that doing it again changes nothing and does not import Evidently.

    Parameters
    ----------
    report : DriftReport
        Its figures are shown as they are: they come from all rows, the pictures from a sample.
    parts : sequence of Part
        What was judged, the score's part among them; rows are drawn in the order that they have.
    path : Path
        Ends in `.html`; its folder is made if need be.
    seed : int
        Of the sample of rows.
    columns_at_most : int
        Columns that are drawn: the score, drifted ones, then those with the largest effects. Drawing takes
        Evidently a tenth of a second and 50 kB for each.
    """
    if path.exists() and marker(report) in path.read_text(encoding="utf-8"):
        return path
    drawn = snapshot(report, parts, seed=seed, columns_at_most=columns_at_most)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    opening = f"<body>{heading(report, columns_at_most=columns_at_most)}"
    temporary.write_text(drawn.get_html_str(as_iframe=False).replace("<body>", opening, 1), encoding="utf-8")
    return temporary.replace(path)


def snapshot(
    report: DriftReport,
    parts: Sequence[Part],
    *,
    seed: int,
    columns_at_most: int = 40,
    rows_at_most: int = ROWS_DRAWN,
) -> Any:
    """Run Evidently's drift preset on a sample of rows, with `report`'s figures in place of its own tests.

    Evidently calls a custom test with the two samples of a column. Ours ignores them and looks the column up
    in `report`: computed again on a sample, a figure on the page could contradict the alarm that led there.

    Returns
    -------
    evidently.core.report.Snapshot
    """
    from_evidently = _evidently()
    pairs = _pairs(report, parts, columns=columns_at_most, rows=rows_at_most, seed=seed)
    if not pairs:
        raise NotReady("No column has values both in the reference and now: there is nothing to draw.")
    verdicts = {verdict.column: verdict for verdict in _by_interest(report)}
    kinds = {name: verdicts[name].measured.kind for name in pairs}
    definition = from_evidently.DataDefinition(
        numerical_columns=[name for name in pairs if kinds[name] == "numeric"],
        categorical_columns=[name for name in pairs if kinds[name] == "category"],
    )
    preset = from_evidently.DataDriftPreset(
        columns=list(pairs),
        method=STATTEST,
        threshold=report.limits.effect_at_least,
        drift_share=_drift_share(report),
    )
    current, reference = (
        from_evidently.Dataset.from_pandas(_side(pairs, side).to_pandas(), definition) for side in (1, 0)
    )
    token = _SHOWN.set(verdicts)
    try:
        return from_evidently.Report([preset]).run(current, reference)
    finally:
        _SHOWN.reset(token)


class _Evidently:
    """The names that this module uses, imported once they are needed: importing Evidently takes seven seconds."""

    def __init__(self) -> None:
        from evidently import DataDefinition, Dataset, Report
        from evidently.legacy.calculations.stattests import StatTest, register_stattest
        from evidently.legacy.core import ColumnType
        from evidently.presets import DataDriftPreset

        self.DataDefinition, self.Dataset, self.Report = DataDefinition, Dataset, Report
        self.DataDriftPreset = DataDriftPreset
        test = StatTest(
            name=STATTEST,
            display_name="stability index above chance, significant over all columns",
            allowed_feature_types=[ColumnType.Numerical, ColumnType.Categorical],
        )
        register_stattest(test, _look_up)


def _evidently() -> _Evidently:
    with warnings.catch_warnings():
        # Evidently 0.7.23 imports deprecated names of NumPy and Litestar; nothing here can change that.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        return _Evidently()


def _look_up(_reference: Any, current: Any, _kind: Any, _threshold: float) -> tuple[float, bool]:
    """Evidently's signature of a test: score and whether it drifted."""
    verdict = _SHOWN.get()[current.name]
    return verdict.measured.effect, verdict.drifted


def _by_interest(report: DriftReport) -> list[ColumnVerdict]:
    return [*([report.score] if report.score else []), *worst_columns(report)]


def _pairs(report: DriftReport, parts: Sequence[Part], *, columns: int, rows: int, seed: int) -> dict[str, _Pair]:
    """The columns to draw. Evidently's report dies of a column that a side lacks or has no value of."""
    sampled = {part.name: [_some(side, rows, seed) for side in (part.reference, part.current)] for part in parts}
    able = {(part.name, column) for part in parts for column in part.columns}
    drawable = [verdict for verdict in _by_interest(report) if (verdict.part, verdict.column) in able]
    pairs = ((verdict, _pair(sampled[verdict.part], verdict)) for verdict in drawable)
    valued = ((verdict.column, pair) for verdict, pair in pairs if all(_has_values(side) for side in pair))
    return dict(islice(valued, columns))


def _some(frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """A sample in the order that the rows have: Evidently also draws means along it."""
    chosen = pl.int_range(frame.height, eager=True).sample(min(rows, frame.height), seed=seed)
    return frame[chosen.sort()]


def _pair(sides: Sequence[pl.DataFrame], verdict: ColumnVerdict) -> _Pair:
    plain = [_plain(side[verdict.column], verdict.measured.kind) for side in sides]
    return plain if verdict.measured.kind == "numeric" else _common_only(*plain)


def _has_values(series: pl.Series) -> bool:
    return series.null_count() < series.len()


def _side(pairs: Mapping[str, _Pair], side: int) -> pl.DataFrame:
    """One side of all pairs; shorter columns end in missing values, which no picture shows."""
    height = max(pair[side].len() for pair in pairs.values())
    return pl.DataFrame(
        {name: pair[side].extend_constant(None, height - pair[side].len()) for name, pair in pairs.items()}
    )


def _plain(series: pl.Series, kind: str) -> pl.Series:
    if kind == "category":
        return as_categories(series)
    numbers = as_numbers(series)
    return pl.Series(np.where(np.isfinite(numbers), numbers, np.nan)).fill_nan(None)


def _common_only(reference: pl.Series, current: pl.Series) -> list[pl.Series]:
    both = pl.concat([reference.alias("name"), current.alias("name")]).drop_nulls()
    common = both.value_counts(sort=True)["name"].head(CATEGORIES_DRAWN).implode()
    name = pl.col("name")
    drawn = pl.when(name.is_in(common) | name.is_null()).then(name).otherwise(pl.lit("(other)"))
    return [side.to_frame("name").select(drawn)["name"] for side in (reference, current)]


def _drift_share(report: DriftReport) -> float:
    """Make Evidently's line about the whole data set say what the report says: one drifted column is enough."""
    return ONE_COLUMN if report.drifted or not report.alarm else 0.0
