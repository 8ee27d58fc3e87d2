"""All findings of a workspace as of a moment, symptoms first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from governance.oncall.actions import action_rates
from governance.oncall.arrivals import LANDING, late_days, quarantines, silent_tables
from governance.oncall.champions import champions, damaged
from governance.oncall.finding import Finding, Severity, in_order
from governance.oncall.kinds import Kind
from governance.oncall.label_delay import label_delays
from governance.oncall.look import PLATFORM, Look
from governance.oncall.money import payouts_held
from governance.oncall.refusals import refusals
from governance.oncall.reported import FailedRun, Reports, drifting, failed_runs, online_behind, overridden
from governance.oncall.routing import load_routing
from governance.oncall.space import full_disk
from governance.oncall.traffic import taken_back
from governance.oncall.waiting import held_changes
from governance.workspace import Workspace

_WATCHES: Sequence[Callable[[Look], list[Finding]]] = (
    payouts_held,
    action_rates,
    champions,
    damaged,
    refusals,
    taken_back,
    late_days,
    silent_tables,
    quarantines,
    label_delays,
)


def findings(workspace: Workspace, *, wall: datetime, reports: Reports | None = None) -> list[Finding]:
    """Everything that is not as it should be, in the order in which people should read it.

    Parameters
    ----------
    wall : the time here, with its time zone; what time it is in the marketplace follows from its clock.
    reports : what outer layers know of the online store, drift and runs.
    """
    reports = reports or Reports()
    now = workspace.time_there(wall)
    bounds = load_routing(workspace.marketplace.folder).bounds
    look = Look(workspace, now or wall, wall, bounds, dropped=reports.withdrawn)
    if now is None or not any(workspace.lake.days(f"raw/{table}") for table in workspace.marketplace.tables):
        return [*full_disk(look, reports.disk), *failed_runs(look, reports.failed_runs), _nothing_landed(look)]
    found = [finding for watch in _WATCHES for finding in watch(look)]
    found += online_behind(look, reports.online)
    found += drifting(look, reports.drift)
    found += failed_runs(look, reports.failed_runs)
    found += overridden(look, reports.overrides)
    found += held_changes(look, reports.held)
    found += full_disk(look, reports.disk)
    return sorted(found, key=in_order)


def failures(workspace: Workspace, runs: Sequence[FailedRun], *, wall: datetime) -> list[Finding]:
    """The findings of failed runs alone."""
    bounds = load_routing(workspace.marketplace.folder).bounds
    return failed_runs(Look(workspace, wall, wall, bounds), runs)


def _nothing_landed(look: Look) -> Finding:
    """Of a workspace that was never filled there is only this to say."""
    return Finding(
        kind=Kind.LATE_DATA,
        subject=LANDING,
        severity=Severity.SEV4,
        owner=PLATFORM,
        what="nothing has landed yet",
        why=f"no day has landed in {look.workspace.root}, so that there is nothing to watch",
        first_action=look.govern("run"),
    )
