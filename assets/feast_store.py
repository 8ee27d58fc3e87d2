"""The feature store of a workspace: opened, brought to our definitions, and asked for features of the past."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from feature_repo.history import point_in_time
from feature_repo.store import apply, open_store
from governance.features.order_context import ORDER_CONTEXT
from governance.features.view import View
from governance.models.training_set import PointInTimeJoin
from governance.workspace import Workspace

if TYPE_CHECKING:
    from feast import FeatureStore


def feature_store(workspace: Workspace) -> "FeatureStore":
    """The store with exactly the views and models of this workspace in its catalogue."""
    scored = [table for table in workspace.score_tables.values() if workspace.lake.days(table.dataset)]
    store = open_store(workspace.root, environment=workspace.environment, connections=workspace.connections)
    apply(
        store,
        [*workspace.views.values(), *scored],
        [model.spec for model in workspace.models.present.values()],
        lake_root=workspace.lake.root,
        offline_only=offline_only(workspace),
        order_context=tuple(ORDER_CONTEXT.items()),
    )
    return store


def offline_only(workspace: Workspace) -> tuple[str, ...]:
    """Views that no model here reads: kept for analysis, not served."""
    read = {name for model in workspace.models.present.values() for name in model.spec.views}
    return tuple(name for name in workspace.views if name not in read)


def joiner(workspace: Workspace) -> PointInTimeJoin:
    """The point-in-time join of this workspace's feature store, in the form that training sets take it."""
    store = feature_store(workspace)

    def join(rows: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
        keys = list(dict.fromkeys(view.key for view in views))
        wanted = [f"{view.name}:{feature}" for view in views for feature in view.feature_names]
        found = point_in_time(store, wanted, rows.select("row_id", "decided_at", *keys))
        return rows.join(found, on="row_id", how="left", validate="1:1")

    return join
