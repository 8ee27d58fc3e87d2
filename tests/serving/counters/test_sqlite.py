"""Counters in SQLite: replayed event by event they hold what is counted offline."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings

from serving.counters.sqlite import SqliteCounters

from .conftest import ORDERS, ROWS, START, Row, event, line, moments, offline, read_for


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[SqliteCounters]:
    store = SqliteCounters(tmp_path / "counters.sqlite", ORDERS)
    yield store
    asyncio.run(store.close())


def test_an_event_counts_once_however_often_it_comes(counters: SqliteCounters) -> None:
    order = event(1, line(0))
    first = asyncio.run(counters.record([order, order], now=START))
    again = asyncio.run(counters.record([order], now=START))
    assert (first.accepted, first.repeated, again.accepted, again.repeated) == (1, 1, 0, 1)
    found = asyncio.run(counters.read([({"buyer_id": "buyer_id-1"}, START)]))[0]
    assert (found["buyer_lines_5m"], found["buyer_spend_24h"], found["buyer_devices_1h"]) == (1, 125, 1)


def test_what_is_too_old_for_any_window_is_said_and_not_counted(counters: SqliteCounters) -> None:
    recorded = asyncio.run(counters.record([event(1, line(0))], now=START + timedelta(days=1)))
    assert (recorded.accepted, recorded.too_old) == (0, 1)


def test_the_file_forgets_what_no_window_holds_any_more(counters: SqliteCounters, tmp_path: Path) -> None:
    asyncio.run(counters.record([event(1, line(0))], now=START))
    later = START + timedelta(days=2)
    asyncio.run(counters.record([event(2, line(2 * 86_400))], now=later))
    kept = "SELECT minute FROM seen UNION ALL SELECT minute FROM amounts UNION ALL SELECT minute FROM members"
    with closing(sqlite3.connect(tmp_path / "counters.sqlite")) as database:
        left = {minute for (minute,) in database.execute(kept)}
    assert left == {later.timestamp() // 60}


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_played_in_order_it_holds_at_each_line_what_is_counted_offline(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = SqliteCounters(tmp_path_factory.mktemp("played") / "counters.sqlite", ORDERS)
    assert asyncio.run(_play(store, rows)) == offline(rows)


async def _play(store: SqliteCounters, rows: list[Row]) -> list[dict[str, int | None]]:
    served = []
    for now in moments(rows):
        served += [await read_for(store, row) for _, row in now]
        await store.record([event(number, row) for number, row in now], now=now[0][1]["occurred_at"])
    await store.close()
    return served
