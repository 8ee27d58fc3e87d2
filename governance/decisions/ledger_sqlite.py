"""The decision ledger in an SQLite file: what is committed is on disk, and reading keeps no writer waiting."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance.decisions.ledger import (
    COLUMNS,
    DAY_MICROSECONDS,
    PARTIES,
    DayMark,
    day_of,
    microseconds,
    row_of,
)
from governance.decisions.record import Decision, decoded
from governance.errors import InputError, StoreError
from governance.storage.sqlite_files import open_shared

_LOCKED_SECONDS = 5.0
_PAGE = 500

_TABLE = f"""
CREATE TABLE IF NOT EXISTS decisions (
  sequence INTEGER PRIMARY KEY,
  decision_id TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT, point TEXT NOT NULL, entity_id TEXT NOT NULL,
  {", ".join(f"{party} TEXT" for party in PARTIES)},
  decided_at INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_id ON decisions (decision_id);
CREATE UNIQUE INDEX IF NOT EXISTS one_a_request ON decisions (caller, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_time ON decisions (decided_at);
CREATE INDEX IF NOT EXISTS by_entity ON decisions (entity_id);
{"".join(f"CREATE INDEX IF NOT EXISTS by_{p} ON decisions ({p}) WHERE {p} IS NOT NULL;" for p in PARTIES)}
CREATE TRIGGER IF NOT EXISTS decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'the decision ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS decisions_remain BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'the decision ledger is append-only'); END;
"""
_INSERT = (
    f"INSERT INTO decisions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our names
    " ON CONFLICT DO NOTHING"
)
_ABOUT = " UNION ".join(
    f"SELECT sequence, body FROM decisions WHERE {column} = :id"  # noqa: S608 - our names
    for column in ("entity_id", *PARTIES)
)
_BETWEEN = """
SELECT decided_at, sequence, body FROM decisions
WHERE (decided_at, sequence) > (?, ?) AND decided_at < ? AND (? IS NULL OR point = ?)
ORDER BY decided_at, sequence LIMIT ?
"""
_DAYS = "SELECT decided_at / ? AS day, count(*), max(sequence) FROM decisions GROUP BY day ORDER BY day"

# The request goes before the id: it is what a caller asks by.
_STANDING = """
SELECT body FROM decisions WHERE decision_id = ? OR (caller = ? AND request_id = ?)
ORDER BY coalesce(caller = ? AND request_id = ?, false) DESC LIMIT 1
"""


class SqliteLedger:
    """One connection writes and one reads, each used by one thread at a time; both are opened when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing, self._reading = _Connection(path), _Connection(path)

    @property
    def quick(self) -> bool:
        """A read is a look into the page cache."""
        return True

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Append in one transaction; return what stands."""
        rows = [row_of(decision) for decision in decisions]
        with self._writing.used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                appended = connection.executemany(_INSERT, rows).rowcount
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            if appended == len(rows):
                return list(decisions)
            return [_standing(connection, decision) for decision in decisions]

    def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision of a request."""
        return self._one("SELECT body FROM decisions WHERE caller = ? AND request_id = ?", caller, request_id)

    def get(self, decision_id: str) -> Decision | None:
        """The decision of an id."""
        return self._one("SELECT body FROM decisions WHERE decision_id = ?", decision_id)

    def about(self, entity_id: str, *, at_most: int) -> list[Decision]:
        """The newest decisions about an entity or with it as a party."""
        query = f"SELECT body FROM ({_ABOUT}) ORDER BY sequence DESC LIMIT :at_most"  # noqa: S608 - our names
        return [decoded(body) for (body,) in self._read(query, {"id": entity_id, "at_most": at_most})]

    def between(self, start: datetime, end: datetime, *, point: str | None = None) -> Iterator[Decision]:
        """Decisions in order of time, a page at a time: what is appended meanwhile keeps nobody waiting."""
        last, until = (microseconds(start) - 1, 2**62), microseconds(end)
        while page := self._read(_BETWEEN, (*last, until, point, point, _PAGE)):
            last = page[-1][:2]
            yield from (decoded(body) for _, _, body in page)

    def days(self) -> Mapping[date, DayMark]:
        """Days with what they hold."""
        return {day_of(day): DayMark(rows, newest) for day, rows, newest in self._read(_DAYS, (DAY_MICROSECONDS,))}

    def close(self) -> None:
        """Close both connections."""
        self._writing.close()
        self._reading.close()

    def _one(self, query: str, *parameters: str) -> Decision | None:
        found = self._read(query, parameters)
        return decoded(found[0][0]) if found else None

    def _read(self, query: str, parameters: Mapping[str, str | int] | tuple[str | int | None, ...]) -> list[Any]:
        # A look into a ledger that was never written leaves no file behind.
        if not self._path.exists():
            return []
        with self._reading.used() as connection:
            return connection.execute(query, parameters).fetchall()


class _Connection:
    """A connection that one thread at a time uses; SQLite's errors become ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    @contextmanager
    def used(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._open = self._open or _connect(self._path)
                yield self._open
            except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
                raise InputError(f"{self._path}: a decision cannot be stored: {error}") from error
            except sqlite3.Error as error:
                raise StoreError(f"the decision ledger {self._path} failed: {error}") from error

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open.close()
            self._open = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = open_shared(path, wait_seconds=_LOCKED_SECONDS)
    # A commit waits for the disk: what was acknowledged outlives a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLE} COMMIT;")
    return connection


def _standing(connection: sqlite3.Connection, decision: Decision) -> Decision:
    """What the ledger holds in place of a decision: the one under its request, else the one of its id."""
    request = (decision.caller, decision.idempotency_key)
    found = connection.execute(_STANDING, (decision.decision_id, *request, *request)).fetchone()
    return decoded(found[0])
