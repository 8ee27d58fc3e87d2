"""The embedded store's rows read in this process: a few microseconds each, so that no thread is worth its hop."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from feast import RepoConfig

from feature_repo.decoding import Columns, Value, elements
from feature_repo.encoding import key_head
from feature_repo.online_reader import DEADLINE_SECONDS, OnlineFeatures, Wanted
from feature_repo.online_store import join_key_of
from feature_repo.sqlite_online_store import table_name
from governance.contracts.epoch import moment_of
from governance.errors import StoreError

_BUSY_SECONDS = 0.05
"""Readers wait for nobody while there is a write-ahead log; only its recovery after a crash locks them out."""


class SqliteReader:
    """See `OnlineReader`. A read is not interrupted: the file is local."""

    def __init__(self, config: RepoConfig, wanted: Sequence[Wanted]) -> None:
        self._path = config.online_store.path
        self._plans = tuple(_Plan(config, one) for one in wanted)
        self._database: sqlite3.Connection | None = None

    async def read(
        self,
        requests: Sequence[Mapping[str, str]],
        *,
        deadline_seconds: float = DEADLINE_SECONDS,  # noqa: ARG002 - see the class
    ) -> list[OnlineFeatures]:
        """See `OnlineReader`."""
        try:
            database = self._database or self._connect()
            return [self._features(database, request) for request in requests]
        except sqlite3.Error as problem:
            await self.close()
            raise StoreError(
                f"the online store {self._path} cannot be read: {problem}. Materialize it again: govern repair online"
            ) from problem

    async def close(self) -> None:
        """See `OnlineReader`."""
        if self._database:
            self._database.close()
        self._database = None

    def _connect(self) -> sqlite3.Connection:
        # Not made where it is absent: an empty database would answer that nobody is known.
        self._database = sqlite3.connect(f"file:{self._path}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
        self._database.execute("PRAGMA query_only = ON")
        return self._database

    def _features(self, database: sqlite3.Connection, request: Mapping[str, str]) -> OnlineFeatures:
        values: dict[str, Value] = {}
        times: dict[str, datetime | None] = {}
        for plan in self._plans:
            found, times[plan.name] = plan.read(database, request.get(plan.key))
            values.update(found)
        return OnlineFeatures(values, times)


class _Plan:
    """How one view is read, and where its features stand in rows of each layout."""

    def __init__(self, config: RepoConfig, wanted: Wanted) -> None:
        self.name, self.key = wanted.table.name, join_key_of(wanted.registered)
        self._columns = Columns(wanted.features)
        self._head = key_head(self.key)
        self._select = (
            f"SELECT event_time, layout, features FROM {table_name(config, wanted.registered)} "  # noqa: S608
            "WHERE entity_key = ?"
        )
        self._positions: dict[str, list[int]] = {}
        self._nothing: Mapping[str, Value] = dict.fromkeys(self._columns.names)

    def read(self, database: sqlite3.Connection, value: str | None) -> tuple[Mapping[str, Value], datetime | None]:
        """Values and their time; nothing of an entity that is unknown."""
        if value is None:
            return self._nothing, None
        raw = value.encode()
        key = self._head + len(raw).to_bytes(4, "little") + raw
        row = database.execute(self._select, (key,)).fetchone()
        if row is None:
            return self._nothing, None
        event_time, layout, packed = row
        # What a row of an older layout lacks is taken from behind its end.
        found = [*elements(packed), None]
        cells = [found[position] for position in self._positions.get(layout) or self._learn(database, layout)]
        return dict(zip(self._columns.names, self._columns.decoded(cells), strict=True)), moment_of(event_time)

    def _learn(self, database: sqlite3.Connection, layout: str) -> list[int]:
        """Where the features stand in rows of a layout; -1 where they do not."""
        (names,) = database.execute("SELECT names FROM layouts WHERE layout = ?", (layout,)).fetchone()
        position = {name: number for number, name in enumerate(json.loads(names))}
        self._positions[layout] = [position.get(name, -1) for name in self._columns.names]
        return self._positions[layout]
