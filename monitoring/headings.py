"""What stands above the pictures of a drift page, in plain HTML: verdict, reasons and every column's figures."""

from html import escape

from monitoring.drift import ColumnVerdict, DriftReport
from monitoring.summaries import aside_or_drifted, opening_line, other_lines, worst_columns

_STYLE = """\
<style>
#drift {font: 15px/1.5 sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem}
#drift table {border-collapse: collapse; font-size: 13px}
#drift th, #drift td {padding: 2px 10px; border-bottom: 1px solid #ddd; text-align: right}
#drift th:first-child, #drift td:first-child, #drift th:nth-child(2), #drift td:nth-child(2) {text-align: left}
#drift .yes, #drift .absent {font-weight: bold; color: #b00020}
</style>
"""

_COLUMNS = ("column", "rows of", "drifted", "effect", "adjusted p", "missing before", "missing now")


def marker(report: DriftReport) -> str:
    """What tells a page of this very report from others."""
    return f'data-drift-digest="{report.digest}"'


def heading(report: DriftReport, *, columns_at_most: int) -> str:
    """What a reader needs before the pictures, of which there are at most so many, and what Evidently cannot draw."""
    return (
        f'{_STYLE}<header id="drift" {marker(report)}><h1>{opening_line(report)}</h1>'
        f"<ul>{_items(report.reasons) or '<li>Nothing drifted.</li>'}</ul>"
        f"<h2>What was compared</h2><ul>{_items(other_lines(report))}</ul>"
        "<p>The effect is the population stability index above what chance adds; a column drifted only if it is also "
        f"significant over all judged columns (false discovery rate {report.limits.fdr:g}, effect at least "
        f"{report.limits.effect_at_least:g}). {_asides(report)}</p>"
        f"<details><summary>All {len(report.features)} columns</summary>{_table(report)}</details>"
        f"<p>Below, Evidently draws at most {columns_at_most} columns: the score, those that drifted, and those with "
        "the largest effects. Figures come from all rows, pictures from a sample.</p></header>"
    )


def _items(sentences: list[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _asides(report: DriftReport) -> str:
    counts = {word: sum(column.aside == word for column in report.features) for word in ("trending", "too few rows")}
    sentences = {
        "trending": "grow with the age of the marketplace",
        "too few rows": "have too few rows",
    }
    found = [f"{counts[word]} columns {said}" for word, said in sentences.items() if counts[word]]
    return f"Shown, never an alarm: {' and '.join(found)}." if found else ""


def _table(report: DriftReport) -> str:
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    return f"<table><tr>{head}</tr>{''.join(_row(column) for column in worst_columns(report))}</table>"


def _row(column: ColumnVerdict) -> str:
    drift, said = column.measured, aside_or_drifted(column)
    figures = (
        f"{drift.effect:.3f}",
        f"{column.adjusted_p:.2g}",
        f"{drift.missing_before:.1%}",
        f"{drift.missing_after:.1%}",
    )
    cells = "".join(f"<td>{figure}</td>" for figure in figures)
    return (
        f"<tr><td>{escape(column.column)}</td><td>{escape(column.part)}</td>"
        f'<td class="{said.split()[0]}">{said}</td>{cells}</tr>'
    )
