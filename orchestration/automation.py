"""What runs by itself: two schedules, the sensors and the conditions; each asks for what nobody else asks for.

Who decides. The manifests do: a partition remembers what it was made from, so that "stale" is a comparison of digests
(orchestration/plan.py, which `govern run` follows as well). Dagster's own record could not decide: one version stands
for all days of a range run, conditions over time partitions see the latest day only, and a check that failed yesterday
is forgotten today. So every reaction (orchestration/reactions) compares digests and names one run; here it is asked.

Who asks for what, so that nothing is asked for twice and nothing falls between two chairs:

| asks | for | why nobody else does |
|---|---|---|
| `new_days` | days later than all that landed, once whole | the schedule takes only days that are not whole |
| `daily_ingest` (schedule) | days that stay incomplete | until its hour they hold back the next ones |
| `changed_days` | unfinished days; then late and redelivered ones | yields to new days; one run, from the first on |
| `weekly_retraining` (schedule) | the newest whole week | changes of a trained week are a sensor's |
| `changed_week` | that week again when its rows changed, or overdue | waits until the schedule's hour is long past |
| `drift`, `matured_labels` | that week before its hour | only while untrained; labels yield to drift |
| `promotion` | what passed and is newer, by the registry | the asset itself asks the registry again |
| conditions of `online/*`, `scores` | what is behind the offline store | runs of days and weeks leave them out |

No storm: a run is asked for under the digest of exactly what it would do. Dagster drops a second request of one sensor
by its run key, and orchestration/asking.py that of another by the tag `governance/plan`. What failed is asked for
again only when something that it reads or replaces has changed, what succeeded when something else was done since; lost
runs are retried once, by Dagster. A file that was refused is remembered by its mark and not touched until it is
delivered again.

No gap: three days that arrive at once are one run of three days; a day that is missing holds back the next ones until
`daily_ingest` closes it; what came late is found by comparing, however late it is; a killed run leaves unfinished
days, and so another digest. The conditions remember the fingerprint that they have asked for: one that differs from
what is online is asked for whatever happened in between, and one that was asked for is not asked for again.

No double run: reactions answer only while no run of their kind is queued or under way and nobody does `govern run`.
What slips through waits in Dagster's queue or at a lock (orchestration/exclusion.py), and changes nothing any more.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.families import Family
from governance.workspace import Workspace
from orchestration.asking import ASKS_TAG, PRIORITY, PRIORITY_TAG, Reaction, answer, request_of
from orchestration.exclusion import main_job_holder, written_by
from orchestration.jobs import DAILY, RELEASE, WEEKLY
from orchestration.plan import online_run, should_be_online
from orchestration.processes import close_dead_runs
from orchestration.reactions import days, weeks
from orchestration.reactions.look import Quiet
from orchestration.runs import WHY_TAG


class Behind(dg.AutomationCondition[dg.AssetKey]):
    """True once for each state of the offline store that the online store is behind of."""

    def __init__(self, workspace: Workspace, key: tuple[str, ...]) -> None:
        self._workspace = workspace
        self._key = key

    @property
    def description(self) -> str:
        """What the UI shows beside it."""
        return "the online store is behind the offline store, and nobody has asked for just this yet"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Ask once for what should be online; the cursor keeps what was asked for."""
        wanted = self._wanted()
        if wanted is None or wanted == context.cursor or context.candidate_subset.is_empty:
            return dg.AutomationResult(context, context.get_empty_subset(), cursor=context.cursor)
        return dg.AutomationResult(context, context.candidate_subset, cursor=wanted)

    def _wanted(self) -> str | None:
        # Within a range run one view is done long before the next: they go online together, when the run has ended.
        if main_job_holder(self._workspace) or written_by(self._workspace, Family.DAYS):
            return None
        run = online_run(self._workspace)
        return should_be_online(self._workspace, self._key) if run and self._key in run.assets else None


