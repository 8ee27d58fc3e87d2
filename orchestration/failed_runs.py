"""Runs that failed, as the Dagster instance knows them, in our own words; grouped by job."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from governance.errors import InputError, NotReady, OnlineMismatch, PartialFailure, ReleaseRefused
from governance.oncall.reported import FailedRun
from orchestration.jobs import DAILY, DECISIONS, ONLINE, RELEASE, WEEKLY
from orchestration.runs import failures_of

WILL_RETRY = "dagster/will_retry"
"""Tag of a failed run that Dagster starts again by itself."""

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_RUNS_OF_A_JOB = 20
_RECENT_RUNS = 100


def failed_runs(instance: dg.DagsterInstance, *, also: Iterable[str] = ()) -> list[FailedRun]:
    """Jobs whose newest run failed: the project's own, those that ran lately, and `also` these."""
    recent = instance.get_run_records(filters=dg.RunsFilter(statuses=_ENDED), limit=_RECENT_RUNS)
    names = {DAILY, WEEKLY, RELEASE, ONLINE, DECISIONS, *also, *(record.dagster_run.job_name for record in recent)}
    return [found for name in sorted(names) if (found := failed_job(instance, name))]


def failed_job(instance: dg.DagsterInstance, job: str) -> FailedRun | None:
    """The failure that a job ends with now; None where its newest run went well, or will be tried again by itself."""
    records = instance.get_run_records(filters=dg.RunsFilter(job_name=job, statuses=_ENDED), limit=_RUNS_OF_A_JOB)
    failed = list(_newest_failures(records))
    if not failed or failed[0].dagster_run.tags.get(WILL_RETRY) == "true":
        return None
    run = failed[0].dagster_run
    events = _failure_events(instance, run.run_id)
    return FailedRun(
        job=job,
        run_id=run.run_id,
        since=_ended(failed[-1]),
        times=len(failed),
        failures=failures_of(events),
        retry_helps=_retry_helps(events),
        why_started=run.tags.get("governance/why"),
    )


def _newest_failures(records: Sequence[dg.RunRecord]) -> Iterator[dg.RunRecord]:
    for record in records:
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            return
        yield record


def _ended(record: dg.RunRecord) -> datetime:
    seconds = record.end_time or record.create_timestamp.timestamp()
    return datetime.fromtimestamp(seconds, UTC)


def _failure_events(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return [entry.dagster_event for entry in entries if entry.dagster_event]


def _retry_helps(events: Sequence[dg.DagsterEvent]) -> bool:
    """Whether nothing failed that stays as it is until somebody mends it; a process that was killed left no failure."""
    return not any(_causes(event.step_failure_data.error) & _LASTING for event in events)


def _causes(error: Any) -> set[str]:
    """Names of the classes of an error and of what led to it."""
    names = set()
    while error:
        names.add(str(error.cls_name))
        error = error.cause
    return names


def _family(kind: type[Exception]) -> set[str]:
    return {kind.__name__, *(name for child in kind.__subclasses__() for name in _family(child))}


_LASTING = {
    name for kind in (InputError, NotReady, OnlineMismatch, PartialFailure, ReleaseRefused) for name in _family(kind)
} | {"DagsterAssetCheckFailedError"}
