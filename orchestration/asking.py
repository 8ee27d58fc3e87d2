"""Asking for a run: who may ask now, and what a run that was asked for says of itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg

from assets.partitions import week_key
from governance.workspace import Workspace
from orchestration.exclusion import claimed, main_job_holder
from orchestration.jobs import DAILY, RELEASE, REPAIRS_OF_DAYS, WEEKLY
from orchestration.reactions.look import Answer, Look, Quiet, Request
from orchestration.runs import tags_of

PLAN_TAG = "governance/plan"
PRIORITY_TAG = "dagster/priority"
ASKS_TAG = "governance/asked_by"
PRIORITY = {"promotion": 20, "online": 15, "new_days": 10, "daily_ingest": 10, "changed_days": -5}
"""Of runs that wait for the same pool the greatest goes first; what people start has 0."""

_RETRY_WITHIN = timedelta(minutes=5)
"""Dagster looks every half a minute which lost runs to do again; after this time it will not any more."""

Reaction = Callable[[Look], Answer]
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_DAYS = (DAILY, *REPAIRS_OF_DAYS)
_BUSY = {DAILY: _DAYS, WEEKLY: (*_DAYS, WEEKLY, RELEASE), RELEASE: (RELEASE,)}
"""Runs that end before a reaction of a job looks: they change what it would see."""


def answer(
    instance: dg.DagsterInstance, workspace: Workspace, reaction: Reaction, *, asks: str, job: str, now: datetime
) -> Answer:
    """What a reaction says now, unless somebody is at it: `govern run`, an unfinished run, or another that asks.

    Between an answer and its run, which the daemon creates, seconds pass. Meanwhile the same plan is refused to others.
    """
    if by_hand := main_job_holder(workspace):
        return Quiet(f"{by_hand} plans its own runs")
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if run.job_name in _BUSY[job]:
            return Quiet(f"{run.job_name} run {run.run_id[:8]} is {run.status.value.lower()}")
    for run in _about_to_be_retried(instance, now):
        if run.job_name in _BUSY[job]:
            return Quiet(f"{run.job_name} run {run.run_id[:8]} was lost, and Dagster is about to do it again")
    if not workspace.source_root.is_dir() or workspace.last_delivered_day() is None:
        return Quiet(f"nothing has been delivered into {workspace.source_root} yet")
    found = reaction(Look(workspace, now, lambda plan: _tried(instance, plan)))
    if isinstance(found, Quiet):
        return found
    if other := claimed(workspace, found.plan, who=asks, now=now):
        return Quiet(f"{other} is asking for just that: {found.planned.why}")
    return replace(found, earlier=len(_runs_of(instance, found.plan)))


def request_of(found: Request, *, asks: str) -> dg.RunRequest:
    """The run that Dagster should start."""
    planned = found.planned
    return dg.RunRequest(
        # Dagster drops what it was asked for under the same key, however long ago.
        run_key=found.answers or (f"{found.plan} {found.earlier}" if found.earlier else found.plan),
        job_name=planned.job,
        asset_selection=[dg.AssetKey(key) for key in planned.assets],
        partition_key=week_key(planned.as_of) if planned.as_of else None,
        tags={
            **tags_of(planned),
            ASKS_TAG: asks,
            PLAN_TAG: found.plan,
            PRIORITY_TAG: str(PRIORITY.get(asks, 0)),
        },
    )


def _about_to_be_retried(instance: dg.DagsterInstance, now: datetime) -> Iterator[dg.DagsterRun]:
    """The runs that were lost just now and whose retry was not started yet: both would do the same."""
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - _RETRY_WITHIN)
    for run in instance.get_runs(failed):
        waits = run.tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in run.tags
        if waits and PLAN_TAG in run.tags:
            yield run


def _tried(instance: dg.DagsterInstance, plan: str) -> bool:
    """Whether asking for a plan again would bring nothing else: it did not succeed, or nothing was done since it did.

    One that succeeded is wanted again where another run has undone it: a day was dropped, restored, and dropped again.
    """
    runs = _runs_of(instance, plan)
    if not runs:
        return False
    newest = instance.get_runs(dg.RunsFilter(job_name=runs[0].job_name), limit=1)
    return newest[0].run_id == runs[0].run_id or any(run.status is not dg.DagsterRunStatus.SUCCESS for run in runs)


def _runs_of(instance: dg.DagsterInstance, plan: str) -> Sequence[dg.DagsterRun]:
    """The runs that were started for a plan, newest first."""
    return instance.get_runs(dg.RunsFilter(tags={PLAN_TAG: plan}))
