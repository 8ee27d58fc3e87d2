"""Feature views in the online store: the newest row of every key, counted after writing."""

from datetime import date

import dagster as dg

from assets import columns
from assets.failures import as_failures
from assets.families import Family
from assets.feast_store import feature_store, joiner, offline_only
from assets.owners import Owner
from assets.progress import timed
from feature_repo.online import OnlineReport, clear_view, materialize_view
from feature_repo.online_state import last_online, online_fingerprint, remember_online, scores_fingerprint
from governance.contracts.calendar import valid_at
from governance.errors import NotReady
from governance.features.view import View
from governance.models.scores import ScoreTable
from governance.retraining import write_scores
from governance.workspace import Workspace


def build_online_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """One asset for each view that a model reads online, and one for each model's scores of entities that persist."""
    hidden = offline_only(workspace)
    views = [_online(view) for view in workspace.views.values() if view.name not in hidden]
    return [*views, *(_scores(table) for table in workspace.score_tables.values())]


def _online(view: View) -> dg.AssetsDefinition:
    @dg.asset(
        key=["online", view.name],
        group_name="online",
        kinds={"feast", "sqlite"},
        owners=[Owner.PLATFORM.value],
        description=(
            f"The newest {view.name} features, readable in milliseconds through Feast. After writing, the keys online "
            "are compared with the keys offline; the asset fails where they differ."
        ),
        deps=[["features", view.name]],
        pool=Family.ONLINE.value,
    )
    def online(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        with as_failures(), timed(context, workspace.durations):
            last = _newest_day(workspace, view)
            made_from = online_fingerprint(workspace, view) or ""
            report = materialize_view(feature_store(workspace), view, now=valid_at(last))
            remember_online(workspace, view, report, made_from=made_from)
        context.log.info(f"online/{view.name}: {report.online_rows} keys online, {report.rows_written} written")
        return dg.MaterializeResult(metadata=_metadata(report))

    return online


def _scores(table: ScoreTable) -> dg.AssetsDefinition:
    name = table.model.name

    @dg.asset(
        key=["models", name, "scores"],
        group_name="online",
        kinds={"lightgbm", "feast", "sqlite"},
        owners=[Owner.of(table.model.spec.owner).value],
        description=(
            f"{table.meaning}: probability, whether to act, three reason codes. Scored with the newest features and "
            "put online through Feast, so that a service reads it without calling a model. Taken away when "
            "no champion serves."
        ),
        metadata={"dagster/column_schema": columns.of_view(table)},
        deps=[["models", name, "champion"], ["features", table.view.name]],
        pool=Family.ONLINE.value,
    )
    def scores(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        with as_failures(), timed(context, workspace.durations):
            day = _newest_day(workspace, table.view)
            # Before the champion is read: one that is promoted meanwhile makes these scores stale.
            made_from = scores_fingerprint(workspace, table) or ""
            if workspace.registry.pointer(name) is None and last_online(workspace, table):
                figures, report = {}, clear_view(feature_store(workspace), table, now=valid_at(day))
                context.log.warning(f"models/{name}/scores: nothing serves, {report.rows_removed} were taken away")
            else:
                rows = write_scores(workspace, table, day, join=joiner(workspace))
                figures = {"scored": rows.height, "to_act_on": int(rows[f"{table.name}_act"].sum())}
                report = materialize_view(feature_store(workspace), table, now=valid_at(day))
            remember_online(workspace, table, report, made_from=made_from)
        context.log.info(f"models/{name}/scores: {report.online_rows} online, {figures.get('to_act_on', 0)} to act on")
        return dg.MaterializeResult(metadata={**figures, **_metadata(report)})

    return scores


def _newest_day(workspace: Workspace, view: View) -> date:
    days = workspace.lake.days(view.dataset)
    if not days:
        raise NotReady(f"{view.dataset} has no day yet, so nothing can be put online; build it first: govern run")
    return days[-1]


def _metadata(report: OnlineReport) -> dict[str, int | str]:
    return {
        "online_rows": report.online_rows,
        "expected_rows": report.expected_rows,
        "rows_written": report.rows_written,
        "newest_event_time": report.newest_event_time.isoformat(),
    }
