"""Counters' tests share a world of order lines and a real Redis."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from governance.counters.catalogue import COUNTERS
from governance.counters.definition import Event
from governance.counters.offline import counters_at
from serving.counters.store import CounterStore

START = datetime(2024, 3, 1, tzinfo=UTC)
ORDERS = tuple(counter for counter in COUNTERS if counter.table == "orders")
KEYS = ("buyer_id", "seller_id", "device", "instrument", "address", "coupon")
NAMES = [name for counter in ORDERS for name in counter.features]
_TIMES = pl.Datetime("us", "UTC")
_SCHEMA = {
    **dict.fromkeys(KEYS, pl.String),
    **{"price_minor": pl.Int64, "reference_rate": pl.Float64, "occurred_at": _TIMES, "known_at": _TIMES},
}

Row = dict[str, Any]


def line(seconds: int, **fields: Any) -> Row:
    """An order line so many seconds after the start."""
    at = START + timedelta(seconds=seconds)
    keys = {name: f"{name}-1" for name in KEYS}
    return {**keys, "price_minor": 250, "reference_rate": 0.5, "occurred_at": at, "known_at": at, **fields}


def event(number: int, row: Row) -> Event:
    """The line as an event."""
    fields = {name: value for name, value in row.items() if not name.endswith("_at")}
    return Event("orders", f"line-{number}", row["occurred_at"], fields)


ROWS = st.lists(
    st.builds(
        line,
        st.integers(0, 3_000).map(lambda half: half * 31),
        buyer_id=st.sampled_from(["b1", "b2"]),
        device=st.sampled_from(["d1", "d2", None]),
        price_minor=st.integers(0, 999),
    ),
    min_size=1,
    max_size=25,
).map(lambda rows: sorted(rows, key=lambda row: row["occurred_at"]))
"""Lines in order of time, many of them at one moment."""


def offline(rows: list[Row]) -> list[dict[str, int | None]]:
    """What was counted before each line, from the rows as they lie in the lake."""
    frame = pl.DataFrame(rows, schema=_SCHEMA)
    return counters_at(frame.with_columns(decided_at="occurred_at"), {"orders": frame}, ORDERS).select(NAMES).to_dicts()


async def read_for(store: CounterStore, row: Row) -> dict[str, int | None]:
    """What a store says at the moment of a line."""
    keys = {name: str(row[name]) for name in KEYS if row[name] is not None}
    (found,) = await store.read([(keys, row["occurred_at"])])
    return {name: found.get(name) for name in NAMES}


def moments(rows: list[Row]) -> list[list[tuple[int, Row]]]:
    """Numbered lines by moment: of those of one moment each is decided before any of them counts."""
    numbered = list(enumerate(rows))
    return [[one for one in numbered if one[1]["occurred_at"] == at] for at in sorted({r["occurred_at"] for r in rows})]