def with_conditions(workspace: Workspace, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets, those of the online store with the condition under which they run by themselves."""
    return list(dg.map_asset_specs(lambda spec: _with_condition(workspace, spec), assets))


def build_automation(
    workspace: Workspace, assets: Sequence[dg.AssetsDefinition]
) -> tuple[list[dg.ScheduleDefinition], list[dg.SensorDefinition]]:
    """The schedules and sensors of a workspace, all running from the start."""
    conditional = [key for asset in assets for key in asset.keys if Family.of(key.path) is Family.ONLINE]
    conditions = dg.AutomationConditionSensorDefinition(
        "online_behind_offline",
        target=dg.AssetSelection.assets(*conditional),
        description="Brings the online store to the offline store wherever it is behind.",
        minimum_interval_seconds=workspace.marketplace.pace.look_every_seconds,
        run_tags={
            WHY_TAG: "the online store is behind",
            ASKS_TAG: "online_behind_offline",
            PRIORITY_TAG: str(PRIORITY["online"]),
        },
        default_status=dg.DefaultSensorStatus.RUNNING,
        # Its conditions are ours: only this code location can evaluate them.
        use_user_code_server=True,
    )
    return list(_schedules(workspace)), [*_sensors(workspace), *([conditions] if conditional else [])]


def _with_condition(workspace: Workspace, spec: dg.AssetSpec) -> dg.AssetSpec:
    if Family.of(spec.key.path) is not Family.ONLINE:
        return spec
    quiet = ~dg.AutomationCondition.in_progress() & ~dg.AutomationCondition.any_deps_in_progress()
    # Last: it remembers what it lets through, so that nothing behind it may say no.
    condition = (
        quiet & dg.AutomationCondition.all_deps_blocking_checks_passed() & Behind(workspace, tuple(spec.key.path))
    )
    return spec.replace_attributes(automation_condition=condition)


def _schedules(workspace: Workspace) -> Iterator[dg.ScheduleDefinition]:
    pace = workspace.marketplace.pace
    yield _schedule(
        workspace,
        "daily_ingest",
        pace.daily_at,
        lambda look: days.on_new_days(look, closing=True),
        DAILY,
        "Closes days that did not get whole: lands what was delivered of them, and names what was not.",
    )
    yield _schedule(
        workspace, "weekly_retraining", pace.weekly_at, weeks.on_week, WEEKLY, "Trains and judges the past week."
    )


def _sensors(workspace: Workspace) -> Iterator[dg.SensorDefinition]:
    yield _sensor(workspace, "new_days", days.on_new_days, DAILY, "Lands days that are whole, and builds on them.")
    yield _sensor(
        workspace,
        "changed_days",
        days.on_changed_days,
        DAILY,
        "Repairs history: late and redelivered days, and what was left unfinished. Asks a person where it is much.",
    )
    yield _sensor(
        workspace,
        "changed_week",
        weeks.on_changed_week,
        WEEKLY,
        "Trains the newest week again when its rows have changed; older weeks are a backfill's.",
    )
    yield _sensor(
        workspace,
        "matured_labels",
        weeks.on_matured_labels,
        WEEKLY,
        "Trains the newest week before its hour when enough labels have matured, or the first time enough for a model.",
    )
    yield _drift_sensor(workspace)
    yield _sensor(
        workspace,
        "promotion",
        weeks.on_passed_candidates,
        RELEASE,
        "Promotes the newest candidate with a passing verdict, as the registry has it.",
    )
    yield _lost_runs_sensor(workspace)


def _schedule(
    workspace: Workspace, name: str, cron: str, reaction: Reaction, job: str, says: str
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        cron_schedule=cron,
        job_name=job,
        execution_timezone="UTC",
        description=says,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        found = answer(context.instance, workspace, reaction, asks=name, job=job, now=_now())
        return dg.SkipReason(found.why) if isinstance(found, Quiet) else request_of(found, asks=name)

    return tick


def _sensor(workspace: Workspace, name: str, reaction: Reaction, job: str, says: str) -> dg.SensorDefinition:
    def tick(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        found = answer(context.instance, workspace, reaction, asks=name, job=job, now=_now())
        return dg.SkipReason(found.why) if isinstance(found, Quiet) else request_of(found, asks=name)

    return _defined(workspace, name, tick, says, job_name=job)


def _drift_sensor(workspace: Workspace) -> dg.SensorDefinition:
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        handled: dict[str, Any] = json.loads(context.cursor or "{}")
        now = _now()
        found = answer(
            context.instance, workspace, lambda look: weeks.on_drift(look, handled), asks="drift", job=WEEKLY, now=now
        )
        if isinstance(found, Quiet):
            return dg.SkipReason(found.why)
        model, digest = found.answers.split(":")
        handled[model] = {"digest": digest, "at": now.isoformat()}
        return dg.SensorResult(run_requests=[request_of(found, asks="drift")], cursor=json.dumps(handled))

    says = "Trains the newest week before its hour when the last drift report raised the alarm; each report once."
    return _defined(workspace, "drift", tick, says, job_name=WEEKLY)


def _lost_runs_sensor(workspace: Workspace) -> dg.SensorDefinition:
    def tick(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        closed = close_dead_runs(context.instance)
        return dg.SkipReason(f"closed {', '.join(closed)}" if closed else "every unfinished run has its process")

    says = "Reports runs as failed whose process was killed: Dagster would show them as started for ever."
    return _defined(workspace, "lost_runs", tick, says)


def _defined(
    workspace: Workspace, name: str, tick: Callable[..., Any], says: str, *, job_name: str | None = None
) -> dg.SensorDefinition:
    return dg.SensorDefinition(
        name=name,
        evaluation_fn=tick,
        job_name=job_name,
        minimum_interval_seconds=workspace.marketplace.pace.look_every_seconds,
        description=says,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )


def _now() -> datetime:
    return datetime.now(UTC)
