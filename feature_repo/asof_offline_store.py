"""Feast's DuckDB offline store with its reads done in Polars: the point-in-time join is an ASOF join.

Only Feast loads this module, by the name in the environment's YAML. Stock `duckdb` joins every entity row
with every history row and shares one connection between threads; here each read stands alone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import FileSource, OnDemandFeatureView, RepoConfig
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.errors import EntityTimestampInferenceException, SavedDatasetLocationAlreadyExists
from feast.feature_view import FeatureView
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.saved_dataset import SavedDatasetStorage

from feature_repo.asof import CREATED, EVENT_TIME, History, asof_join, latest_rows, utc_microseconds
from governance.errors import ConfigurationError, InputError, StoreError

FEATURE_TIME = "feature_time:"


class AsofOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]
    """Configuration of the ASOF offline store; it has no settings of its own."""

    type: Literal["feature_repo.asof_offline_store.AsofOfflineStore"] = (
        "feature_repo.asof_offline_store.AsofOfflineStore"
    )


class PolarsRetrievalJob(RetrievalJob):  # type: ignore[misc]
    """A read that runs once, when its result is first asked for; Feast applies on-demand views to its Arrow table."""

    def __init__(
        self,
        read: Callable[[], pl.DataFrame],
        *,
        metadata: RetrievalMetadata | None = None,
        on_demand: Sequence[OnDemandFeatureView] = (),
        full_feature_names: bool = False,
    ) -> None:
        super().__init__()
        self._read = read
        self._metadata = metadata
        self._on_demand = list(on_demand)
        self._full_feature_names = full_feature_names

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return self._read()

    @property
    def feature_times(self) -> pl.DataFrame:
        """One column `feature_time:<view>` per view: when the values joined to each row became valid, else null."""
        return self._frame.select(pl.selectors.starts_with(FEATURE_TIME))

    @property
    def full_feature_names(self) -> bool:
        """Whether features leave as `view__feature`."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """The on-demand views that Feast applies to the result."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """What was asked for."""
        return self._metadata

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:
        """Write the result to a Parquet file."""
        path = Path(storage.to_data_source().path)
        if path.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=str(path))
        pl.DataFrame(self.to_arrow(timeout=timeout)).write_parquet(path)

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002 - Feast passes it
        return self._frame.drop(pl.selectors.starts_with(FEATURE_TIME)).to_arrow(compat_level=pl.CompatLevel.oldest())

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()


class AsofOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]
    """Parquet files and hive folders, read by Polars; what is not a read is Feast's DuckDB store."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | pl.DataFrame | pa.Table,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,  # noqa: ARG004 - Feast passes a range where there are no entity rows
        end_date: datetime | None = None,  # noqa: ARG004
    ) -> PolarsRetrievalJob:
        """Join the views to the entity rows as of their timestamps; rows keep their number and order.

        Raises
        ------
        InputError
            The entity rows are not a frame, lack a key, or already hold a column of a feature's name.
        StoreError
            A view's source has no files.
        """
        entities = _entity_frame(entity_df)
        time = _event_time_column(entities)
        entities = entities.with_columns(_utc_times(entities[time]))

        def read() -> pl.DataFrame:
            joined = entities
            for view in feature_views:
                history = _history(config, view, feature_refs, full_feature_names=full_feature_names)
                _refuse_clashes(joined, history, view)
                found = asof_join(joined, history, time=time, known_by_then=filter_by_created_timestamp)
                joined = joined.hstack(found.rename({EVENT_TIME: FEATURE_TIME + view.projection.name_to_use()}))
            return joined

        return PolarsRetrievalJob(
            read,
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[name for name in entities.columns if name != time],
                min_event_timestamp=entities[time].min(),
                max_event_timestamp=entities[time].max(),
            ),
            on_demand=OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry),
            full_feature_names=full_feature_names,
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> PolarsRetrievalJob:
        """The latest row of each key with an event time from `start_date` to `end_date`, both inclusive."""
        names = _time_names(timestamp_field, created_timestamp_column)
        rows = _scan(config, data_source, [*join_key_columns, *feature_name_columns], names)
        return PolarsRetrievalJob(
            lambda: latest_rows(rows, keys=join_key_columns, start=start_date, end=end_date).rename(
                {EVENT_TIME: timestamp_field, CREATED: created_timestamp_column or CREATED}, strict=False
            )
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> PolarsRetrievalJob:
        """Every row with an event time from `start_date` to `end_date`, both inclusive and both optional."""
        names = _time_names(timestamp_field, created_timestamp_column)
        rows = _scan(config, data_source, [*join_key_columns, *feature_name_columns], names)
        if start_date is not None:
            rows = rows.filter(pl.col(EVENT_TIME) >= start_date)
        if end_date is not None:
            rows = rows.filter(pl.col(EVENT_TIME) <= end_date)
        return PolarsRetrievalJob(lambda: rows.rename({ours: theirs for theirs, ours in names.items()}).collect())


def _entity_frame(entity_df: Any) -> pl.DataFrame:
    if isinstance(entity_df, pl.DataFrame):
        return entity_df
    if isinstance(entity_df, pa.Table):
        return pl.DataFrame(entity_df)
    if isinstance(entity_df, pd.DataFrame):
        return pl.from_pandas(entity_df)
    given = "SQL" if isinstance(entity_df, str) else type(entity_df).__name__
    raise InputError(
        f"the ASOF offline store joins frames of entity rows, not {given}: run the query and pass its rows"
    )


def _event_time_column(entities: pl.DataFrame) -> str:
    if "event_timestamp" in entities.columns:
        return "event_timestamp"
    times = [name for name, dtype in entities.schema.items() if isinstance(dtype, pl.Datetime)]
    if len(times) != 1:
        raise EntityTimestampInferenceException("event_timestamp")
    return times[0]


def _utc_times(times: pl.Series) -> pl.Series:
    if times.dtype == pl.String:
        return pl.Series(times.name, pd.to_datetime(times.to_list(), utc=True).as_unit("us"))
    return times.to_frame().select(utc_microseconds(times.name, times.dtype)).to_series()


def _history(
    config: RepoConfig, view: FeatureView, feature_refs: Sequence[str], *, full_feature_names: bool
) -> History:
    """The rows of a view under the names of the answer: keys as in the entity rows, features perhaps prefixed."""
    source, projection = view.batch_source, view.projection
    prefix = f"{projection.name_to_use()}:"
    features = [ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)]
    keys = projection.join_key_map or {field.name: field.name for field in view.entity_columns}
    label = f"{projection.name_alias or view.name}__" if full_feature_names else ""
    times = _time_names(source.timestamp_field, source.created_timestamp_column)
    rows = _scan(config, source, [*keys, *features], times, mapped=True)
    renamed = rows.select(
        *(pl.col(theirs).alias(asked) for theirs, asked in keys.items()),
        *times.values(),
        *(pl.col(name).alias(label + name) for name in features),
    )
    return History(
        rows=renamed,
        keys=tuple(keys.values()),
        features=tuple(label + name for name in features),
        ttl=view.ttl or None,
    )


