"""Feast's Redis online store with a writer of whole columns, and word of where each row came from.

Only Feast loads this module, by the name in the environment's YAML. The layout is Feast's own, so that the SDK,
`feast serve` and every other reader of Feast's Redis find each value: a hash per entity, with a field for each feature
and `_ts:<view>` for the event time. We add `_origin:<view>`, which those readers do not ask for.
"""

import asyncio
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice, repeat
from typing import Any, Literal

import mmh3
import numpy as np
import polars as pl
from feast import FeatureView, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_versioned_name
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from redis.exceptions import RedisError

from feature_repo.asof import CREATED, EVENT_TIME, UTC_MICROSECONDS
from feature_repo.encoding import (
    decoded_times,
    encoded_keys,
    encoded_time,
    encoded_times,
    encoded_values,
    key_head,
    key_values,
    plain,
    utc_microseconds_of,
)
from feature_repo.online_store import LAYOUT_LENGTH, ColumnOnlineStore, current_layout, join_key_of, layout_of
from governance.errors import StoreError

COMMANDS_AT_ONCE = 1_000
"""In one pipeline. A larger one saves no time, and the garbage collector walks over all that it holds."""

_ORIGIN = np.dtype(
    [("known", "?"), ("created", "<i8"), ("proved", "?"), ("digest", "<i8"), ("layout", f"S{LAYOUT_LENGTH}")]
)
"""What `_origin:<view>` holds: whether there is a created time and which, the same of the digest, and the layout."""

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
Command = tuple[Any, ...]


class ColumnRedisOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]
    """Configuration: Feast's own; password and TLS stand in the connection string."""

    type: Literal["feature_repo.redis_online_store.ColumnRedisOnlineStore"] = (
        "feature_repo.redis_online_store.ColumnRedisOnlineStore"
    )


class ColumnRedisOnlineStore(RedisOnlineStore, ColumnOnlineStore):  # type: ignore[misc]
    """Reads as Feast does; writes whole columns, corrects what keeps its event time, and lists what it holds.

    A row is one HSET, so that a killed writer leaves an entity's old values or its new ones.
    """

    def write_columns(self, config: RepoConfig, view: FeatureView, rows: pl.DataFrame) -> None:
        """Write a batch in one pipeline."""
        columns = [
            (time_field(config, view), encoded_times(rows[EVENT_TIME])),
            (_origin_field(config, view), _origins(rows, current_layout(view))),
        ] + [
            (feature_field(config, view, field.name), encoded_values(rows[field.name], field.dtype.to_value_type()))
            for field in view.features
        ]
        project, join_key = config.project.encode(), join_key_of(view)
        keys = [key + project for key in encoded_keys(join_key, rows[join_key])]
        # The commands are put together column by column, without a step of Python for each value.
        pairs = chain.from_iterable((repeat(name), cells) for name, cells in columns)
        self._send(config, chain(zip(repeat("HSET"), keys, *pairs, strict=False), _expiries(config, keys)))

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Callable[[int], Any] | None
    ) -> None:
        """Write rows that Feast made, as its push does; one older than what is online is left out.

        Unlike Feast's own store this takes a correction that keeps its event time.
        """
        keys = [_key(config, entity) for entity, *_ in data]
        newest = self._event_times(config, table, keys)
        kept: dict[bytes, Row] = {}
        for key, row in zip(keys, data, strict=True):
            event_time = utc_microseconds_of(row[2])
            if event_time >= newest.get(key, event_time):
                newest[key], kept[key] = event_time, row
        commands = (("HSET", key, *_cells(config, table, row)) for key, row in kept.items())
        self._send(config, chain(commands, _expiries(config, list(kept))))
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Callable[[int], Any] | None
    ) -> None:
        """The same, in a thread."""
        await asyncio.to_thread(self.online_write_batch, config, table, data, progress)

    def stored_rows(self, config: RepoConfig, view: FeatureView) -> pl.DataFrame:
        """What is online for a view, without the features; `entity_key` is the key of the entity's hash."""
        join_key = join_key_of(view)
        values = self._entities(config, join_key)
        fields = (time_field(config, view), _origin_field(config, view))
        found = self._send(config, (("HMGET", key, *fields) for key in values))
        held = [(key, time, origin) for key, (time, origin) in zip(values, found, strict=True) if time is not None]
        entity_keys, times, origins = ([row[column] for row in held] for column in range(3))
        names = pl.Series(join_key, [values[key] for key in entity_keys], pl.Binary).cast(pl.String)
        when = pl.Series(EVENT_TIME, decoded_times(times), pl.Int64).cast(UTC_MICROSECONDS)
        return pl.DataFrame([names, when, pl.Series("entity_key", entity_keys, pl.Binary), *_read_origins(origins)])

    def delete_rows(self, config: RepoConfig, view: FeatureView, entity_keys: Iterable[bytes]) -> None:
        """Remove a view's fields, and the whole hash where it holds no other view."""
        keys = list(entity_keys)
        ours = time_field(config, view)
        fields = [
            ours,
            _origin_field(config, view),
            *(feature_field(config, view, field.name) for field in view.features),
        ]
        held = self._send(config, (("HKEYS", key) for key in keys))
        alone = [not any(name.startswith(b"_ts:") and name != ours for name in names) for names in held]
        self._send(
            config,
            (("DEL", key) if one else ("HDEL", key, *fields) for key, one in zip(keys, alone, strict=True)),
        )

    def delete_table(self, config: RepoConfig, table: FeatureView) -> None:
        """Remove every row of a view that is no longer in the catalogue."""
        self.delete_rows(config, table, self.stored_rows(config, table)["entity_key"])

    def _event_times(self, config: RepoConfig, view: FeatureView, keys: Sequence[bytes]) -> dict[bytes, int]:
        found = self._send(config, (("HGET", key, time_field(config, view)) for key in keys))
        known = {key: time for key, time in zip(keys, found, strict=True) if time is not None}
        return dict(zip(known, decoded_times(list(known.values())), strict=True))

    def _entities(self, config: RepoConfig, join_key: str) -> dict[bytes, bytes]:
        """The hashes of an entity in this project, and each one's key value."""
        project = config.project.encode()
        pattern = _literally(key_head(join_key)) + b"*" + _literally(project)
        with _answering():
            keys = list(self._get_client(config.online_store).scan_iter(match=pattern, count=COMMANDS_AT_ONCE))
        values = key_values(join_key, (key.removesuffix(project) for key in keys))
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def _send(self, config: RepoConfig, commands: Iterable[Command]) -> list[Any]:
        """The answers to commands, sent so many at a time."""
        answers: list[Any] = []
        left = iter(commands)
        with _answering(), self._get_client(config.online_store).pipeline(transaction=False) as pipe:
            while batch := list(islice(left, COMMANDS_AT_ONCE)):
                for command in batch:
                    pipe.execute_command(*command)
                answers += pipe.execute()
        return answers


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what Redis answers into a sentence for a person on call; its own words never hold the password."""
    try:
        yield
    except RedisError as problem:
        raise StoreError(
            f"the online store in Redis does not do what it is asked: {problem}. See that it runs and has memory, and "
            "that GOVERNANCE_REDIS names it"
        ) from problem


def _name(config: RepoConfig, view: FeatureView) -> str:
    name: str = compute_versioned_name(view, config.registry.enable_online_feature_view_versioning)
    return name


def time_field(config: RepoConfig, view: FeatureView) -> bytes:
    """Where an entity's hash holds the event time of a view's values."""
    return f"_ts:{_name(config, view)}".encode()


def _origin_field(config: RepoConfig, view: FeatureView) -> bytes:
    return f"_origin:{_name(config, view)}".encode()


def feature_field(config: RepoConfig, view: FeatureView, feature: str) -> bytes:
    """Where an entity's hash holds the value of a feature."""
    return struct.pack("<I", mmh3.hash(f"{_name(config, view)}:{feature}", signed=False))


