"""The label ledger: what every labeler said, append-only, in SQLite.

A statement is never changed or deleted (triggers refuse it). When a day is delivered again, what
it no longer says is retracted by a further row, so that the ledger keeps what was believed when.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from governance.contracts.epoch import microseconds
from governance.contracts.schema import Kind

_TIME = Kind.TIMESTAMP.polars
SCHEMA = pl.Schema(
    {
        "label": pl.String(),
        "entity_id": pl.String(),
        "occurred_at": _TIME,
        "labeler": pl.String(),
        "known_at": _TIME,
        "value": pl.Int64(),
        "reason": pl.String(),
    }
)
"""Columns of a statement."""

_TABLE = """
CREATE TABLE IF NOT EXISTS statements (
  sequence INTEGER PRIMARY KEY,
  label TEXT NOT NULL, entity_id TEXT NOT NULL, occurred_at INTEGER NOT NULL, labeler TEXT NOT NULL,
  known_at INTEGER NOT NULL, value INTEGER NOT NULL, reason TEXT, retracted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS statements_by_known ON statements (label, known_at);
CREATE TRIGGER IF NOT EXISTS statements_stay BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'the label ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS statements_remain BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'the label ledger is append-only'); END;
"""

# The newest row of a key is what is believed now.
_CURRENT = """
SELECT label, entity_id, occurred_at, labeler, known_at, value, reason FROM statements AS s
WHERE label = ? AND known_at >= ? AND known_at < ? AND retracted = 0 AND NOT EXISTS (
  SELECT 1 FROM statements AS later
  WHERE later.label = s.label AND later.known_at = s.known_at AND later.entity_id = s.entity_id
    AND later.occurred_at = s.occurred_at AND later.labeler = s.labeler AND later.sequence > s.sequence)
"""

_Row = tuple[str, str, int, str, int, int, str | None]


class LabelLedger:
    """Statements of labelers in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_TABLE)

    def replace(self, label: str, *, start: datetime, end: datetime, statements: pl.DataFrame) -> int:
        """Make `statements` what is believed of a label between two times of knowledge; return the rows appended.

        Nothing is appended where nothing changed, so that a delivery may be repeated.
        """
        wanted = set(_rows(statements.select(SCHEMA.names())))
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            believed = set(connection.execute(_CURRENT, (label, microseconds(start), microseconds(end))).fetchall())
            _append(connection, sorted(believed - wanted, key=repr), retracted=1)
            _append(connection, sorted(wanted - believed, key=repr), retracted=0)
        return len(believed ^ wanted)

    def between(self, label: str, *, start: datetime, end: datetime) -> pl.DataFrame:
        """Statements of a label known from `start` (included) to `end` (excluded), in the columns of `SCHEMA`."""
        with self._connection() as connection:
            rows = connection.execute(_CURRENT, (label, microseconds(start), microseconds(end))).fetchall()
        integers = {name: pl.Int64() if kind == _TIME else kind for name, kind in SCHEMA.items()}
        stored = pl.DataFrame(rows, schema=integers, orient="row")
        return stored.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _append(connection: sqlite3.Connection, rows: Iterable[_Row], *, retracted: int) -> None:
    connection.executemany(
        "INSERT INTO statements (label, entity_id, occurred_at, labeler, known_at, value, reason, retracted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row, retracted) for row in rows],
    )


def _rows(statements: pl.DataFrame) -> list[_Row]:
    return statements.with_columns(pl.col("occurred_at", "known_at").cast(pl.Int64)).rows()
