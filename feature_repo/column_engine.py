"""Feast's materialization by columns: the latest rows go from the offline store to the online store as one frame.

Only Feast loads this module, by the name in the environment's YAML.
"""

from typing import Any, Literal

import polars as pl
from feast.infra.common.materialization_job import MaterializationJob, MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine, LocalComputeEngineConfig
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.registry.base_registry import BaseRegistry

from feature_repo.asof import CREATED, EVENT_TIME, UTC_MICROSECONDS
from feature_repo.online_store import ColumnOnlineStore, join_key_of, row_digests
from governance.errors import ConfigurationError

ROWS_AT_ONCE = 10_000


class ColumnEngineConfig(LocalComputeEngineConfig):  # type: ignore[misc]
    """Configuration of the engine; it has no settings of its own."""

    type: Literal["feature_repo.column_engine.ColumnEngine"] = "feature_repo.column_engine.ColumnEngine"


class ColumnEngine(LocalComputeEngine):  # type: ignore[misc]
    """Feast's local engine whose materialization never takes rows apart; everything else is Feast's."""

    def materialize(
        self,
        registry: BaseRegistry,  # noqa: ARG002 - Feast passes it; our views need no other
        tasks: MaterializationTask | list[MaterializationTask],
        **_: Any,
    ) -> list[MaterializationJob]:
        """Put the latest row of each key and window online, in batches of the configured size."""
        jobs = []
        for task in tasks if isinstance(tasks, list) else [tasks]:
            self._put_online(task)
            job_id = f"{task.feature_view.name}-{task.start_time}-{task.end_time}"
            jobs.append(LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.SUCCEEDED))
        return jobs

    def _put_online(self, task: MaterializationTask) -> None:
        if not isinstance(self.online_store, ColumnOnlineStore):
            kind = type(self.online_store).__name__
            raise ConfigurationError(
                f"{kind} takes no columns: name an online store of feature_repo, or another engine"
            )
        rows = self._latest_rows(task)
        at_once = self.repo_config.materialization_config.online_write_batch_size or ROWS_AT_ONCE
        for batch in rows.iter_slices(at_once):
            self.online_store.write_columns(self.repo_config, task.feature_view, batch)

    def _latest_rows(self, task: MaterializationTask) -> pl.DataFrame:
        view = task.feature_view
        source, features = view.batch_source, [field.name for field in view.features]
        job = self.offline_store.pull_latest_from_table_or_query(
            self.repo_config,
            source,
            [join_key_of(view)],
            features,
            source.timestamp_field,
            source.created_timestamp_column,
            task.start_time,
            task.end_time,
        )
        rows = pl.DataFrame(job.to_arrow())
        created = source.created_timestamp_column
        return rows.select(
            join_key_of(view),
            *features,
            pl.col(source.timestamp_field).cast(UTC_MICROSECONDS).alias(EVENT_TIME),
            (pl.col(created) if created else pl.lit(None)).cast(UTC_MICROSECONDS).alias(CREATED),
            row_digests(rows, features),
        )