def _refuse_clashes(joined: pl.DataFrame, history: History, view: FeatureView) -> None:
    missing = [key for key in history.keys if key not in joined.columns]
    if missing:
        raise InputError(f"entity rows lack {', '.join(missing)}, the key of feature view {view.name}")
    taken = [name for name in history.features if name in joined.columns]
    if taken:
        raise InputError(f"entity rows already hold {', '.join(taken)}: rename, or ask for full feature names")


def _time_names(timestamp_field: str, created_timestamp_column: str | None) -> dict[str, str]:
    names = {timestamp_field: EVENT_TIME}
    return names | {created_timestamp_column: CREATED} if created_timestamp_column else names


def _scan(
    config: RepoConfig, source: DataSource, columns: Sequence[str], times: dict[str, str], *, mapped: bool = False
) -> pl.LazyFrame:
    """The columns of a source, times as UTC microseconds; `mapped`: named as its field mapping leaves them."""
    rows = pl.scan_parquet(_files(config, source), hive_partitioning=False, glob=False)
    if mapped:
        rows = rows.rename(source.field_mapping, strict=False)
    schema = rows.collect_schema()
    absent = [name for name in [*columns, *times] if name not in schema]
    if absent:
        raise StoreError(f"{source.path} lacks {', '.join(absent)}: compute the view again, then apply the catalogue")
    return rows.select(*columns, *(utc_microseconds(name, schema[name]).alias(ours) for name, ours in times.items()))


def _files(config: RepoConfig, source: DataSource) -> list[str]:
    if not isinstance(source, FileSource) or not isinstance(source.file_format, ParquetFormat | None):
        raise ConfigurationError(f"{source.name}: the ASOF offline store reads Parquet file sources only")
    path = Path(FileSource.get_uri_for_file_path(config.repo_path, source.path))
    files = sorted(map(str, path.rglob("*.parquet"))) if path.is_dir() else [str(path)] * path.exists()
    if not files:
        raise StoreError(f"{path} holds no rows yet: compute the view before reading it")
    return files
