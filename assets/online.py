"""Feature views in the online store: the newest row of every key, counted after writing."""

import dagster as dg

from assets.failures import as_failures
from assets.feast_store import feature_store, offline_only
from assets.owners import Owner
from feature_repo.online import materialize_view
from feature_repo.online_state import remember_online
from governance.contracts.calendar import valid_at
from governance.features.view import View
from governance.workspace import Workspace


def build_online_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """One asset for each view that a model reads online."""
    hidden = offline_only(workspace)
    return [_online(view) for view in workspace.views.values() if view.name not in hidden]


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
        # Feast loses intervals when one view is materialized twice at a time.
        pool=f"online_{view.name}",
    )
    def online(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        last = workspace.lake.days(view.dataset)[-1]
        with as_failures():
            report = materialize_view(feature_store(workspace), view, now=valid_at(last))
            remember_online(workspace, view, report)
        context.log.info(f"online/{view.name}: {report.online_rows} keys online, {report.rows_written} written")
        return dg.MaterializeResult(
            metadata={
                "online_rows": report.online_rows,
                "expected_rows": report.expected_rows,
                "rows_written": report.rows_written,
                "newest_event_time": report.newest_event_time.isoformat(),
            }
        )

    return online
