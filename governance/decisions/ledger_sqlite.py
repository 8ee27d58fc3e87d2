"""The decision ledger in an SQLite file: what is committed is on disk, and reading keeps no writer waiting."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from governance.decisions.ledger import Row
from governance.decisions.ledger_in_sql import INSERT, Parameters, SqlLedger, standing_query, table
from governance.errors import InputError, StoreError
from governance.storage.sqlite_files import open_shared

_LOCKED_SECONDS = 5.0
_CACHE_KIB, _LOG_PAGES = 16_384, 8_192

_TABLE = f"""
{table(sequence="INTEGER PRIMARY KEY")}
CREATE TRIGGER IF NOT EXISTS decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'the decision ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS decisions_remain BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'the decision ledger is append-only'); END;
"""
_ROWS_AT_ONCE = 256
"""Rows of one statement at most; SQLite takes 32,766 values."""


class SqliteLedger(SqlLedger):
    """One connection writes and one reads, each used by one thread at a time; both are opened when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing, self._reading = _Connection(path), _Connection(path)

    @property
    def quick(self) -> bool:
        """A read is a look into the page cache."""
        return True

    def append_rows(self, rows: Sequence[Row]) -> list[str]:
        """Append in one transaction; return the bodies that stand."""
        with self._writing.used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                appended = sum(_insert(connection, chunk) for chunk in _chunks(rows))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            if appended == len(rows):
                return [row.body for row in rows]
            return [_standing(connection, row) for row in rows]

    def close(self) -> None:
        """Close both connections."""
        self._writing.close()
        self._reading.close()

    def _read(self, query: str, parameters: Parameters) -> list[Any]:
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
    # Pages of indexes are met again and again: kept at hand, and brought from the log into the file less often, they
    # take a sixth off what a row costs.
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLE} COMMIT;")
    return connection


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in pieces whose lengths are powers of two.

    A statement is kept for each length, of hundreds of kilobytes: for any length that comes these were 90 MB.
    """
    start = 0
    while left := len(rows) - start:
        length = min(_ROWS_AT_ONCE, 1 << (left.bit_length() - 1))
        yield rows[start : start + length]
        start += length


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Insert rows by one statement, and say how many were new.

    `executemany` asks for the interpreter again for every row, and waits for it where another thread has much to do.
    """
    return connection.execute(_insert_of(len(rows)), [*chain.from_iterable(rows)]).rowcount


@cache
def _insert_of(rows: int) -> str:
    row = f"({', '.join('?' * len(Row._fields))})"
    return INSERT.format(", ".join([row] * rows))


def _standing(connection: sqlite3.Connection, row: Row) -> str:
    body: str = connection.execute(*standing_query(row)).fetchone()[0]
    return row.body if body == row.body else body
