"""The body that assets made from landed rows share: of the run's days, those that are stale are done."""

from datetime import date

import dagster as dg

from assets.failures import as_failures
from assets.partitions import days_of
from assets.progress import DayProgress, stamp
from governance.backfill.daily import Daily
from governance.workspace import Workspace

AGAIN_TAG = "governance/again"
"""A run with this tag (`true`) does every day of its range, also those that are fresh."""


def do_days(
    context: dg.AssetExecutionContext, workspace: Workspace, work: Daily, *, of_deliveries: bool = True
) -> dg.MaterializeResult:
    """Do the stale days of this run, one partition or a range, and say of the others what stands.

    Days of which nothing has landed are left alone where the work is `of_deliveries`. Dagster asks for them: a backfill
    from the UI goes on to every partition that depends on the chosen ones, and labels mature weeks after the days that
    they are about.
    """
    newest = workspace.last_landed_day() if of_deliveries else date.max
    wanted = [day for day in days_of(context) if newest and day <= newest]
    with as_failures():
        todo = work.to_do(wanted, again=context.run.tags.get(AGAIN_TAG) == "true") if wanted else []
        if todo:
            with DayProgress(context, todo, durations=workspace.durations) as progress:
                work.do(todo, progress.written)
    doing = set(todo)
    stamp(context, workspace.lake, work.dataset, [day for day in wanted if day not in doing])
    name = context.asset_key.to_user_string()
    context.log.info(f"{name}: {len(todo)} of {len(wanted)} days were stale and are done, the others stand")
    return dg.MaterializeResult()
