"""Feast's Redis layout read directly: commands encoded in advance, one round trip for all entities of all requests."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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
        self._plans = _plans(config, wanted)
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
        return [_features(self._plans, request, found) for request in requests]

    def commands(self, requests: Sequence[Mapping[str, str]]) -> list[bytes]:
        """The encoded commands that requests are read with; each gets one reply."""
        plans = self._plans
        return [plan.command(request[plan.key]) for request in requests for plan in plans if plan.key in request]

    async def close(self) -> None:
        """See `OnlineReader`."""
        await self._connection.close()


class _Plan:
    """What is read of an entity: the fields of every view that goes by one key, values first, then times."""

    def __init__(self, config: RepoConfig, key: str, wanted: Sequence[Wanted]) -> None:
        self.key = key
        self.views = tuple(one.table.name for one in wanted)
        of_feature = {feature.name: one for one in wanted for feature in one.features}
        self.columns = Columns(feature for one in wanted for feature in one.features)
        names = self.columns.names
        fields = [feature_field(config, of_feature[name].registered, name) for name in names]
        fields += [time_field(config, one.registered) for one in wanted]
        self._words = 2 + len(fields)
        self._head = key_head(key)
        self._project = str(config.project).encode()
        self._tail = self._project + b"\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(field), field) for field in fields)
        self._before = [self._before_value(length) for length in range(_LENGTHS)]
        self.nothing: Mapping[str, Value] = dict.fromkeys(names)
        self.no_times: Mapping[str, datetime | None] = dict.fromkeys(self.views)

    def command(self, value: str) -> bytes:
        """HMGET of the entity that a key value names."""
        raw = value.encode()
        length = len(raw)
        before = self._before[length] if length < _LENGTHS else self._before_value(length)
        return before + raw + self._tail

    def read(self, cells: Sequence[Cell], values: dict[str, Value], times: dict[str, datetime | None]) -> None:
        """Put what Redis answered among the values and times of a request."""
        names = self.columns.names
        values.update(zip(names, self.columns.decoded(cells), strict=True))
        times.update(zip(self.views, map(decoded_time, cells[len(names) :]), strict=True))

    def _before_value(self, length: int) -> bytes:
        key = len(self._head) + _LENGTH.size + length + len(self._project)
        return b"*%d\r\n$5\r\nHMGET\r\n$%d\r\n" % (self._words, key) + self._head + _LENGTH.pack(length)


def _plans(config: RepoConfig, wanted: Sequence[Wanted]) -> tuple[_Plan, ...]:
    by_key: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_key.setdefault(join_key_of(one.registered), []).append(one)
    return tuple(_Plan(config, key, views) for key, views in by_key.items())


def _features(plans: Sequence[_Plan], request: Mapping[str, str], found: Iterator[Sequence[Cell]]) -> OnlineFeatures:
    values: dict[str, Value] = {}
    times: dict[str, datetime | None] = {}
    for plan in plans:
        if plan.key in request:
            plan.read(next(found), values, times)
        else:
            values.update(plan.nothing)
            times.update(plan.no_times)
    return OnlineFeatures(values, times)
