"""From columns to contract rows, and from rows to dated files."""

import uuid
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from governance.contracts.calendar import midnight
from governance.contracts.schema import Table
from governance.contracts.tables import TABLES

_Arrays = TypeVar("_Arrays", bound=Any)
_DIGITS = 6


def as_rows(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns of a frame in the contract's order and types; a column that the frame lacks is null."""
    columns = {name: pl.col(name) if name in frame.columns else pl.lit(None) for name in table.names}
    return frame.select(columns[name].cast(kind).alias(name) for name, kind in table.schema.items())


def identifier(prefix: str, column: str) -> pl.Expr:
    """Ids made of a prefix and a number.

    >>> pl.DataFrame({"n": [7]}).select(identifier("buyer", "n")).item()
    'buyer-000007'
    """
    return pl.format("{}-{}", pl.lit(prefix), pl.col(column).cast(pl.String).str.zfill(_DIGITS)).alias(column)


def numbers(ids: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The numbers, below a million, in ids made by `identifier`."""
    return ids.str.slice(-_DIGITS).cast(pl.Int64).to_numpy()


def extended(first: _Arrays, second: _Arrays) -> _Arrays:
    """Two dataclasses of parallel arrays as one; the second's rows are numbered after the first's."""
    names = [one.name for one in fields(first)]
    arrays = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    both: _Arrays = type(first)(**arrays)
    return both


class Outbox:
    """Rows that have happened in the world but are not known yet; each waits for the day on which it becomes known."""

    def __init__(self) -> None:
        self._waiting = {name: [table.empty()] for name, table in TABLES.items()}

    def put(self, table: Table, frame: pl.DataFrame) -> None:
        """Add rows, reduced to the contract's columns."""
        self._waiting[table.name].append(as_rows(table, frame))

    def take(self, table: Table, day: date) -> pl.DataFrame:
        """Remove and return the rows that become known on a day, sorted by key."""
        waiting = pl.concat(self._waiting[table.name])
        known = pl.col("known_at") < midnight(day + timedelta(days=1))
        self._waiting[table.name] = [waiting.filter(~known)]
        return waiting.filter(known).sort(table.key)


def write_day(root: Path, table: str, day: date, rows: pl.DataFrame) -> None:
    """Write `<root>/<table>/dt=<day>/rows.parquet` under a temporary name outside the folder, then rename it."""
    replace(root, root / table / f"dt={day.isoformat()}" / "rows.parquet", rows)


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
