"""How long assets took, remembered beside the data and outside every digest, and what that says of work to come."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS work (
  sequence INTEGER PRIMARY KEY, asset TEXT NOT NULL, days INTEGER NOT NULL, seconds REAL NOT NULL
)
"""
_NEWEST = 20
"""So many runs of an asset are looked at: machines and volumes change."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run of an asset: how many days it did, and how long that took."""

    days: int
    seconds: float


class Durations:
    """The ledger of what was measured, one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, asset: str, work: Work) -> None:
        """Add a run that ended well; a run without work teaches nothing."""
        if work.days < 1:
            return
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO work (asset, days, seconds) VALUES (?, ?, ?)", (asset, work.days, work.seconds)
            )

    def of(self, asset: str) -> list[Work]:
        """The newest runs of an asset, newest first."""
        if not self._path.exists():
            return []
        select = "SELECT days, seconds FROM work WHERE asset = ? ORDER BY sequence DESC LIMIT ?"
        with self._connection() as connection:
            return [Work(*row) for row in connection.execute(select, (asset, _NEWEST))]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=60)) as connection, connection:
            connection.execute(_TABLE)
            yield connection


def estimate(measured: Sequence[Work], days: int) -> float | None:
    """Seconds that so many days should take, None where nothing has been measured.

    Runs of several lengths tell what starting costs apart from what a day costs (least squares, neither below zero);
    runs of one length tell the cost of a day only.

    >>> estimate([Work(1, 2.0), Work(11, 12.0)], 21)
    22.0
    >>> estimate([Work(10, 5.0)], 30)
    15.0
    >>> estimate([], 3) is None
    True
    """
    if not measured:
        return None
    mean_days = sum(work.days for work in measured) / len(measured)
    mean_seconds = sum(work.seconds for work in measured) / len(measured)
    spread = sum((work.days - mean_days) ** 2 for work in measured)
    together = sum((work.days - mean_days) * (work.seconds - mean_seconds) for work in measured)
    a_day = together / spread if spread else mean_seconds / mean_days
    if a_day < 0 or mean_seconds - a_day * mean_days < 0:
        a_day = mean_seconds / mean_days
    return mean_seconds + a_day * (days - mean_days)
