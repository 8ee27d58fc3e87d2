"""Counters in SQLite: replayed event by event they hold what is counted offline."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.counters.catalogue import COUNTERS
from governance.counters.definition import Event
from governance.counters.offline import counters_at
from serving.counters.sqlite import SqliteCounters

START = datetime(2024, 3, 1, tzinfo=UTC)
ORDERS = tuple(counter for counter in COUNTERS if counter.table == "orders")
KEYS = ("buyer_id", "seller_id", "device", "instrument", "address", "coupon")
_TIMES = pl.Datetime("us", "UTC")
_SCHEMA = {
    **dict.fromkeys(KEYS, pl.String),
    **{"price_minor": pl.Int64, "reference_rate": pl.Float64, "occurred_at": _TIMES, "known_at": _TIMES},
}


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[SqliteCounters]:
    store = SqliteCounters(tmp_path / "counters.sqlite", ORDERS)
    yield store
    asyncio.run(store.close())


def line(seconds: int, **fields: object) -> dict[str, object]:
    at = START + timedelta(seconds=seconds)
    keys = {name: f"{name}-1" for name in KEYS}
    return {**keys, "price_minor": 250, "reference_rate": 0.5, "occurred_at": at, "known_at": at, **fields}


def event(number: int, row: dict[str, object]) -> Event:
    fields = {name: value for name, value in row.items() if not name.endswith("_at")}
    return Event("orders", f"line-{number}", row["occurred_at"], fields)  # type: ignore[arg-type]


def test_an_event_counts_once_however_often_it_comes(counters: SqliteCounters) -> None:
    order = event(1, line(0))
    first = asyncio.run(counters.record([order, order], now=START))
    again = asyncio.run(counters.record([order], now=START))
    assert (first.counted, first.repeated, again.counted, again.repeated) == (1, 1, 0, 1)
    found = asyncio.run(counters.read(ORDERS, {"buyer_id": "buyer_id-1"}, at=START))
    assert (found["buyer_lines_5m"], found["buyer_spend_24h"], found["buyer_devices_1h"]) == (1, 125, 1)


def test_what_is_too_old_for_any_window_is_said_and_not_counted(counters: SqliteCounters) -> None:
    recorded = asyncio.run(counters.record([event(1, line(0))], now=START + timedelta(days=1)))
    assert (recorded.counted, recorded.too_old) == (0, 1)


def test_the_file_forgets_what_no_window_holds_any_more(counters: SqliteCounters) -> None:
    asyncio.run(counters.record([event(1, line(0))], now=START))
    later = START + timedelta(days=2)
    asyncio.run(counters.record([event(2, line(2 * 86_400))], now=later))
    tables = ("seen", "amounts", "members")
    left = [counters._database.execute(f"SELECT min(minute) FROM {table}").fetchone()[0] for table in tables]
    assert left == [later.timestamp() // 60] * 3


_ROWS = st.lists(
    st.builds(
        line,
        st.integers(0, 3_000).map(lambda half: half * 31),
        buyer_id=st.sampled_from(["b1", "b2"]),
        device=st.sampled_from(["d1", "d2", None]),
        price_minor=st.integers(0, 999),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_played_in_order_it_holds_at_each_order_what_is_counted_offline(
    rows: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = SqliteCounters(tmp_path_factory.mktemp("played") / "counters.sqlite", ORDERS)
    # Of lines of one moment each is decided before any of them counts.
    played = sorted(rows, key=lambda row: row["occurred_at"])  # type: ignore[arg-type,return-value]
    served = asyncio.run(_play(store, played))
    decisions = pl.DataFrame(played, schema=_SCHEMA).with_columns(decided_at="occurred_at")
    offline = counters_at(decisions, {"orders": pl.DataFrame(played, schema=_SCHEMA)}, ORDERS)
    names = [name for counter in ORDERS for name in counter.features]
    assert offline.select(names).to_dicts() == served


async def _play(store: SqliteCounters, rows: list[dict[str, object]]) -> list[dict[str, int | None]]:
    names = [name for counter in ORDERS for name in counter.features]
    served = []
    for moment in sorted({row["occurred_at"] for row in rows}):  # type: ignore[type-var]
        now = [(number, row) for number, row in enumerate(rows) if row["occurred_at"] == moment]
        for _, row in now:
            keys = {name: str(row[name]) for name in KEYS if row[name] is not None}
            found = await store.read(ORDERS, keys, at=moment)  # type: ignore[arg-type]
            served.append({name: found.get(name) for name in names})
        await store.record([event(number, row) for number, row in now], now=moment)  # type: ignore[arg-type]
    await store.close()
    return served
