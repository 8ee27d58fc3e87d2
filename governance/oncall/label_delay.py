"""How long labels take to become known: those of the last weeks against those of the months before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from governance.contracts.calendar import midnight
from governance.labels import statements
from governance.labels.definition import LabelDefinition
from governance.models.catalogue import Model
from governance.oncall.finding import Band, Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import Look
from governance.oncall.routing import Bounds
from governance.workspace import Workspace

RECENT_DAYS, BEFORE_DAYS = 28, 84
_STATEMENTS_AT_LEAST = 30


@dataclass(frozen=True, slots=True)
class Delay:
    """Days from what happened until it was known: median and 90th percentile of so many statements."""

    median: float
    p90: float
    statements: int


@dataclass(frozen=True, slots=True)
class Delays:
    """The delay of what one labeler says of one outcome: of the last 28 days' statements, and of the 84 days before.

    Labelers are compared with themselves: a rule speaks at once and an audit after weeks, so that a quantile over all
    moves with their shares although nobody has become slower. None where too few statements were made.
    """

    labeler: str
    value: int
    recent: Delay | None
    before: Delay | None

    @property
    def growth(self) -> float:
        """How many days longer the 90th percentile is."""
        return self.recent.p90 - self.before.p90 if self.recent and self.before else 0.0

    def grown(self, bounds: Bounds) -> bool:
        """Whether the median or the 90th percentile is longer by the factor and by the days that matter."""
        if self.recent is None or self.before is None:
            return False
        pairs = ((self.recent.median, self.before.median), (self.recent.p90, self.before.p90))
        factor, days = bounds.label_delay_factor, bounds.label_delay_days
        return any(now > factor * then and now > then + days for now, then in pairs)


def delays(workspace: Workspace, label: LabelDefinition, now: datetime) -> list[Delays]:
    """The delays of a label's statements by who made them, by the day on which they became known."""
    if not workspace.lake.days(statements.DATASET):
        return []
    end = midnight(now.date()) + timedelta(days=1)
    start = end - timedelta(days=RECENT_DAYS)
    recent = _by_labeler(workspace, label, start, end)
    before = _by_labeler(workspace, label, start - timedelta(days=BEFORE_DAYS), start)
    return [Delays(*who, recent.get(who), before.get(who)) for who in sorted(recent | before)]


def label_delays(look: Look) -> list[Finding]:
    """A finding for each model whose labels take longer than they used to."""
    models = look.workspace.models.present.values()
    return [finding for model in models if (finding := _of(look, model))]


def _by_labeler(
    workspace: Workspace, label: LabelDefinition, start: datetime, end: datetime
) -> dict[tuple[str, int], Delay]:
    delay = (pl.col("known_at") - pl.col("occurred_at")).dt.total_seconds() / 86_400
    stated = workspace.ledger.between(label.name, start=start, end=end).with_columns(delay=delay)
    figures = stated.group_by("labeler", "value").agg(
        pl.col("delay").median().alias("median"),
        pl.col("delay").quantile(0.9, interpolation="linear").alias("p90"),
        pl.len(),
    )
    return {
        (labeler, value): Delay(median, p90, count)
        for labeler, value, median, p90, count in figures.iter_rows()
        if count >= _STATEMENTS_AT_LEAST
    }


def _of(look: Look, model: Model) -> Finding | None:
    label = model.label
    grown = [one for one in delays(look.workspace, label, look.now) if one.grown(look.bounds)]
    worst = max(grown, key=lambda one: one.growth, default=None)
    if worst is None or worst.recent is None or worst.before is None:
        return None
    recent, before = worst.recent, worst.before
    return Finding(
        kind=Kind.LABEL_DELAY,
        subject=model.name,
        severity=Severity.SEV3,
        owner=label.owner,
        what="90th percentile of the delay of labels",
        why=(
            f"half of the statements that {worst.labeler} made in the last {RECENT_DAYS} days came after "
            f"{recent.median:.1f} days, nine in ten after {recent.p90:.1f}; in the {BEFORE_DAYS} days before it was "
            f"{before.median:.1f} and {before.p90:.1f}. A label matures after {label.maturity_days} days whatever is "
            "known by then, so that figures look better than they are"
        ),
        first_action=look.govern("models"),
        figure=Figure(recent.p90, Unit.DAYS, Band(before.median, before.p90)),
        where=f"label {label.name}, {worst.labeler} saying {worst.value}",
    )
