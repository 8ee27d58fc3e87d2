"""What a drift report says: verdicts on columns, parts, score and label, and the reasons for which it alarms."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from governance.storage.digests import fingerprint
from monitoring.joint import JointDrift
from monitoring.proportions import Proportion
from monitoring.statistics import ColumnDrift

Section = Literal["features", "score", "label"]

Aside = Literal["trending", "too few rows"]
"""Why a column is shown and not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What counts as drift: unlikely by chance *and* large enough to matter.

    `fdr` bounds the share of false alarms among the feature columns that alarm; `level` is the significance
    level of each of the three single questions (joint, score, label), so that a report without drift alarms in at
    most `fdr + 3 * level` of all cases: 2.5 %. `effect_at_least` is a population stability index corrected for
    sample size: 0.05 is a shift of 0.22 standard deviations, or about one row in a hundred newly missing.
    `label_change_at_least` is relative: 0.25 is a rate a quarter higher, or lower by as much reversed.
    """

    fdr: float = 0.01
    level: float = 0.005
    effect_at_least: float = 0.05
    joint_auc_at_least: float = 0.6
    label_change_at_least: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnVerdict:
    """One column's figures and what was made of them. A column that is set `aside` is shown and never drifted."""

    measured: ColumnDrift
    part: str
    adjusted_p: float
    aside: Aside | None
    drifted: bool

    @property
    def column(self) -> str:
        """The column's name."""
        return self.measured.column


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDrift:
    """One part of the columns, on rows of one kind of entity: one row for each value of `key`, if there is one.

    `joint` is None where the part has too few rows, or nothing that may alarm.
    """

    name: str
    key: str | None
    rows_reference: int
    rows_current: int
    too_small: bool
    joint: JointDrift | None
    joint_drifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDrift:
    """Label rates before and now. `change` is the larger rate over the smaller, minus one."""

    before: Proportion
    after: Proportion
    p_value: float
    change: float
    drifted: bool

    @property
    def shift(self) -> float:
        """Rate now minus rate before."""
        return self.after.rate - self.before.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """Everything that was found. It alarms where it has a reason to."""

    parts: tuple[PartDrift, ...]
    features: tuple[ColumnVerdict, ...]
    score: ColumnVerdict | None
    label: LabelDrift | None
    limits: Limits = field(default_factory=Limits)

    @property
    def rows_reference(self) -> int:
        """Reference rows of the part that has most."""
        return max(part.rows_reference for part in self.parts)

    @property
    def rows_current(self) -> int:
        """Current rows of the part that has most."""
        return max(part.rows_current for part in self.parts)

    @property
    def judged(self) -> tuple[ColumnVerdict, ...]:
        """The feature columns that may alarm."""
        return tuple(verdict for verdict in self.features if verdict.aside is None)

    @property
    def drifted(self) -> tuple[ColumnVerdict, ...]:
        """The feature columns that drifted, largest effect first."""
        found = (verdict for verdict in self.features if verdict.drifted)
        return tuple(sorted(found, key=lambda verdict: (-verdict.measured.effect, verdict.column)))

    @property
    def share_drifted(self) -> float:
        """Drifted share of the feature columns that may alarm."""
        return len(self.drifted) / len(self.judged) if self.judged else 0.0

    @property
    def joint(self) -> PartDrift | None:
        """The part whose rows are easiest to tell apart; None where no part was tested."""
        return max((part for part in self.parts if part.joint), key=_joint_auc, default=None)

    @property
    def reasons_by_section(self) -> dict[Section, list[str]]:
        """Why each section alarms; an empty list where it does not."""
        joint = [_joint_reason(part.name, part.joint) for part in self.parts if part.joint and part.joint_drifted]
        return {
            "features": [*(_column_reason(verdict) for verdict in self.drifted), *joint],
            "score": [_column_reason(self.score)] if self.score and self.score.drifted else [],
            "label": [_label_reason(self.label)] if self.label and self.label.drifted else [],
        }

    @property
    def reasons(self) -> list[str]:
        """All reasons to alarm, as sentences."""
        return [reason for reasons in self.reasons_by_section.values() for reason in reasons]

    @property
    def alarm(self) -> bool:
        """Whether anything drifted that may alarm."""
        return bool(self.reasons)

    @property
    def digest(self) -> str:
        """SHA-256 of every figure and limit."""
        return fingerprint(asdict(self))

    def to_json(self) -> str:
        """Every figure, with the conclusions beside them, for a machine to read."""
        conclusions = {
            "alarm": self.alarm,
            "reasons": self.reasons_by_section,
            "share_drifted": self.share_drifted,
            "digest": self.digest,
        }
        return json.dumps(conclusions | asdict(self), sort_keys=True)


def _joint_auc(part: PartDrift) -> float:
    return part.joint.auc if part.joint else 0.0


def _column_reason(verdict: ColumnVerdict) -> str:
    drift = verdict.measured
    if drift.column_missing:
        return f"{drift.column} is absent from the current rows."
    figures = f"{drift.column} drifted: effect {drift.effect:.2f}, p {verdict.adjusted_p:.1g}"
    if abs(drift.missing_after - drift.missing_before) >= 0.01:
        figures += f", missing {drift.missing_before:.1%} before and {drift.missing_after:.1%} now"
    if drift.new_category_share is not None and drift.new_category_share >= 0.01:
        figures += f", {drift.new_category_share:.1%} in new categories"
    return f"{figures}."


def _joint_reason(part: str, joint: JointDrift) -> str:
    best = " and ".join(joint.separators[0].columns) if joint.separators else "nothing in particular"
    relation = "the relation of " if joint.separators and len(joint.separators[0].columns) > 1 else ""
    return (
        f"A classifier tells current {part} rows from reference rows with AUC {joint.auc:.2f} "
        f"(p {joint.p_value:.1g}), mostly by {relation}{best}."
    )


def _label_reason(label: LabelDrift) -> str:
    return (
        f"The label rate went from {label.before.rate:.2%} ({label.before.positives} of {label.before.rows}) "
        f"to {label.after.rate:.2%} ({label.after.positives} of {label.after.rows}), p {label.p_value:.1g}."
    )
