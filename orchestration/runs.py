"""Carries out planned runs in this process, on the workspace's own Dagster instance."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.workspace import Workspace
from orchestration.environments import prepare_dagster_home
from orchestration.plan import PlannedRun, next_run

WHY_TAG = "governance/why"
_RUNS_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class DoneRun:
    """A run that ended: its id in the Dagster UI, and the sentences of what failed in it."""

    planned: PlannedRun
    run_id: str
    failures: tuple[str, ...]


def run_all(
    workspace: Workspace,
    *,
    weeks: int,
    on_start: Callable[[PlannedRun], None] = lambda _: None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> list[DoneRun]:
    """Run what is stale until everything is fresh or has failed once, in order.

    Of two that do so at the same time the second waits for the first, and then mostly finds nothing to do.
    """
    from orchestration.exclusion import main_job

    done: list[DoneRun] = []
    with main_job(workspace, doing="govern run", on_wait=on_wait):
        while len(done) < _RUNS_AT_MOST:
            planned = next_run(workspace, weeks=weeks, done=[run.planned for run in done])
            if planned is None:
                break
            on_start(planned)
            done.append(execute(workspace, planned))
    return done


def execute(workspace: Workspace, planned: PlannedRun) -> DoneRun:
    """One Dagster run over the stale assets of a job."""
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(workspace))
    import dagster as dg

    from assets.partitions import week_key
    from orchestration.build import build_defs
    from orchestration.processes import close_dead_runs

    job = build_defs(workspace).resolve_job_def(planned.job)
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            partition_key=week_key(planned.as_of) if planned.as_of else None,
            tags=tags_of(planned),
            run_config={"loggers": {"terminal": {}}},
            asset_selection=[dg.AssetKey(key) for key in planned.assets],
        )
        return DoneRun(planned, result.run_id, _failures(result.filter_events(lambda event: event.is_failure)))


def tags_of(planned: PlannedRun) -> dict[str, str]:
    """What a run says of itself: why it runs, and its days."""
    tags = {WHY_TAG: planned.why}
    if planned.first and planned.last:
        tags["dagster/asset_partition_range_start"] = planned.first.isoformat()
        tags["dagster/asset_partition_range_end"] = planned.last.isoformat()
    return tags


def _failures(events: Sequence[object]) -> tuple[str, ...]:
    """What failed, in the words of our own errors where there are any."""
    found = []
    for event in events:
        data = getattr(event, "step_failure_data", None) if getattr(event, "is_step_failure", False) else None
        if data is None:
            continue
        found.append(f"{event.step_key}: {_sentence(data)}")  # type: ignore[attr-defined]
    return tuple(found)


def _sentence(data: Any) -> str:
    described = data.user_failure_data.description if data.user_failure_data else None
    if described or data.error is None:
        return described or "failed"
    # Dagster wraps what was not foreseen; neither its words nor the module of a class help a person on call.
    error = data.error
    while error.cause:
        error = error.cause
    return re.sub(r"^[\w.]*\.(?=\w+: )", "", " ".join(error.message.split()))
