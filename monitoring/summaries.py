"""A drift report in few words: Markdown for a person, flat numbers that plot over time."""

from monitoring.drift import ColumnVerdict, DriftReport

HEADER = """\
| column | drifted | effect | adjusted p | missing before | missing now | new categories |
|---|---|---|---|---|---|---|
"""


def summary_markdown(report: DriftReport, *, worst: int = 10) -> str:
    """What was found, and the `worst` columns by effect, drifted ones first."""
    size = f"{report.rows_reference:,} reference rows, {report.rows_current:,} current rows."
    reasons = "".join(f"- {_escaped(reason)}\n" for reason in report.reasons[:worst])
    table = HEADER + "".join(_row(column) for column in worst_columns(report, worst=worst))
    return "\n".join(
        part for part in (f"**{opening_line(report)}.** {size}\n", reasons, *_others(report), table) if part
    )


def opening_line(report: DriftReport) -> str:
    """The report in one line."""
    verdict = "Alarm" if report.alarm else "No alarm"
    return f"{verdict}: {len(report.drifted)} of {len(report.judged)} features drifted"


def worst_columns(report: DriftReport, *, worst: int | None = None) -> list[ColumnVerdict]:
    """Feature columns, drifted ones first, then by effect."""
    return sorted(report.features, key=lambda c: (not c.drifted, -c.measured.effect, c.column))[:worst]


def flat_metadata(report: DriftReport) -> dict[str, float | int]:
    """Figures under names that never change, for plots. What was not measured is absent, never zero."""
    figures: dict[str, float | int] = {
        "alarm": int(report.alarm),
        "share_drifted": report.share_drifted,
        "drifted_columns": len(report.drifted),
        "judged_columns": len(report.judged),
        "trending_columns": len(report.features) - len(report.judged),
        "absent_columns": sum(column.measured.column_missing for column in report.features),
        "largest_effect": max((column.measured.effect for column in report.judged), default=0.0),
        "rows_reference": report.rows_reference,
        "rows_current": report.rows_current,
    }
    if report.joint:
        figures |= {"joint_auc": report.joint.auc, "joint_p": report.joint.p_value}
    if report.score:
        figures |= {"score_effect": report.score.measured.effect, "score_p": report.score.adjusted_p}
    if report.label:
        label = report.label
        figures |= {"label_shift": label.shift, "label_change": label.change, "label_p": label.p_value}
        figures |= {"label_rate_before": label.before.rate, "label_rate_now": label.after.rate}
    return figures


def _others(report: DriftReport) -> list[str]:
    lines = []
    if report.joint:
        lines.append(
            f"Joint: AUC {report.joint.auc:.3f} between reference and current rows, p {report.joint.p_value:.2g}.\n"
        )
    if report.score:
        lines.append(f"Score: effect {report.score.measured.effect:.3f}, p {report.score.adjusted_p:.2g}.\n")
    if report.label:
        before, after = report.label.before, report.label.after
        lines.append(f"Label: rate {before.rate:.2%} before, {after.rate:.2%} now, p {report.label.p_value:.2g}.\n")
    return lines


def _row(column: ColumnVerdict) -> str:
    drift = column.measured
    drifted = (
        "absent" if drift.column_missing else "trending" if column.trending else "**yes**" if column.drifted else "no"
    )
    new = "" if drift.new_category_share is None else f"{drift.new_category_share:.1%}"
    return (
        f"| {_escaped(column.column)} | {drifted} | {drift.effect:.3f} | {column.adjusted_p:.2g} "
        f"| {drift.missing_before:.1%} | {drift.missing_after:.1%} | {new} |\n"
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
