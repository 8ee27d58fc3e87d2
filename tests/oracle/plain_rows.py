"""Raw rows as plain dicts, and the arithmetic of UTC days: all that the oracle knows of files."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

Row = Mapping[str, Any]
Landed = Mapping[date, list[dict[str, Any]]]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)


def landed(lake_root: Path, table: str) -> Landed:
    """Rows of a raw table by the day on which they landed, in order."""
    files = sorted((lake_root / "raw" / table).glob("dt=*/rows.parquet"))
    return {
        date.fromisoformat(file.parent.name[3:]): pl.read_parquet(file, hive_partitioning=False).to_dicts()
        for file in files
    }


def all_rows(days: Landed) -> Iterator[Row]:
    for day in sorted(days):
        yield from days[day]


def day_number(moment: datetime) -> int:
    """UTC days since 1970."""
    return (moment - EPOCH) // A_DAY


def start_of(day: int) -> datetime:
    return EPOCH + day * A_DAY


def whole(amount: float) -> int:
    """Whole minor units; halves round up."""
    return math.floor(amount + 0.5)
