"""Counters in one SQLite file, for the embedded environment: one writer, and readers that never wait for it."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from governance.counters.definition import LONGEST_MINUTES, WINDOWS, Addition, Counter, Event, additions, minute_of
from governance.errors import StoreError
from governance.storage.sqlite_files import open_shared
from serving.counters.store import Asked, Recorded

_LOCK_TIMEOUT_SECONDS = 5.0
_TABLES = """
CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY, minute INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_by_minute ON seen (minute);
CREATE TABLE IF NOT EXISTS amounts (
  counter TEXT NOT NULL, key TEXT NOT NULL, minute INTEGER NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (counter, key, minute)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS amounts_by_minute ON amounts (minute);
CREATE TABLE IF NOT EXISTS members (
  counter TEXT NOT NULL, key TEXT NOT NULL, member TEXT NOT NULL, minute INTEGER NOT NULL,
  PRIMARY KEY (counter, key, member)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_minute ON members (minute);
"""
_ADD_AMOUNT = """
INSERT INTO amounts VALUES (?, ?, ?, ?)
ON CONFLICT (counter, key, minute) DO UPDATE SET amount = amount + excluded.amount
"""
# A late event never takes back that the member was there since.
_ADD_MEMBER = """
INSERT INTO members VALUES (?, ?, ?, ?)
ON CONFLICT (counter, key, member) DO UPDATE SET minute = max(minute, excluded.minute)
"""
_WITHIN = ", ".join(f"{{value}} FILTER (WHERE minute > ?{number})" for number in range(3, 3 + len(WINDOWS)))
_OLDEST = f"minute > ?{2 + len(WINDOWS)}"
_READ_AMOUNTS = (
    f"SELECT {_WITHIN.format(value='total(amount)')} FROM amounts WHERE counter = ?1 AND key = ?2 AND {_OLDEST}"  # noqa: S608
)
_READ_MEMBERS = f"SELECT {_WITHIN.format(value='count(*)')} FROM members WHERE counter = ?1 AND key = ?2 AND {_OLDEST}"  # noqa: S608


class SqliteCounters:
    """A `CounterStore` in one file. An event and the word that it was counted are one transaction.

    Its calls take tens of microseconds and do not wait for servers, so that they run where they are called.
    """

    def __init__(self, path: Path, counters: Sequence[Counter]) -> None:
        self._path, self._counters = path, tuple(counters)
        self._database = open_shared(path, wait_seconds=_LOCK_TIMEOUT_SECONDS)
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)
        self._forgotten = 0

    async def record(self, events: Sequence[Event], *, now: datetime) -> Recorded:
        """Count events in one transaction."""
        oldest = minute_of(now) - LONGEST_MINUTES
        recent = [event for event in events if minute_of(event.occurred_at) > oldest]
        try:
            counted = self._count(recent, oldest)
        except sqlite3.Error as problem:
            raise StoreError(f"the counters in {self._path} cannot be written: {problem}") from problem
        repeated = len(recent) - counted
        return Recorded(accepted=counted, repeated=repeated, too_old=len(events) - len(recent), token="")

    async def read(
        self,
        asked: Sequence[Asked],
        *,
        deadline_seconds: float = _LOCK_TIMEOUT_SECONDS,  # noqa: ARG002 - readers of this file wait for nobody
    ) -> list[Mapping[str, int]]:
        """Read each counter's windows in one query."""
        try:
            return [self._windows(keys, minute_of(at)) for keys, at in asked]
        except sqlite3.Error as problem:
            raise StoreError(f"the counters in {self._path} cannot be read: {problem}") from problem

    async def behind(
        self,
        token: str,  # noqa: ARG002 - events are counted before their token is given
        *,
        deadline_seconds: float = _LOCK_TIMEOUT_SECONDS,  # noqa: ARG002 - nobody is waited for
    ) -> bool:
        """Never: an event is counted before it is acknowledged."""
        return False

    async def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _windows(self, keys: Mapping[str, str], minute: int) -> dict[str, int]:
        starts = [minute - minutes for minutes in WINDOWS.values()]
        found: dict[str, int] = {}
        for counter in self._counters:
            if (key := keys.get(counter.asked_by)) is not None:
                query = _READ_MEMBERS if counter.measure == "distinct" else _READ_AMOUNTS
                row = self._database.execute(query, (counter.name, key, *starts)).fetchone()
                found |= zip(counter.features, map(int, row), strict=True)
        return found

    def _count(self, events: Iterable[Event], oldest: int) -> int:
        with closing(self._database.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                new = sum(self._count_one(cursor, event) for event in events)
                self._forget(cursor, oldest)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        return new

    def _count_one(self, cursor: sqlite3.Cursor, event: Event) -> bool:
        minute, name = minute_of(event.occurred_at), f"{event.table}:{event.event_id}"
        cursor.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, minute))
        if not cursor.rowcount:
            return False
        for addition in additions(event, self._counters):
            _add(cursor, addition, minute)
        return True

    def _forget(self, cursor: sqlite3.Cursor, oldest: int) -> None:
        """Once a minute drop what no window holds any more, so that the file stays as large as a day."""
        if oldest <= self._forgotten:
            return
        self._forgotten = oldest
        for table in ("seen", "amounts", "members"):
            cursor.execute(f"DELETE FROM {table} WHERE minute <= ?", (oldest,))  # noqa: S608


def _add(cursor: sqlite3.Cursor, addition: Addition, minute: int) -> None:
    name = addition.counter.name
    if addition.counter.measure == "distinct":
        cursor.execute(_ADD_MEMBER, (name, addition.key, addition.member, minute))
    else:
        cursor.execute(_ADD_AMOUNT, (name, addition.key, minute, addition.amount))
