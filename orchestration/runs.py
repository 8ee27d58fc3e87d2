"""Carries out planned runs in this process, on the workspace's own Dagster instance."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.workspace import Workspace
from orchestration.environments import prepare_dagster_home
from orchestration.plan import PlannedRun, fall_back_run, next_run

WHY_TAG = "governance/why"
_RUNS_AT_MOST = 40


@dataclass(frozen=True, slots=True)
class DoneRun:
    """A run that ended: its id in the Dagster UI, the sentences of what failed in it, and whether it was stopped."""

    planned: PlannedRun
    run_id: str
    failures: tuple[str, ...]
    stopped: bool = False


def run_all(
    workspace: Workspace,
    *,
    weeks: int,
    on_start: Callable[[PlannedRun], None] = lambda _: None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> list[DoneRun]:
    """Run what is stale until everything is fresh or has failed once, in order, or somebody stops it.

    Of two that do so at the same time the second waits for the first, and then mostly finds nothing to do.
    """
    from orchestration.exclusion import main_job

    done: list[DoneRun] = []
    with main_job(workspace, doing="govern run", on_wait=on_wait):
        while len(done) < _RUNS_AT_MOST and not any(run.stopped for run in done):
            tried = [run.planned for run in done]
            expired = fall_back_run(workspace, at=datetime.now(UTC))
            planned = expired if expired not in tried else None
            planned = planned or next_run(workspace, weeks=weeks, done=tried)
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
        failed = result.filter_events(lambda event: event.is_step_failure)
        return DoneRun(planned, result.run_id, failures_of(failed), any(_was_stopped(event) for event in failed))


def execute_job(workspace: Workspace, job: str, *, op: str, config: Mapping[str, Any], why: str) -> DoneRun:
    """One Dagster run of a job that is no set of assets; `op` is the one that takes `config`."""
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(workspace))
    import dagster as dg

    from orchestration.build import build_defs

    definition = build_defs(workspace).resolve_job_def(job)
    with dg.DagsterInstance.get() as instance:
        result = definition.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={WHY_TAG: why},
            run_config={"ops": {op: {"config": dict(config)}}, "loggers": {"terminal": {}}},
        )
        failed = result.filter_events(lambda event: event.is_step_failure)
        stopped = any(_was_stopped(event) for event in failed)
        return DoneRun(PlannedRun(job=job, assets=(), why=why), result.run_id, failures_of(failed), stopped)


def tags_of(planned: PlannedRun) -> dict[str, str]:
    """What a run says of itself: why it runs, and its days."""
    from assets.daily import AGAIN_TAG

    tags = {WHY_TAG: planned.why}
    if planned.first and planned.last:
        tags["dagster/asset_partition_range_start"] = planned.first.isoformat()
        tags["dagster/asset_partition_range_end"] = planned.last.isoformat()
    if planned.again:
        tags[AGAIN_TAG] = "true"
    return tags


def failures_of(events: Sequence[Any]) -> tuple[str, ...]:
    """What failed, in the words of our own errors where there are any."""
    steps = [event for event in events if event.is_step_failure]
    said = ((event.step_key, "stopped by hand" if _was_stopped(event) else _sentence(event)) for event in steps)
    return tuple(f"{step}: {sentence}" for step, sentence in said)


def _was_stopped(event: Any) -> bool:
    """Whether a step ended by Ctrl-C, or because its run was terminated."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def _sentence(event: Any) -> str:
    data = event.step_failure_data
    described = data.user_failure_data.description if data.user_failure_data else None
    if described or data.error is None:
        return described or "failed"
    # Dagster wraps what was not foreseen; neither its words nor the module of a class help a person on call.
    error = data.error
    while error.cause:
        error = error.cause
    return re.sub(r"^[\w.]*\.(?=\w+: )", "", " ".join(error.message.split()))
