"""A Feast online store on SQLite with one row per entity: features, event time and created time together.

Only Feast loads this module, by the name in the environment's YAML. Feast's own SQLite store keeps one row per
feature (1.2 million rows for 20,000 entities of 61 features, written in 9 to 11 s), truncates event times to the
second, reads them in the time zone of the process, and gives up on a lock after 5 s.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any, Literal

import polars as pl
from feast import Entity, FeatureView, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_table_id
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import RepeatedValue, Value
from feast.repo_config import FeastConfigBaseModel

from feature_repo.asof import CREATED, EVENT_TIME, UTC_MICROSECONDS
from feature_repo.encoding import encoded_keys, encoded_values, key_values, utc_microseconds_of
from feature_repo.online_store import ColumnOnlineStore, current_layout, join_key_of, layout_of
from governance.contracts.epoch import moment_of

LOCK_TIMEOUT_SECONDS = 120.0
_LAYOUTS = "CREATE TABLE IF NOT EXISTS layouts (layout TEXT PRIMARY KEY, names TEXT NOT NULL)"

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
Packed = tuple[bytes, int, int | None, str, bytes, int | None]


class EntitySqliteOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Configuration: the database file, made when the catalogue is applied."""

    type: Literal["feature_repo.sqlite_online_store.EntitySqliteOnlineStore"] = (
        "feature_repo.sqlite_online_store.EntitySqliteOnlineStore"
    )
    path: str


class EntitySqliteOnlineStore(OnlineStore, ColumnOnlineStore):  # type: ignore[misc]
    """One table per feature view. Each call has its own connection, so threads and processes may share the file."""

    def write_columns(self, config: RepoConfig, view: FeatureView, rows: pl.DataFrame) -> None:
        """Write a batch in one transaction."""
        columns = [
            encoded_values(rows[field.name], field.dtype.to_value_type(), pack=_element) for field in view.features
        ]
        packed = zip(
            encoded_keys(join_key_of(view), rows[join_key_of(view)]),
            rows[EVENT_TIME].to_physical().to_list(),
            rows[CREATED].to_physical().to_list(),
            repeat(current_layout(view), rows.height),
            map(b"".join, zip(*columns, strict=True)),
            rows["digest"].to_list(),
            strict=True,
        )
        _write(config, view, packed, {tuple(field.name for field in view.features): current_layout(view)})

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Callable[[int], Any] | None
    ) -> None:
        """Write rows in one transaction; a row replaces whatever its entity had."""
        layouts: dict[tuple[str, ...], str] = {}
        _write(config, table, _packed(config, table, data, layouts), layouts)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, Value] | None]]:
        """The event time and features of each entity, in order; a pair of Nones where an entity has no row."""
        select = (
            f"SELECT event_time, features, names FROM {table_name(config, table)} JOIN layouts USING (layout) "  # noqa: S608
            "WHERE entity_key = ?"
        )
        with closing(_connect(config)) as database:
            found = [database.execute(select, (_packed_key(config, key),)).fetchone() for key in entity_keys]
        return [(None, None) if row is None else _unpacked(row, requested_features) for row in found]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],  # noqa: ARG002 - Feast passes them; only views have tables
        entities_to_keep: Sequence[Entity],  # noqa: ARG002
        partial: bool,  # noqa: ARG002
    ) -> None:
        """Make the tables of the views that stay and drop those of the views that go."""
        with closing(_connect(config)) as database:
            # Readers go on reading while a batch is written; the setting stays with the file.
            database.execute("PRAGMA journal_mode = WAL")
            with database:
                database.execute(_LAYOUTS)
                for view in tables_to_keep:
                    database.execute(
                        f"CREATE TABLE IF NOT EXISTS {table_name(config, view)} (entity_key BLOB PRIMARY KEY, "
                        "event_time INTEGER NOT NULL, created INTEGER, layout TEXT NOT NULL, features BLOB NOT NULL, "
                        "digest INTEGER)"
                    )
                for view in tables_to_delete:
                    database.execute(f"DROP TABLE IF EXISTS {table_name(config, view)}")

    def stored_rows(self, config: RepoConfig, view: FeatureView) -> pl.DataFrame:
        """What is online for a view, without the features."""
        with closing(_connect(config)) as database:
            select = f"SELECT entity_key, event_time, created, layout, digest FROM {table_name(config, view)}"  # noqa: S608
            rows = database.execute(select).fetchall()
        schema = {"entity_key": pl.Binary} | dict.fromkeys((EVENT_TIME, CREATED), pl.Int64)
        frame = pl.DataFrame(rows, schema=schema | {"layout": pl.String, "digest": pl.Int64}, orient="row")
        key = join_key_of(view)
        values = pl.Series(key, key_values(key, [row[0] for row in rows]), pl.Binary)
        return frame.with_columns(pl.col(EVENT_TIME, CREATED).cast(UTC_MICROSECONDS), values.cast(pl.String))

    def delete_rows(self, config: RepoConfig, view: FeatureView, entity_keys: Iterable[bytes]) -> None:
        """Remove rows of a view in one transaction."""
        with closing(_connect(config)) as database, database:
            delete = f"DELETE FROM {table_name(config, view)} WHERE entity_key = ?"  # noqa: S608
            database.executemany(delete, ((key,) for key in entity_keys))

    def count_rows(self, config: RepoConfig, view: FeatureView) -> int:
        """How many entities are online for a view."""
        with closing(_connect(config)) as database:
            count: int = database.execute(f"SELECT count(*) FROM {table_name(config, view)}").fetchone()[0]  # noqa: S608
        return count

    def teardown(
        self,
        config: RepoConfig,
        tables: Sequence[FeatureView],  # noqa: ARG002 - the file holds them all
        entities: Sequence[Entity],  # noqa: ARG002
    ) -> None:
        """Remove the database."""
        for suffix in ("", "-wal", "-shm"):
            Path(config.online_store.path + suffix).unlink(missing_ok=True)


