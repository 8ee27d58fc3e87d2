"""Feast's Redis layout read directly: commands encoded in advance, one round trip for all entities of all requests."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from feast import RepoConfig

from feature_repo.decoding import Cell, Columns, Value, decoded_time
from feature_repo.encoding import key_head
from feature_repo.online_reader import DEADLINE_SECONDS, OnlineFeatures, Wanted
from feature_repo.online_store import join_key_of
from feature_repo.redis_connection import Connection
from feature_repo.redis_online_store import feature_field, time_field

_LENGTH = struct.Struct("<I")
_LENGTHS = 65


class RedisReader:
    """See `OnlineReader`. Each entity is one HMGET of the fields of all views that go by its key."""

    def __init__(self, config: RepoConfig, wanted: Sequence[Wanted], connection: Connection) -> None:
        self._entities = _entities(config, wanted)
        self._rows: dict[tuple[bool, ...], _Row] = {}
        self._connection = connection

    async def read(
        self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> list[OnlineFeatures]:
        """See `OnlineReader`."""
        commands = self.commands(requests)
        replies: list[Any] = []
        if commands:
            replies = await self._connection.ask(b"".join(commands), len(commands), deadline_seconds)
        found = iter(replies)
        return [self._row_of(request).read(found) for request in requests]

    def commands(self, requests: Sequence[Mapping[str, str]]) -> list[bytes]:
        """The encoded commands that requests are read with; each gets one reply."""
        entities = self._entities
        return [one.command(request[one.key]) for request in requests for one in entities if one.key in request]

    async def close(self) -> None:
        """See `OnlineReader`."""
        await self._connection.close()

    def _row_of(self, request: Mapping[str, str]) -> "_Row":
        """How the replies to a request are read: keys that are present come in few combinations."""
        present = tuple([one.key in request for one in self._entities])
        row = self._rows.get(present)
        if row is None:
            row = self._rows[present] = _Row(self._entities, present)
        return row


class _Entity:
    """What is asked of an entity: the fields of every view that goes by one key, features first, then times."""

    def __init__(self, config: RepoConfig, key: str, wanted: Sequence[Wanted]) -> None:
        self.key = key
        self.views = tuple(one.table.name for one in wanted)
        self.features = tuple(feature for one in wanted for feature in one.features)
        fields = [feature_field(config, one.registered, feature.name) for one in wanted for feature in one.features]
        fields += [time_field(config, one.registered) for one in wanted]
        self._words = 2 + len(fields)
        self._head = key_head(key)
        self._project = str(config.project).encode()
        self._tail = self._project + b"\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(field), field) for field in fields)
        self._before = [self._before_value(length) for length in range(_LENGTHS)]

    def command(self, value: str) -> bytes:
        """HMGET of the entity that a key value names."""
        raw = value.encode()
        length = len(raw)
        before = self._before[length] if length < _LENGTHS else self._before_value(length)
        return before + raw + self._tail

    def _before_value(self, length: int) -> bytes:
        key = len(self._head) + _LENGTH.size + length + len(self._project)
        return b"*%d\r\n$5\r\nHMGET\r\n$%d\r\n" % (self._words, key) + self._head + _LENGTH.pack(length)


class _Row:
    """Reads what Redis answers about all entities of a request at once; features of those that it lacks are None."""

    def __init__(self, entities: Sequence[_Entity], present: Sequence[bool]) -> None:
        asked = [one for one, is_there in zip(entities, present, strict=True) if is_there]
        self._columns = Columns(feature for one in asked for feature in one.features)
        self._views = tuple(view for one in asked for view in one.views)
        # Names of features and views apart, because a view may be called like a feature.
        fields = [name for one in asked for name in (*((each.name, "") for each in one.features), *one.views)]
        places = {name: place for place, name in enumerate(fields)}
        self._places = [*(places[name, ""] for name in self._columns.names), *(places[view] for view in self._views)]
        self._replies = len(asked)
        self._nothing: dict[str, Value] = dict.fromkeys(feature.name for one in entities for feature in one.features)
        self._no_times: dict[str, datetime | None] = dict.fromkeys(view for one in entities for view in one.views)

    def read(self, replies: Iterator[Sequence[Cell]]) -> OnlineFeatures:
        """The values and times of one request, from as many replies as there are entities in it."""
        cells = [*chain.from_iterable(islice(replies, self._replies))]
        found = [cells[place] for place in self._places]
        names, views = self._columns.names, self._views
        values, times = self._nothing.copy(), self._no_times.copy()
        values.update(zip(names, self._columns.decoded(found), strict=True))
        times.update(zip(views, map(decoded_time, found[len(names) :]), strict=True))
        return OnlineFeatures(values, times)


def _entities(config: RepoConfig, wanted: Sequence[Wanted]) -> tuple[_Entity, ...]:
    by_key: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_key.setdefault(join_key_of(one.registered), []).append(one)
    return tuple(_Entity(config, key, views) for key, views in by_key.items())
