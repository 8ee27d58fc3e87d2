"""Has the world changed since the model was trained? Features, scores and labels against the training reference."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from governance.errors import NotReady
from monitoring.drift import Aside, ColumnVerdict, DriftReport, LabelDrift, Limits, PartDrift
from monitoring.joint import JointDrift, joint_drift
from monitoring.profiles import Profile
from monitoring.proportions import Proportion
from monitoring.statistics import ColumnDrift, adjusted, compare

ROWS_AT_LEAST = 30
"""With fewer rows on a side a part is shown and not judged: a dozen categories can only all change or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Columns that describe one kind of entity, and the rows to compare: one of each, where `profile` has a group.

    A seller's features repeat on each of its orders, so that the sellers and not the orders are the sample. The
    same sellers may stand on both sides: such samples resemble each other more than independent ones would, which
    makes every test here err towards silence.
    """

    name: str
    profile: Profile
    reference: pl.DataFrame
    current: pl.DataFrame

    @classmethod
    def of(cls, profile: Profile, reference: pl.DataFrame, current: pl.DataFrame, *, name: str = "all") -> "Part":
        """Reduce both sides as `profile` was.

        Parameters
        ----------
        reference : polars.DataFrame
            Rows that the profile was made from, or a sample of them, for the joint test and for pictures. Where the
            profile has a group, a sample must hold all rows of the entities that it holds. May be empty.
        """
        return cls(name=name, profile=profile, reference=profile.reduced(reference), current=profile.reduced(current))

    @property
    def columns(self) -> list[str]:
        """The profiled columns that both sides have."""
        return [name for name in self.profile.columns if name in self.reference and name in self.current]

    @property
    def too_small(self) -> bool:
        """Whether a side has too few rows to judge anything by."""
        return min(self.profile.rows, self.current.height) < ROWS_AT_LEAST


def judge(
    parts: Sequence[Part],
    *,
    seed: int,
    trending: Collection[str] = (),
    score: Part | None = None,
    labels: tuple[Proportion, Proportion] | None = None,
    limits: Limits | None = None,
) -> DriftReport:
    """Judge current rows against the reference, part by part.

    Parameters
    ----------
    parts : sequence of Part
        Their columns together are one family of tests: the false discovery rate holds over all of them. Each part
        has a joint test of its own, at a level divided by their number.
    seed : int
        Of the joint tests.
    trending : collection of str
        Columns that grow with the age of the marketplace. They are shown, never alarm, and are kept from the
        joint tests, which would otherwise find nothing but them.
    score : Part, optional
        Its only column is the model's score.
    labels : tuple of Proportion, optional
        Matured labels of the reference and of now.
    limits : Limits, optional
        What counts as drift.

    Raises
    ------
    NotReady
        If no part has `ROWS_AT_LEAST` rows on both sides.
    """
    limits = limits or Limits()
    _require_rows(parts)
    features = _verdicts(parts, frozenset(trending), limits)
    tested = [part for part in parts if not part.too_small]
    joints = {part.name: _joint(part, features, seed) for part in tested}
    return DriftReport(
        parts=tuple(_part(part, joints.get(part.name), limits, level=limits.level / len(tested)) for part in parts),
        features=features,
        score=_score(score, limits) if score else None,
        label=_label_drift(*labels, limits) if labels else None,
        limits=limits,
    )


def _require_rows(parts: Sequence[Part]) -> None:
    if all(part.too_small for part in parts):
        sizes = ", ".join(f"{part.name} {part.profile.rows} and {part.current.height}" for part in parts)
        raise NotReady(f"Drift needs at least {ROWS_AT_LEAST} rows in the reference and now; there are: {sizes}.")


def _verdicts(parts: Sequence[Part], trending: frozenset[str], limits: Limits) -> tuple[ColumnVerdict, ...]:
    """Columns set aside are no part of the family of tests: their sure discoveries would excuse false ones."""
    measured = [(part, drift) for part in parts for drift in compare(part.profile, part.current)]
    asides = [_aside(part, drift, trending) for part, drift in measured]
    family = [drift.p_value for (_, drift), aside in zip(measured, asides, strict=True) if aside is None]
    p_values = iter(adjusted(family))
    return tuple(
        _verdict(part, drift, aside, drift.p_value if aside else next(p_values), level=limits.fdr, limits=limits)
        for (part, drift), aside in zip(measured, asides, strict=True)
    )


def _aside(part: Part, drift: ColumnDrift, trending: frozenset[str]) -> Aside | None:
    """That a column is absent needs no test, so that it is a reason to alarm in any column."""
    if drift.column_missing:
        return None
    if drift.column in trending:
        return "trending"
    return "too few rows" if part.too_small else None


def _verdict(
    part: Part, drift: ColumnDrift, aside: Aside | None, p_value: float, *, level: float, limits: Limits
) -> ColumnVerdict:
    large = p_value < level and drift.effect >= limits.effect_at_least
    drifted = drift.column_missing or (aside is None and large)
    return ColumnVerdict(measured=drift, part=part.name, adjusted_p=p_value, aside=aside, drifted=drifted)


def _score(part: Part, limits: Limits) -> ColumnVerdict:
    (drift,) = compare(part.profile, part.current)
    aside = _aside(part, drift, frozenset())
    return _verdict(part, drift, aside, drift.p_value, level=limits.level, limits=limits)


def _joint(part: Part, features: Sequence[ColumnVerdict], seed: int) -> JointDrift | None:
    judged = {verdict.column for verdict in features if verdict.part == part.name and verdict.aside is None}
    usable = [name for name in part.columns if name in judged]
    return joint_drift(part.reference, part.current, usable, seed=seed) if usable else None


def _part(part: Part, joint: JointDrift | None, limits: Limits, *, level: float) -> PartDrift:
    return PartDrift(
        name=part.name,
        key=part.profile.group,
        rows_reference=part.profile.rows,
        rows_current=part.current.height,
        too_small=part.too_small,
        joint=joint,
        joint_drifted=joint is not None and joint.p_value < level and joint.auc >= limits.joint_auc_at_least,
    )


def _label_drift(before: Proportion, after: Proportion, limits: Limits) -> LabelDrift:
    p_value = before.p_value(after)
    # Half a row on each side keeps a rate of zero comparable.
    rates = sorted((side.positives + 0.5) / (side.rows + 1) for side in (before, after))
    change = rates[1] / rates[0] - 1
    drifted = p_value < limits.level and change >= limits.label_change_at_least
    return LabelDrift(before=before, after=after, p_value=p_value, change=change, drifted=drifted)
