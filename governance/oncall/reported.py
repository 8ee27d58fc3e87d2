"""What others report, judged: the online store, weekly drift and runs, which only outer layers can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from governance.automation.held import Held
from governance.contracts.calendar import midnight
from governance.oncall.bands import band
from governance.oncall.champions import pointer_of
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import PLATFORM, Look, champion_change
from governance.oncall.rendering import moment
from governance.oncall.space import DiskState

_WEEKS_AT_LEAST = 4
_RUNS_FOR_SEV2 = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineState:
    """A table that is read online: the newest event time on either side, and since when the two differ."""

    table: str
    owner: str
    online: datetime | None
    offline: datetime
    differs_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftState:
    """A week's drift report of a model."""

    model: str
    as_of: date
    alarm: bool
    share: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A job that fails: its newest failed run, since when and how often it has failed in a row, and with what."""

    job: str
    run_id: str
    since: datetime
    times: int
    failures: tuple[str, ...]
    retry_helps: bool
    why_started: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideState:
    """A champion that serves past its merit gates, because two people agreed to it until a time."""

    model: str
    who: str
    second: str
    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Everything that outer layers report of a workspace; drift in order of weeks.

    `withdrawn` days were taken out on purpose: nobody waits for them. `held` changes wait for a person.
    """

    online: Sequence[OnlineState] = ()
    drift: Sequence[DriftState] = ()
    failed_runs: Sequence[FailedRun] = ()
    overrides: Sequence[OverrideState] = ()
    withdrawn: frozenset[date] = frozenset()
    held: Sequence[Held] = ()
    disk: DiskState | None = None


def online_behind(look: Look, states: Sequence[OnlineState]) -> list[Finding]:
    """A finding for each online table that has not followed the offline one for hours."""
    patience = timedelta(hours=look.bounds.online_hours)
    late = [one for one in states if one.differs_since and look.wall - one.differs_since > patience]
    return [_behind(look, one) for one in late]


def drifting(look: Look, states: Sequence[DriftState]) -> list[Finding]:
    """A finding for each model whose newest report raises the alarm."""
    by_model = {name: [one for one in states if one.model == name] for name in look.workspace.models.present}
    return [_drift(look, weeks) for weeks in by_model.values() if weeks and weeks[-1].alarm]


def failed_runs(look: Look, runs: Sequence[FailedRun]) -> list[Finding]:
    """A finding for each job that fails."""
    return [_failed(look, run) for run in runs]


def overridden(look: Look, states: Sequence[OverrideState]) -> list[Finding]:
    """A finding for each champion that serves by an override, for as long as it does."""
    return [_override(look, one) for one in states]


def _behind(look: Look, state: OnlineState) -> Finding:
    lag = (state.offline - state.online) / timedelta(days=1) if state.online else None
    return Finding(
        kind=Kind.ONLINE_BEHIND,
        subject=state.table,
        severity=Severity.SEV3 if lag is not None and lag < 2 else Severity.SEV2,
        owner=state.owner,
        what="online store is behind" + (" by" if lag else ""),
        why=(
            f"the offline store has other rows of {state.table} than were put online, for more than "
            f"{look.bounds.online_hours:g} hours; services read the older ones"
        ),
        first_action=look.govern("run"),
        figure=Figure(lag, Unit.DAYS) if lag else None,
        since=state.differs_since,
    )


def _drift(look: Look, weeks: Sequence[DriftState]) -> Finding:
    newest = weeks[-1]
    alarmed = list(_newest_alarms(weeks))
    before = [one.share for one in weeks[: len(weeks) - len(alarmed)] if one.share is not None]
    usual = band(before) if len(before) >= _WEEKS_AT_LEAST else None
    return Finding(
        kind=Kind.DRIFT,
        subject=newest.model,
        severity=Severity.SEV3,
        owner=look.workspace.models.present[newest.model].spec.owner,
        what="features drifted",
        why=" ".join(newest.reasons[:3]) or "the drift report raised its alarm",
        first_action=look.govern("models"),
        figure=Figure(newest.share, Unit.SHARE, usual) if newest.share is not None else None,
        since=midnight(alarmed[0].as_of),
        where=f"report as of {newest.as_of}",
        last_change=champion_change(pointer_of(look, newest.model)),
    )


def _newest_alarms(weeks: Sequence[DriftState]) -> Sequence[DriftState]:
    quiet = [number for number, week in enumerate(weeks) if not week.alarm]
    return weeks[quiet[-1] + 1 :] if quiet else weeks


def _override(look: Look, state: OverrideState) -> Finding:
    expired = state.until <= look.wall
    ends = "and should have fallen back" if expired else "and falls back by itself"
    return Finding(
        kind=Kind.OVERRIDE,
        subject=state.model,
        severity=Severity.SEV2 if expired else Severity.SEV3,
        owner=look.workspace.models.present[state.model].spec.owner,
        what="champion serves by an override" + (" that has expired," if expired else ""),
        why=(
            f"{state.who} and {state.second} let it past its merit gates until {moment(state.until)}, {ends}: "
            f"{state.reason}"
        ),
        first_action=look.govern("models"),
        since=state.at,
        last_change=champion_change(pointer_of(look, state.model)),
    )


def _failed(look: Look, run: FailedRun) -> Finding:
    retry = "running it again may help" if run.retry_helps else "running it again fails again until the cause is mended"
    return Finding(
        kind=Kind.FAILED_RUN,
        subject=run.job,
        severity=Severity.SEV2 if run.times >= _RUNS_FOR_SEV2 else Severity.SEV3,
        owner=PLATFORM,
        what=f"run failed {run.times} time(s) in a row" if run.times > 1 else "run failed",
        why=f"{'; '.join(run.failures) or 'its process ended without a word'}; {retry}",
        first_action=look.govern("run" if run.retry_helps else "run --dry-run"),
        since=run.since,
        where=run.why_started,
        run_id=run.run_id,
    )
