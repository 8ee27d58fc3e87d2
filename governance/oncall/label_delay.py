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
    """The delay of the last 28 days' statements and of the 84 days before; None where too few were made."""

    recent: Delay | None
    before: Delay | None

    def grown(self, bounds: Bounds) -> bool:
        """Whether the median or the 90th percentile is longer by the factor and by the days that matter."""
        if self.recent is None or self.before is None:
            return False
        pairs = ((self.recent.median, self.before.median), (self.recent.p90, self.before.p90))
        factor, days = bounds.label_delay_factor, bounds.label_delay_days
        return any(now > factor * then and now > then + days for now, then in pairs)


def delays(workspace: Workspace, label: LabelDefinition, now: datetime) -> Delays:
    """The delays of a label's statements, by the day on which they became known."""
    if not workspace.lake.days(statements.DATASET):
        return Delays(None, None)
    end = midnight(now.date()) + timedelta(days=1)
    start = end - timedelta(days=RECENT_DAYS)
    return Delays(
        _delay(workspace, label, start, end), _delay(workspace, label, start - timedelta(days=BEFORE_DAYS), start)
    )


def label_delays(look: Look) -> list[Finding]:
    """A finding for each model whose labels take longer than they used to."""
    models = look.workspace.models.present.values()
    return [finding for model in models if (finding := _of(look, model))]


def _delay(workspace: Workspace, label: LabelDefinition, start: datetime, end: datetime) -> Delay | None:
    stated = workspace.ledger.between(label.name, start=start, end=end)
    if stated.height < _STATEMENTS_AT_LEAST:
        return None
    days = stated.select((pl.col("known_at") - pl.col("occurred_at")).dt.total_seconds() / 86_400).to_series()
    return Delay(_quantile(days, 0.5), _quantile(days, 0.9), stated.height)


def _quantile(days: pl.Series, share: float) -> float:
    return float(days.quantile(share, interpolation="linear") or 0.0)


def _of(look: Look, model: Model) -> Finding | None:
    label = model.label
    found = delays(look.workspace, label, look.now)
    recent, before = found.recent, found.before
    if recent is None or before is None or not found.grown(look.bounds):
        return None
    return Finding(
        kind=Kind.LABEL_DELAY,
        subject=model.name,
        severity=Severity.SEV3,
        owner=label.owner,
        what="90th percentile of the delay of labels",
        why=(
            f"half of the statements of the last {RECENT_DAYS} days came after {recent.median:.1f} days, nine in "
            f"ten after {recent.p90:.1f}; in the {BEFORE_DAYS} days before it was {before.median:.1f} and "
            f"{before.p90:.1f}. A label matures after {label.maturity_days} days whatever is known by then, so that "
            "figures look better than they are"
        ),
        first_action=look.govern("models"),
        figure=Figure(recent.p90, Unit.DAYS, Band(before.median, before.p90)),
        where=f"label {label.name}",
    )
