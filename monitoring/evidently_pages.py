"""Pages drawn by Evidently around our own figures: the only module that imports Evidently, and its legacy registry."""

import html
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from governance.errors import NotReady
from monitoring.drift import ColumnVerdict, DriftReport
from monitoring.profiles import as_categories, as_numbers
from monitoring.summaries import opening_line, worst_columns

STATTEST = "judged_drift"

CATEGORIES_DRAWN = 30
"""Rarer categories are drawn as one: Evidently's time grows with the square of their number."""

ONE_COLUMN = 0.001
"""A share of columns that a single drifted one exceeds."""

_Sides = tuple[pl.DataFrame, pl.DataFrame]

_SHOWN: ContextVar[Mapping[str, ColumnVerdict]] = ContextVar("verdicts that the page being drawn shows")


def write_page(
    report: DriftReport,
    reference: pl.DataFrame,
    current: pl.DataFrame,
    path: Path,
    *,
    seed: int,
    rows_at_most: int = 30_000,
) -> Path:
    """Write a page of `report` to `path`: one HTML file of 4 to 8 MB that loads nothing from elsewhere.

    The page is written under a temporary name and renamed. A page of the same report is left as it is, so
    that doing it again changes nothing and does not import Evidently.

    Parameters
    ----------
    report : DriftReport
        Its figures are shown as they are: they come from all rows, the pictures from a sample.
    reference, current : polars.DataFrame
        Rows to draw.
    path : Path
        Ends in `.html`; its folder is made if need be.
    seed : int
        Of the sample of rows.
    rows_at_most : int
        Rows that are drawn per side.
    """
    if path.exists() and _marker(report) in path.read_text(encoding="utf-8"):
        return path
    page = snapshot(report, reference, current, seed=seed, rows_at_most=rows_at_most).get_html_str(as_iframe=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    temporary.write_text(page.replace("<body>", f"<body>{_heading(report)}", 1), encoding="utf-8")
    return temporary.replace(path)


def snapshot(
    report: DriftReport, reference: pl.DataFrame, current: pl.DataFrame, *, seed: int, rows_at_most: int = 30_000
) -> Any:
    """Run Evidently's drift preset on a sample of rows, with `report`'s figures in place of its own tests.

    Evidently calls a custom test with the two samples of a column. Ours ignores them and looks the column up
    in `report`: computed again on a sample, a figure on the page could contradict the alarm that led there.

    Returns
    -------
    evidently.core.report.Snapshot
    """
    from_evidently = _evidently()
    verdicts = {verdict.column: verdict for verdict in _drawable(report, reference, current)}
    kinds = {name: verdict.measured.kind for name, verdict in verdicts.items()}
    drawn_reference, drawn_current = _drawn(reference, current, kinds, rows=rows_at_most, seed=seed)
    shown = drawn_current.columns
    if not shown:
        raise NotReady("No column has values both in the reference and now: there is nothing to draw.")
    definition = from_evidently.DataDefinition(
        numerical_columns=[name for name in shown if kinds[name] == "numeric"],
        categorical_columns=[name for name in shown if kinds[name] == "category"],
    )
    preset = from_evidently.DataDriftPreset(
        columns=shown,
        method=STATTEST,
        threshold=report.limits.effect_at_least,
        drift_share=_drift_share(report),
    )
    datasets = [
        from_evidently.Dataset.from_pandas(side.to_pandas(), definition) for side in (drawn_current, drawn_reference)
    ]
    token = _SHOWN.set(verdicts)
    try:
        return from_evidently.Report([preset]).run(*datasets)
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


def _drawable(report: DriftReport, reference: pl.DataFrame, current: pl.DataFrame) -> list[ColumnVerdict]:
    """Worst columns first. Evidently's report dies of a column that a side lacks or has no value of."""
    columns = [*([report.score] if report.score else []), *worst_columns(report)]
    return [
        verdict
        for verdict in columns
        if not verdict.measured.column_missing
        and verdict.column in reference.columns
        and verdict.column in current.columns
    ]


def _drawn(reference: pl.DataFrame, current: pl.DataFrame, kinds: Mapping[str, str], *, rows: int, seed: int) -> _Sides:
    """A sample of both sides as Evidently takes them; columns without a value on a side are left out."""
    sampled = [frame.sample(min(rows, frame.height), seed=seed) for frame in (reference, current)]
    plain = {name: [_plain(side[name], kind) for side in sampled] for name, kind in kinds.items()}
    valued = {name: pair for name, pair in plain.items() if all(side.null_count() < side.len() for side in pair)}
    pairs = {name: pair if kinds[name] == "numeric" else _common_only(*pair) for name, pair in valued.items()}
    drawn = [pl.DataFrame({name: pair[side] for name, pair in pairs.items()}) for side in (0, 1)]
    return drawn[0], drawn[1]


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


def _marker(report: DriftReport) -> str:
    return f'data-drift-digest="{report.digest}"'


def _heading(report: DriftReport) -> str:
    """What a reader needs before the pictures, in plain HTML, including what Evidently cannot draw."""
    reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in report.reasons) or "<li>Nothing drifted.</li>"
    joint = f" Joint AUC {report.joint.auc:.3f}." if report.joint else ""
    label = ""
    if report.label:
        label = f" Label rate {report.label.before.rate:.2%} before, {report.label.after.rate:.2%} now."
    trending = [verdict.column for verdict in report.features if verdict.trending]
    note = f" Trending, never an alarm: {html.escape(', '.join(trending))}." if trending else ""
    return (
        f'<header {_marker(report)} style="font-family:sans-serif;max-width:60rem;margin:1.5rem auto;line-height:1.5">'
        f"<h1>{opening_line(report)}</h1>"
        f"<p>{report.rows_reference:,} reference rows, {report.rows_current:,} current rows.{joint}{label}{note}</p>"
        f"<ul>{reasons}</ul>"
        "<p>The drift score is the population stability index above what chance adds; a column is marked only if it "
        f"is also significant over all columns (false discovery rate {report.limits.fdr:g}). Figures come from all "
        "rows, pictures from a sample. The table below has the columns that have values on both sides, the score among "
        "them.</p></header>"
    )
