"""Has the world changed since the model was trained? Features, scores and labels against the training reference."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Literal

import polars as pl

from governance.errors import NotReady
from governance.storage.digests import fingerprint
from monitoring.joint import JointDrift, joint_drift
from monitoring.profiles import Profile, latest_per_group
from monitoring.statistics import ColumnDrift, adjusted, compare, proportion_p_value

ROWS_AT_LEAST = 30
"""With fewer rows on a side a report would say nothing."""

Section = Literal["features", "score", "label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What counts as drift: unlikely by chance *and* large enough to matter.

    `fdr` bounds the share of false alarms among the feature columns that alarm; `level` is the significance
    level of each of the three single tests (joint, score, label), so that a report without drift alarms in at
    most `fdr + 3 * level` of all cases. `effect_at_least` is a population stability index corrected for sample
    size: 0.05 is a shift of 0.22 standard deviations, or about one row in a hundred newly missing.
    `label_change_at_least` is relative: 0.25 is a rate a quarter higher, or lower by as much reversed.
    """

    fdr: float = 0.05
    level: float = 0.005
    effect_at_least: float = 0.05
    joint_auc_at_least: float = 0.6
    label_change_at_least: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnVerdict:
    """One column's figures and what was made of them. A trending column is shown and never drifted."""

    measured: ColumnDrift
    adjusted_p: float
    trending: bool
    drifted: bool

    @property
    def column(self) -> str:
        """The column's name."""
        return self.measured.column


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many matured rows were positive."""

    positives: int
    rows: int

    @classmethod
    def of(
        cls, matured: pl.DataFrame, *, label: str = "label", group: str | None = None, time: str | None = None
    ) -> "Proportion":
        """Count a 0/1 column; with `group` and `time`, in the latest row of each entity only."""
        rows = matured if group is None or time is None else latest_per_group(matured, group=group, time=time)
        return cls(int(rows[label].sum()), rows.height)

    @property
    def rate(self) -> float:
        """Share of positives."""
        return self.positives / self.rows if self.rows else 0.0


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

    rows_reference: int
    rows_current: int
    features: tuple[ColumnVerdict, ...]
    joint: JointDrift | None
    joint_drifted: bool
    score: ColumnVerdict | None
    label: LabelDrift | None
    limits: Limits = field(default_factory=Limits)

    @property
    def judged(self) -> tuple[ColumnVerdict, ...]:
        """The feature columns that may alarm."""
        return tuple(verdict for verdict in self.features if not verdict.trending)

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
    def reasons_by_section(self) -> dict[Section, list[str]]:
        """Why each section alarms; an empty list where it does not."""
        joint = [_joint_reason(self.joint)] if self.joint and self.joint_drifted else []
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


def judge(
    profile: Profile,
    sample: pl.DataFrame,
    current: pl.DataFrame,
    *,
    seed: int,
    trending: Collection[str] = (),
    score: str | None = None,
    labels: tuple[Proportion, Proportion] | None = None,
    limits: Limits | None = None,
) -> DriftReport:
    """Judge current rows against the reference that `profile` remembers.

    Parameters
    ----------
    profile : Profile
        Of the reference's features, and of the score if `score` is named.
    sample : polars.DataFrame
        Rows of that reference, for the joint test, which draws some thousands of them itself. Where the profile
        reduces to entities, a sample must hold all rows of those that it holds, or their latest row is another.
    current : polars.DataFrame
        Rows to judge. Both frames are reduced to one row per entity if the profile was.
    seed : int
        Of the joint test.
    trending : collection of str
        Columns that grow with the age of the marketplace. They are shown, never alarm, and are kept from the
        joint test, which would otherwise find nothing but them.
    score : str, optional
        The profiled column that holds the model's score.
    labels : tuple of Proportion, optional
        Matured labels of the reference and of now.
    limits : Limits, optional
        What counts as drift.

    Raises
    ------
    NotReady
        If a side has fewer than `ROWS_AT_LEAST` rows after the reduction.
    """
    limits = limits or Limits()
    current = profile.reduced(current)
    _require_rows(profile.rows, current.height)
    measured = compare(profile, current)
    features = _verdicts([drift for drift in measured if drift.column != score], frozenset(trending), limits)
    usable = [
        v.column for v in features if not v.trending and v.column in sample.columns and v.column in current.columns
    ]
    joint = joint_drift(profile.reduced(sample), current, usable, seed=seed) if usable else None
    return DriftReport(
        rows_reference=profile.rows,
        rows_current=current.height,
        features=features,
        joint=joint,
        joint_drifted=joint is not None and _joint_drifted(joint, limits),
        score=next((_single(drift, limits) for drift in measured if drift.column == score), None),
        label=None if labels is None else _label_drift(*labels, limits),
        limits=limits,
    )


def _require_rows(reference: int, current: int) -> None:
    if min(reference, current) < ROWS_AT_LEAST:
        raise NotReady(
            f"Drift needs at least {ROWS_AT_LEAST} rows on both sides; "
            f"the reference has {reference}, now there are {current}."
        )


def _verdicts(measured: list[ColumnDrift], trending: frozenset[str], limits: Limits) -> tuple[ColumnVerdict, ...]:
    """Trending columns are no part of the family of tests: their sure discoveries would excuse false ones elsewhere."""
    family = [drift for drift in measured if drift.column not in trending]
    by_column = dict(zip((d.column for d in family), adjusted([d.p_value for d in family]), strict=True))
    return tuple(
        ColumnVerdict(
            measured=drift,
            adjusted_p=by_column.get(drift.column, drift.p_value),
            trending=drift.column in trending,
            drifted=drift.column in by_column and _drifted(drift, by_column[drift.column], limits.fdr, limits),
        )
        for drift in measured
    )


def _single(drift: ColumnDrift, limits: Limits) -> ColumnVerdict:
    drifted = _drifted(drift, drift.p_value, limits.level, limits)
    return ColumnVerdict(measured=drift, adjusted_p=drift.p_value, trending=False, drifted=drifted)


def _drifted(drift: ColumnDrift, p_value: float, level: float, limits: Limits) -> bool:
    return drift.column_missing or (p_value < level and drift.effect >= limits.effect_at_least)


def _joint_drifted(joint: JointDrift, limits: Limits) -> bool:
    return joint.p_value < limits.level and joint.auc >= limits.joint_auc_at_least


def _label_drift(before: Proportion, after: Proportion, limits: Limits) -> LabelDrift:
    p_value = proportion_p_value(before.positives, before.rows, after.positives, after.rows)
    # Half a row on each side keeps a rate of zero comparable.
    rates = sorted((side.positives + 0.5) / (side.rows + 1) for side in (before, after))
    change = rates[1] / rates[0] - 1
    drifted = p_value < limits.level and change >= limits.label_change_at_least
    return LabelDrift(before=before, after=after, p_value=p_value, change=change, drifted=drifted)


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


def _joint_reason(joint: JointDrift) -> str:
    best = " and ".join(joint.separators[0].columns) if joint.separators else "nothing in particular"
    relation = "the relation of " if joint.separators and len(joint.separators[0].columns) > 1 else ""
    return (
        f"A classifier tells current rows from reference rows with AUC {joint.auc:.2f} (p {joint.p_value:.1g}), "
        f"mostly by {relation}{best}."
    )


def _label_reason(label: LabelDrift) -> str:
    return (
        f"The label rate went from {label.before.rate:.2%} ({label.before.positives} of {label.before.rows}) "
        f"to {label.after.rate:.2%} ({label.after.positives} of {label.after.rows}), p {label.p_value:.1g}."
    )
