"""The marketplace's tables as they landed: one asset a table, one partition a day of knowledge."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from assets import columns
from assets.failures import as_failures
from assets.families import Family
from assets.owners import Owner
from assets.partitions import days_of
from assets.progress import DayProgress, stamp
from governance.automation.deliveries import forget_refusal, mark_of, remember_refusal
from governance.contracts.tables import TABLES
from governance.errors import PartialFailure
from governance.marketplaces.landing import LandingReport, land, stale_days
from governance.storage.lake import Lake
from governance.workspace import Workspace


def build_landing_assets(workspace: Workspace, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset for each table that the marketplace delivers."""
    return [_raw(name, days) for name in workspace.marketplace.tables]


def _raw(name: str, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    table = TABLES[name]

    @dg.asset(
        key=["raw", name],
        group_name="landing",
        kinds={"parquet", "polars"},
        owners=[Owner.PLATFORM.value],
        description=f"One row is {table.row}. A partition holds what became known on that UTC day.",
        metadata={"dagster/column_schema": columns.of_table(table)},
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DAYS.value,
    )
    def raw(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        wanted, lake, keyed_hash = days_of(context), workspace.lake, workspace.keyed_hash
        with as_failures(), workspace.source() as source:
            todo = stale_days(lake, source, name, wanted, key_id=keyed_hash.key_id)
            marks = {day: mark_of(source, name, day) for day in todo}
            with DayProgress(context, todo, durations=workspace.durations) as progress:
                report = land(
                    lake,
                    workspace.marketplace,
                    source,
                    name,
                    todo,
                    now=datetime.now(UTC),
                    keyed_hash=keyed_hash,
                    on_day=progress.done,
                )
            doing = set(todo)
            stamp(context, lake, f"raw/{name}", [day for day in wanted if day not in doing])
            _remember(lake, report, marks)
            _describe(context, workspace, report)
        return dg.MaterializeResult()

    return raw


def _remember(lake: Lake, report: LandingReport, marks: Mapping[date, str]) -> None:
    """Keep what was refused with its reason, so that it is not tried again until it is delivered again."""
    for day, reason in report.failures.items():
        remember_refusal(lake, report.table, day, mark=marks[day], reason=reason)
    for landed in report.landed:
        forget_refusal(lake, report.table, landed.day)


def _describe(context: dg.AssetExecutionContext, workspace: Workspace, report: LandingReport) -> None:
    """Stamp what became of each day on its partition; name the days that failed."""
    for day in report.landed:
        manifest = workspace.lake.manifest(f"raw/{report.table}", day.day)
        facts: dict[str, Any] = {"rows": day.rows, "quarantined": day.quarantined, "collapsed": day.collapsed}
        if manifest:
            facts |= {"digest": manifest.digest}
        if day.reasons:
            facts |= {"reasons": dg.MetadataValue.json(day.reasons)}
        context.add_asset_metadata(facts, partition_key=day.day.isoformat())
    excluded = {one.what: f"{one.count} ({one.why})" for one in report.exclusions}
    if excluded:
        context.log.info(f"raw/{report.table} leaves out: {excluded}")
    if report.failures:
        raise PartialFailure(f"raw/{report.table}", {day.isoformat(): why for day, why in report.failures.items()})
