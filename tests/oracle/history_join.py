"""The point-in-time join over a lake without Feast: fast, and easy to spoil on purpose."""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from feature_repo.asof import CREATED, EVENT_TIME, History, asof_join
from governance.features.view import View
from governance.models.training_set import PointInTimeJoin
from governance.storage.lake import Lake


def history_join(lake: Lake, *, shown_early: timedelta = timedelta(0)) -> PointInTimeJoin:
    """The point-in-time join without Feast; `shown_early` plants a leak: rows stamped earlier than they are valid."""

    def join(rows: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
        for view in views:
            stored = pl.scan_parquet(lake.paths(view.dataset), hive_partitioning=False)
            stamped = stored.with_columns(pl.col("event_timestamp") - shown_early)
            renamed = stamped.rename({"event_timestamp": EVENT_TIME, "created": CREATED})
            history = History(rows=renamed, keys=(view.key,), features=view.feature_names)
            found = asof_join(rows, history, time="decided_at")
            rows = rows.hstack(found.rename({EVENT_TIME: f"feature_time:{view.name}"}))
        return rows

    return join
