"""Asking for a run: who may ask now, and what a run that was asked for says of itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from assets.partitions import week_key
from governance.workspace import Workspace
from orchestration.exclusion import claimed, main_job_holder
from orchestration.jobs import DAILY, RELEASE, WEEKLY
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
_BUSY = {DAILY: (DAILY,), WEEKLY: (DAILY, WEEKLY, RELEASE), RELEASE: (RELEASE,)}
"""Runs that end before a reaction of a job looks: they change what it would see."""


def answer(
    instance: dg.DagsterInstance, workspace: Workspace, reaction: Reaction, *, asks: str, job: str, now: datetime
) -> Answer:
    """What a reaction says now, unless somebody is at it: `govern run`, an unfinished run, or another that asks.

    Between an answer and its run, which the daemon creates, seconds pass. Meanwhile the same plan is refused to others.
    """
    if by_hand := main_job_holder(workspace):
        return Quiet(f"{by_hand} plans its own runs")
    for each in _BUSY[job]:
        if under_way := instance.get_runs(dg.RunsFilter(job_name=each, statuses=_UNFINISHED), limit=1):
            return Quiet(f"{each} run {under_way[0].run_id[:8]} is {under_way[0].status.value.lower()}")
        if lost := _about_to_be_retried(instance, each, now):
            return Quiet(f"{each} run {lost} was lost, and Dagster is about to do it again")
    if not workspace.source_root.is_dir() or workspace.last_delivered_day() is None:
        return Quiet(f"nothing has been delivered into {workspace.source_root} yet")
    found = reaction(Look(workspace, now, lambda plan: _tried(instance, plan)))
    if isinstance(found, Request) and (other := claimed(workspace, found.plan, who=asks, now=now)):
        return Quiet(f"{other} is asking for just that: {found.planned.why}")
    return found


def request_of(found: Request, *, asks: str) -> dg.RunRequest:
    """The run that Dagster should start."""
    planned = found.planned
    return dg.RunRequest(
        run_key=found.answers or found.plan,
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


def _about_to_be_retried(instance: dg.DagsterInstance, job: str, now: datetime) -> str | None:
    """The run of a job that was lost just now and whose retry was not started yet: both would do the same."""
    failed = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - _RETRY_WITHIN)
    for run in instance.get_runs(failed):
        waits = run.tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in run.tags
        if waits and PLAN_TAG in run.tags:
            return run.run_id[:8]
    return None


def _tried(instance: dg.DagsterInstance, plan: str) -> bool:
    return bool(instance.get_runs(dg.RunsFilter(tags={PLAN_TAG: plan}), limit=1))