def _key(config: RepoConfig, entity: EntityKey) -> bytes:
    version = config.entity_key_serialization_version
    packed: bytes = serialize_entity_key(entity, entity_key_serialization_version=version)
    return packed + bytes(config.project, "utf-8")


def _cells(config: RepoConfig, view: FeatureView, row: Row) -> Iterator[bytes]:
    """Fields and values of one row, one after the other."""
    _, values, event_time, created = row
    yield from (time_field(config, view), encoded_time(utc_microseconds_of(event_time)))
    when = 0 if created is None else utc_microseconds_of(created)
    origin = np.array((created is not None, when, False, 0, layout_of(view, list(values)).encode()), _ORIGIN)
    yield from (_origin_field(config, view), origin.tobytes())
    for name, value in values.items():
        yield from (feature_field(config, view, name), plain(value))


def _expiries(config: RepoConfig, keys: Iterable[bytes]) -> Iterator[Command]:
    seconds = config.online_store.key_ttl_seconds
    return (("EXPIRE", key, seconds) for key in keys if seconds)


def _origins(rows: pl.DataFrame, layout: str) -> list[bytes]:
    created = rows[CREATED].to_physical()
    origins = np.zeros(rows.height, _ORIGIN)
    origins["known"], origins["created"] = created.is_not_null().to_numpy(), created.fill_null(0).to_numpy()
    origins["proved"], origins["digest"], origins["layout"] = True, rows["digest"].to_numpy(), layout.encode()
    packed: list[bytes] = origins.view(f"V{_ORIGIN.itemsize}").tolist()
    return packed


def _read_origins(packed: Sequence[bytes | None]) -> list[pl.Series]:
    """Created times, digests and layouts; of a row that another writer put there nothing is known."""
    unknown = bytes(_ORIGIN.itemsize)
    origins = np.frombuffer(b"".join(one or unknown for one in packed), _ORIGIN)
    known, proved = pl.Series(origins["known"]), pl.Series(origins["proved"])
    created = pl.Series(CREATED, origins["created"]).cast(UTC_MICROSECONDS)
    digest = pl.Series("digest", origins["digest"])
    nothing = pl.Series([None], dtype=pl.Int64)
    return [
        created.zip_with(known, nothing.cast(UTC_MICROSECONDS)),
        digest.zip_with(proved, nothing),
        pl.Series("layout", origins["layout"].tolist(), pl.Binary).cast(pl.String),
    ]


def _literally(text: bytes) -> bytes:
    """Text for a pattern of SCAN that stands for itself: lengths in a key are bytes that may be signs there."""
    return re.sub(rb"[*?\[\\]", rb"\\\g<0>", text)