def _connect(config: RepoConfig) -> sqlite3.Connection:
    database = sqlite3.connect(config.online_store.path, timeout=LOCK_TIMEOUT_SECONDS)
    # With a write-ahead log this is safe against the death of the process, and waits for the disk less often.
    database.execute("PRAGMA synchronous = NORMAL")
    return database


def table_name(config: RepoConfig, view: FeatureView) -> str:
    """The table of a view, quoted."""
    name: str = compute_table_id(config.project, view, config.registry.enable_online_feature_view_versioning)
    return '"' + name.replace('"', '""') + '"'


def _write(
    config: RepoConfig, view: FeatureView, rows: Iterable[Packed], layouts: Mapping[tuple[str, ...], str]
) -> None:
    """Write rows in one transaction, then the names that `layouts` holds for them by then."""
    upsert = (
        f"INSERT INTO {table_name(config, view)} VALUES (?, ?, ?, ?, ?, ?) "  # noqa: S608
        "ON CONFLICT (entity_key) DO UPDATE SET event_time = excluded.event_time, created = excluded.created, "
        "layout = excluded.layout, features = excluded.features, digest = excluded.digest"
    )
    with closing(_connect(config)) as database, database:
        database.executemany(upsert, rows)
        database.executemany(
            "INSERT OR IGNORE INTO layouts VALUES (?, ?)",
            [(layout, json.dumps(names)) for names, layout in layouts.items()],
        )


def _packed(
    config: RepoConfig, view: FeatureView, data: Iterable[Row], layouts: dict[tuple[str, ...], str]
) -> Iterator[Packed]:
    for key, values, event_time, created in data:
        names = tuple(values)
        if names not in layouts:
            layouts[names] = layout_of(view, names)
        features: bytes = RepeatedValue(val=values.values()).SerializeToString()
        times = utc_microseconds_of(event_time), None if created is None else utc_microseconds_of(created)
        yield _packed_key(config, key), *times, layouts[names], features, None


def _element(value: Value) -> bytes:
    """A value as an element of a `RepeatedValue`: elements one after the other are the whole message."""
    packed: bytes = RepeatedValue(val=[value]).SerializeToString()
    return packed


def _unpacked(row: tuple[int, bytes, str], wanted: Sequence[str] | None) -> tuple[datetime, dict[str, Value]]:
    event_time, features, names = row
    values = dict(zip(json.loads(names), RepeatedValue.FromString(features).val, strict=True))
    if wanted is not None:
        values = {name: values[name] for name in wanted if name in values}
    return moment_of(event_time), values


def _packed_key(config: RepoConfig, key: EntityKey) -> bytes:
    version = config.entity_key_serialization_version
    packed: bytes = serialize_entity_key(key, entity_key_serialization_version=version)
    return packed
