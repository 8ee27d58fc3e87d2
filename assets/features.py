"""Feature views: what was true of each buyer, seller, product and category at every midnight."""

import dagster as dg

from assets import columns
from assets.daily import do_days
from assets.families import Family
from assets.owners import Owner
from governance.backfill.daily import features_of
from governance.features.view import View
from governance.workspace import Workspace


def build_feature_assets(workspace: Workspace, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset for each feature view."""
    return [_features(view, days) for view in workspace.views.values()]


def _features(view: View, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=["features", view.name],
        group_name="features",
        kinds={"duckdb", "parquet"},
        owners=[Owner.PLATFORM.value],
        description=(
            f"{view.meaning}. One row a {view.name} and day on which a value changed, valid from the landing "
            "that follows that UTC day; windows of 1, 7, 30, 90 days and lifetime."
        ),
        metadata={"dagster/column_schema": columns.of_view(view)},
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DAYS.value,
        code_version=view.code_version,
        deps=[dg.AssetKey(["raw", table]) for table in view.tables],
    )
    def features(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        return do_days(context, workspace, features_of(workspace, view))

    return features
