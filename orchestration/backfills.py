"""Carries out backfills and says what they changed: to the caller, in a report, and at the assets in the Dagster UI."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from governance.backfill.changes import Impact, OnlineChange
from governance.backfill.copies import linked_copy
from governance.storage.files import write_text
from governance.workspace import Workspace
from orchestration.impact import observe, online_changes, online_states, tables_of
from orchestration.plan import Backfill, PlannedRun, next_backfill_run
from orchestration.runs import DoneRun, execute


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What a backfill did: its runs in order, what they changed, and how long they took.

    `stopped` says that somebody stopped it: whole days stand, and the same backfill goes on from there.
    """

    wanted: Backfill
    runs: tuple[DoneRun, ...]
    impact: Impact
    seconds: float
    stopped: bool

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, in the words of our own errors."""
        return tuple(failure for run in self.runs for failure in run.failures)


def run_backfill(
    workspace: Workspace,
    wanted: Backfill,
    *,
    timer: Callable[[], float],
    on_start: Callable[[PlannedRun], None] = lambda _: None,
) -> Reconciliation:
    """Do what a backfill needs, run by run, and hold what stands afterwards against what stood before.

    Raises
    ------
    ConfigurationError
        The range leaves the days that have been delivered.
    """
    done: list[DoneRun] = []
    online: tuple[OnlineChange, ...] = ()
    started, stopped = timer(), False
    with linked_copy(workspace) as before:
        try:
            while not stopped and (planned := _next(workspace, wanted, done)) is not None:
                on_start(planned)
                if planned.job == "online":
                    online = _observed_online(workspace, planned, done)
                else:
                    done.append(execute(workspace, planned))
                stopped = done[-1].stopped
        except KeyboardInterrupt:
            # Between two runs; within one, Dagster ends the run and hands over what it did.
            stopped = True
        impact = observe(before, workspace, wanted, online=online)
    return Reconciliation(wanted=wanted, runs=tuple(done), impact=impact, seconds=timer() - started, stopped=stopped)


def keep(workspace: Workspace, found: Reconciliation) -> Path | None:
    """Write a reconciliation as JSON, and at its assets in Dagster; None where no run was needed."""
    if not found.runs:
        return None
    named = f"{found.wanted.first}_{found.wanted.last}_{found.runs[0].run_id[:8]}.json"
    path = workspace.root / "backfills" / named
    said = {"runs": [run.run_id for run in found.runs], "seconds": round(found.seconds, 1), "stopped": found.stopped}
    said |= {"failures": list(found.failures), **asdict(found.impact)}
    write_text(path, json.dumps(said, indent=1, default=str) + "\n")
    _tell_dagster(found, path)
    return path


def _next(workspace: Workspace, wanted: Backfill, done: list[DoneRun]) -> PlannedRun | None:
    return next_backfill_run(workspace, wanted, done=[run.planned for run in done])


def _observed_online(workspace: Workspace, planned: PlannedRun, done: list[DoneRun]) -> tuple[OnlineChange, ...]:
    tables = tables_of(workspace, planned)
    before = online_states(workspace, tables)
    done.append(execute(workspace, planned))
    return online_changes(workspace, tables, before=before, after=online_states(workspace, tables))


def _tell_dagster(found: Reconciliation, path: Path) -> None:
    """An observation at every asset that was written: what changed, and where the whole report lies."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        for change in found.impact.assets:
            if change.asset.startswith("quarantine/"):
                continue
            figures = {name: getattr(change, name) for name in ("rows_added", "rows_removed", "keys")}
            counted = {"days_written": len(change.written), "days_changed": len(change.changed), **figures}
            said = {"backfill": found.wanted.why, "report": dg.MetadataValue.path(str(path)), **counted}
            instance.report_runless_asset_event(
                dg.AssetObservation(change.asset.split("/"), metadata=said, description=found.wanted.why)
            )
