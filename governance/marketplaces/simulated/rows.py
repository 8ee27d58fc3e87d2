"""From columns to contract rows, from rows to the day on which they become known, and from days to files."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from governance.contracts.schema import Table
from governance.contracts.tables import TABLES
from governance.marketplaces.simulated.chance import DAY, Ints, Today

DECISIONS = "decisions"
CAUSES = "causes"

TRUTH_TABLES: Mapping[str, pl.Schema] = {
    DECISIONS: pl.Schema(
        {
            "label": pl.String(),
            "entity_id": pl.String(),
            "occurred_at": pl.Datetime("us", "UTC"),
            "truth": pl.Float64(),
            "oracle": pl.Float64(),
            "campaign": pl.String(),
        }
    ),
    CAUSES: pl.Schema(
        {
            "case_id": pl.String(),
            "order_line_id": pl.String(),
            "occurred_at": pl.Datetime("us", "UTC"),
            "cause": pl.String(),
            "buyer_share": pl.Float64(),
            "seller_share": pl.Float64(),
            "logistics_share": pl.Float64(),
            "platform_share": pl.Float64(),
            "decidable": pl.Boolean(),
        }
    ),
}
"""What lies under `truth/`. Decisions: was it so (1, 0, or a share), what would an ideal observer have said at that
moment, and which campaign was behind it. Causes: who really caused a case, and whether anybody could tell."""

_TRUTH_KEYS = {DECISIONS: ("label", "entity_id", "occurred_at"), CAUSES: ("case_id",)}


_LEFT_ALONE = 4096
"""It does not pay to copy what is left of so few rows."""


def as_rows(schema: pl.Schema, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of a schema from a frame, in its order and types; a column that the frame lacks is null."""
    # Series by series: an expression for each column of each table takes half as long again.
    found = {column.name: column for column in frame.get_columns()}
    nothing = pl.Series([None]).new_from_index(0, frame.height)
    return pl.DataFrame([found.get(name, nothing).cast(kind).alias(name) for name, kind in schema.items()])


def stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Frames of the same columns as one; `polars.concat` has another thread do this, which takes longer than to do it.

    There must be one at least.
    """
    return reduce(pl.DataFrame.vstack, frames)


@dataclass(slots=True)
class _Queue:
    """Rows in the order in which they become known, and those times in microseconds.

    `taken` counts rows that are gone; what is left still holds the memory of all until it is copied.
    """

    rows: pl.DataFrame
    known_at: Ints
    taken: int = 0

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Self:
        """A queue of rows in any order."""
        known_at = rows.get_column("known_at").cast(pl.Int64).to_numpy()
        order = np.argsort(known_at, kind="stable")
        return cls(rows[order], known_at[order])

    def take(self, *, before: int) -> pl.DataFrame:
        """Remove and return the rows that become known before a moment."""
        count = int(np.searchsorted(self.known_at, before))
        taken = self.rows.slice(0, count)
        self.rows, self.known_at, self.taken = self.rows.slice(count), self.known_at[count:], self.taken + count
        if self.taken > max(self.rows.height, _LEFT_ALONE):
            self.rows, self.known_at, self.taken = _copied(self.rows), self.known_at.copy(), 0
        return taken


@dataclass(slots=True)
class Outbox:
    """Rows that have happened in the world but are not known yet; each waits for the day on which it becomes known.

    Rows are put in order of that day once, and every day takes the beginning of what is left: a day costs what it
    delivers, however much waits. `waiting` is what is kept on disk; `gather` brings the rest there.
    """

    waiting: dict[str, pl.DataFrame] = field(default_factory=dict)
    _revealed: dict[str, list[pl.DataFrame]] = field(default_factory=dict, metadata={"kept": False})
    _new: dict[str, list[pl.DataFrame]] = field(default_factory=dict, metadata={"kept": False})
    _queues: dict[str, list[_Queue]] = field(default_factory=dict, metadata={"kept": False})

    def put(self, table: Table, frame: pl.DataFrame) -> None:
        """Add rows, reduced to the contract's columns."""
        if frame.height:
            self._new.setdefault(table.name, []).append(as_rows(table.schema, frame))

    def reveal(self, table: str, frame: pl.DataFrame) -> None:
        """Add rows to the truth (`DECISIONS` or `CAUSES`), written with the day that is being lived."""
        if frame.height:
            self._revealed.setdefault(table, []).append(as_rows(TRUTH_TABLES[table], frame))

    def take(self, table: Table, today: Today) -> pl.DataFrame:
        """Remove and return the rows that become known by the end of today, sorted by key."""
        queues = self._queued(table.name)
        known = [one for queue in queues if (one := queue.take(before=today.start + DAY)).height]
        self._queues[table.name] = [queue for queue in queues if queue.rows.height]
        return stacked(known).sort(table.key) if known else table.empty()

    def settle(self, today: Today) -> None:
        """Let what was put since the rows of today were taken wait: who read them speaks tomorrow at the earliest."""
        tomorrow = pl.lit(today.start + DAY).cast(pl.Datetime("us", "UTC"))
        for name, frames in self._new.items():
            later = pl.concat(frames).with_columns_seq(pl.max_horizontal("known_at", tomorrow).alias("known_at"))
            self._queues.setdefault(name, []).append(_Queue.of(later))
        self._new.clear()

    def revealed(self, table: str) -> pl.DataFrame:
        """What was revealed since the truth was last taken, in the order in which it was."""
        return pl.concat([pl.DataFrame(schema=TRUTH_TABLES[table]), *self._revealed.get(table, [])])

    def gather(self) -> None:
        """Bring everything that waits to where it can be kept."""
        self.waiting = {name: pl.concat([queue.rows for queue in self._queued(name)]) for name in self._names()}
        self._queues.clear()

    def take_truth(self, table: str) -> pl.DataFrame:
        """Remove and return what was revealed since the last time, sorted by key."""
        rows = self.revealed(table).sort(_TRUTH_KEYS[table])
        self._revealed.pop(table, None)
        return rows

    def _queued(self, name: str) -> list[_Queue]:
        """What waits of a table, what is new of it among that."""
        fresh = self._new.pop(name, [])
        kept = self.waiting.pop(name, None)
        found = [*fresh, kept] if kept is not None and kept.height else fresh
        return [*self._queues.get(name, []), *([_Queue.of(stacked(found))] if found else [])]

    def _names(self) -> list[str]:
        waits = [name for name in TABLES if self._new.get(name) or self._queues.get(name)]
        return [*waits, *(name for name in self.waiting if name not in waits)]


def _copied(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that share no memory with those that they are a slice of.

    Polars 2.1 copies no strings when it gathers or rechunks them: those that come new out of a query are copied.
    """
    return rows[np.arange(rows.height)].with_columns_seq(pl.col(pl.String) + pl.lit(""))


def write_day(root: Path, table: str, day: date, rows: pl.DataFrame) -> None:
    """Write `<root>/<table>/dt=<day>/rows.parquet` under a temporary name outside the folder, then rename it."""
    replace(root, day_path(root, table, day), rows)


def day_path(root: Path, table: str, day: date) -> Path:
    """Where the rows of a table lie that became known on a day."""
    return root / table / f"dt={day.isoformat()}" / "rows.parquet"


def replace(root: Path, target: Path, rows: pl.DataFrame) -> None:
    """Write one Parquet file so that readers see the old one or the new one, never half of one."""
    temporary = root / ".tmp" / f"{uuid.uuid4().hex}.parquet"
    temporary.parent.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        rows.write_parquet(temporary, compression="zstd")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
