"""Raw rows out of few numbers, for tests that make their own events: with gaps, ties and late knowledge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.contracts.schema import Column, Kind
from governance.contracts.tables import TABLES
from governance.storage.lake import Lake

FIRST = date(2025, 1, 1)
MICROSECOND = timedelta(microseconds=1)
MOMENTS = (timedelta(0), timedelta(hours=11), timedelta(days=1) - MICROSECOND)
"""Times of day at which events happen: few, so that they tie, and on the edges of the day."""

EVENT_TABLES = ("orders", "cases", "shipments", "reviews", "enforcements")
KINDS = {
    "cases": ("complaint", "refund", "cancellation"),
    "shipments": ("handed_over", "delivered", "in_transit"),
}

_PLAIN: Mapping[Kind, Any] = {
    Kind.STRING: "any",
    Kind.INTEGER: 1,
    Kind.FLOAT: 1.0,
    Kind.BOOLEAN: False,
    Kind.TIMESTAMP: datetime(2025, 1, 1, tzinfo=UTC),
}


@dataclass(frozen=True)
class Happening:
    """One event: its table, a number for its key, days since `FIRST` on which it occurred, and days until known."""

    table: str
    key: int
    day: int
    late: int
    moment: int
    variety: int

    @property
    def occurred_at(self) -> datetime:
        return midnight(FIRST) + timedelta(days=self.day) + MOMENTS[self.moment]

    @property
    def known_at(self) -> datetime:
        return self.occurred_at + timedelta(days=self.late)

    def row(self, number: int) -> dict[str, Any]:
        """The contract's columns; whatever does not matter here is the same in every row."""
        return _plain_row(self.table) | self._ids(number) | self._says()

    def _ids(self, number: int) -> dict[str, Any]:
        names = {"orders": "order_line_id", "cases": "case_id", "shipments": "scan_id", "reviews": "review_id"}
        parties = {name: f"{name}-{self.key}" for name in ("buyer_id", "seller_id", "product_id", "subject_id")}
        category = {"category": f"category-{self.key % 2}"}
        return {names.get(self.table, "enforcement_id"): f"{self.table}-{number}"} | parties | category

    def _says(self) -> dict[str, Any]:
        kinds = KINDS.get(self.table)
        return {
            "occurred_at": self.occurred_at,
            "known_at": self.known_at,
            "due_at": self.occurred_at + timedelta(hours=self.variety - 1),
            "version": 1 + self.variety // 3,
            "rating": 1 + self.variety,
            "price_minor": 100 * self.variety + 1,
            "reference_rate": 0.5,
            "direction": "return" if self.variety == 3 else "forward",
        } | ({"kind": kinds[self.variety % 3]} if kinds else {})


def _plain_row(table: str) -> dict[str, Any]:
    return {column.name: _plain_value(column) for column in TABLES[table].columns}


def _plain_value(column: Column) -> Any:
    return column.one_of[0] if column.one_of else _PLAIN[column.kind]


def rows_of(happenings: Iterable[Happening]) -> dict[str, list[dict[str, Any]]]:
    """Raw rows by table."""
    found: dict[str, list[dict[str, Any]]] = {table: [] for table in EVENT_TABLES}
    for number, happening in enumerate(happenings):
        found[happening.table].append(happening.row(number))
    return found


def frame_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    names = TABLES[table].names
    return pl.DataFrame([{name: row[name] for name in names} for row in rows], schema=TABLES[table].schema)


def random_happenings(seed: int, *, days: int, count: int, keys: int = 3) -> list[Happening]:
    """Events of all tables, some from long before `FIRST`; every one becomes known within `days` from then."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        late = int(chance.choice([0, 0, 0, 0, 1, 3, 8, 31, 89, 95]))
        known = int(chance.integers(0, days))
        table, key = str(chance.choice(EVENT_TABLES)), int(chance.integers(keys))
        moment, variety = int(chance.integers(3)), int(chance.integers(4))
        found.append(Happening(table, key, known - late, late, moment, variety))
    return found


def land_raw(lake: Lake, happenings: Sequence[Happening], days: Sequence[date]) -> None:
    """Write a partition of every event table for each of `days`, empty ones too."""
    for table, rows in rows_of(happenings).items():
        for day in days:
            known = [row for row in rows if row["known_at"].date() == day]
            land_day(lake, table, day, known)


def land_day(lake: Lake, table: str, day: date, rows: Sequence[Mapping[str, Any]]) -> None:
    oldest = min((row["occurred_at"].isoformat() for row in rows), default=None)
    facts = {"oldest_occurred_at": oldest}
    lake.write(f"raw/{table}", day, frame_of(table, rows), key=TABLES[table].key, fingerprint="", facts=facts)


def raw_row(table: str, **values: Any) -> dict[str, Any]:
    """A row of a table in which whatever is not stated is the same everywhere."""
    unknown = values.keys() - set(TABLES[table].names)
    assert not unknown, unknown
    return _plain_row(table) | values


def days_from_first(count: int) -> list[date]:
    return days_between(FIRST, FIRST + timedelta(days=count - 1))
