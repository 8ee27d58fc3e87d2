"""Lands decisions by itself: asks for the days that are over, or quiet, and to which something was appended."""

import json
from datetime import UTC, datetime

import dagster as dg

from governance.decisions import landed
from governance.workspace import Workspace
from orchestration.jobs import DECISIONS

_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def build_decision_sensor(workspace: Workspace) -> dg.SensorDefinition:
    """The sensor that lands what the scoring service decided, day by day, and has it checked."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        seen: dict[str, list[int]] = json.loads(context.cursor or "{}")
        marks = {day: [mark.rows, mark.newest] for day, mark in workspace.decisions.days().items()}
        cursor = json.dumps({day.isoformat(): mark for day, mark in marks.items()})
        if not marks:
            return dg.SkipReason("the scoring service has not decided anything yet")
        today = datetime.now(UTC).date()
        # A day of the wall clock ends by itself; one of a simulated world when nothing was added since the last look.
        over = [
            day
            for day, mark in marks.items()
            if (day < today if workspace.marketplace.clock == "wall" else seen.get(day.isoformat()) == mark)
        ]
        stale = landed.stale_days(workspace.lake, workspace.decisions, over)
        if not stale:
            return dg.SensorResult(skip_reason="every day that is over has landed", cursor=cursor)
        plan = json.dumps([[day.isoformat(), *marks[day]] for day in stale])
        tags = {_FIRST: stale[0].isoformat(), _LAST: stale[-1].isoformat()}
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=plan, tags=tags)], cursor=cursor)

    return dg.SensorDefinition(
        name="decisions",
        evaluation_fn=tick,
        job_name=DECISIONS,
        minimum_interval_seconds=workspace.marketplace.pace.look_every_seconds,
        description="Lands what the scoring service decided, compares what it served with history, measures the rules.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
