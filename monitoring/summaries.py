"""A drift report in few words: Markdown for a person, flat numbers that plot over time."""

from monitoring.drift import ColumnVerdict, DriftReport, PartDrift

HEADER = """\
| column | rows of | drifted | effect | adjusted p | missing before | missing now | new categories |
|---|---|---|---|---|---|---|---|
"""


def summary_markdown(report: DriftReport, *, worst: int = 10) -> str:
    """What was found, and the `worst` columns by effect, drifted ones first."""
    reasons = "".join(f"- {_escaped(reason)}\n" for reason in report.reasons[:worst])
    table = HEADER + "".join(_row(column) for column in worst_columns(report, worst=worst))
    sections = (f"**{opening_line(report)}.**\n", reasons, *(f"{line}\n" for line in other_lines(report)), table)
    return "\n".join(section for section in sections if section)


def opening_line(report: DriftReport) -> str:
    """The report in one line."""
    verdict = "Alarm" if report.alarm else "No alarm"
    return f"{verdict}: {len(report.drifted)} of {len(report.judged)} features drifted"


def worst_columns(report: DriftReport, *, worst: int | None = None) -> list[ColumnVerdict]:
    """Feature columns: drifted ones first, those set aside last, then by effect."""
    return sorted(report.features, key=lambda c: (not c.drifted, c.aside is not None, -c.measured.effect, c.column))[
        :worst
    ]


def other_lines(report: DriftReport) -> list[str]:
    """What a report says beside its columns, a sentence each: parts with their joint tests, score, label."""
    lines = [_part_line(part) for part in report.parts]
    if report.score:
        lines.append(f"Score: effect {report.score.measured.effect:.3f}, p {report.score.adjusted_p:.2g}.")
    if report.label:
        before, after = report.label.before, report.label.after
        lines.append(f"Label: rate {before.rate:.2%} before, {after.rate:.2%} now, p {report.label.p_value:.2g}.")
    return lines


def flat_metadata(report: DriftReport) -> dict[str, float | int]:
    """Figures under names that never change, for plots. What was not measured is absent, never zero."""
    figures: dict[str, float | int] = {
        "alarm": int(report.alarm),
        "share_drifted": report.share_drifted,
        "drifted_columns": len(report.drifted),
        "judged_columns": len(report.judged),
        "trending_columns": sum(column.aside == "trending" for column in report.features),
        "absent_columns": sum(column.measured.column_missing for column in report.features),
        "largest_effect": max((column.measured.effect for column in report.judged), default=0.0),
        "rows_reference": report.rows_reference,
        "rows_current": report.rows_current,
    }
    for name, part in part_figures(report).items():
        figures |= {f"{name}_{figure}": value for figure, value in part.items()}
    if report.joint and report.joint.joint:
        figures |= {"joint_auc": report.joint.joint.auc, "joint_p": report.joint.joint.p_value}
    if report.score:
        figures |= {"score_effect": report.score.measured.effect, "score_p": report.score.adjusted_p}
    if report.label:
        label = report.label
        figures |= {"label_shift": label.shift, "label_change": label.change, "label_p": label.p_value}
        figures |= {"label_rate_before": label.before.rate, "label_rate_now": label.after.rate}
    return figures


def part_figures(report: DriftReport) -> dict[str, dict[str, float | int]]:
    """By part: rows on both sides, columns that were judged and that drifted, and its joint test."""
    return {part.name: _part_figures(report, part) for part in report.parts}


def aside_or_drifted(column: ColumnVerdict) -> str:
    """What was made of a column, in a word or two."""
    if column.measured.column_missing:
        return "absent"
    return column.aside or ("yes" if column.drifted else "no")


def _part_figures(report: DriftReport, part: PartDrift) -> dict[str, float | int]:
    judged = [column for column in report.judged if column.part == part.name]
    figures: dict[str, float | int] = {
        "rows_reference": part.rows_reference,
        "rows_current": part.rows_current,
        "judged_columns": len(judged),
        "drifted_columns": sum(column.drifted for column in judged),
    }
    if part.joint:
        figures |= {"joint_auc": part.joint.auc, "joint_p": part.joint.p_value}
    return figures


def _part_line(part: PartDrift) -> str:
    unit = f", one for each {part.key}" if part.key else ""
    joint = f"; joint AUC {part.joint.auc:.3f}, p {part.joint.p_value:.2g}" if part.joint else ""
    small = "; too few to judge" if part.too_small else ""
    return f"Rows of {part.name}{unit}: {part.rows_reference:,} before, {part.rows_current:,} now{joint}{small}."


def _row(column: ColumnVerdict) -> str:
    drift = column.measured
    said = aside_or_drifted(column)
    new = "" if drift.new_category_share is None else f"{drift.new_category_share:.1%}"
    return (
        f"| {_escaped(column.column)} | {_escaped(column.part)} | {f'**{said}**' if column.drifted else said} "
        f"| {drift.effect:.3f} | {column.adjusted_p:.2g} | {drift.missing_before:.1%} | {drift.missing_after:.1%} "
        f"| {new} |\n"
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
