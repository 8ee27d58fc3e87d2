"""Counters on a real Redis: exact through repeated events, dead consumers and entries that are no events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.servers import RedisServer, redis_server
from feature_repo.redis_connection import Connection, address_of
from governance.errors import StoreError
from serving.counters.consumer import Consumer, Counted
from serving.counters.redis import Names, RedisCounters

from .conftest import ORDERS, ROWS, START, Row, event, line, moments, offline, read_for

NAMES = Names("shop")


def consumer(client: Any, name: str = "one") -> Consumer:
    found = Consumer(client, ORDERS, project="shop", name=name)
    found.start()
    return found


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisCounters]:
    address = address_of(server.connection_string)
    assert address
    store = RedisCounters(Connection(address), ORDERS, project="shop")
    yield store
    await store.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_played_in_order_it_holds_at_each_line_what_is_counted_offline(
    rows: list[Row], redis_process: RedisServer, redis_client: Any
) -> None:
    redis_client.flushall()

    async def play() -> list[dict[str, int | None]]:
        ours, served = consumer(redis_client), []
        async with opened(redis_process) as store:
            for now in moments(rows):
                served += [await read_for(store, row) for _, row in now]
                events = [event(number, row) for number, row in now]
                # Producers repeat themselves, and the second time changes nothing.
                await store.record([*events, *events], now=now[0][1]["occurred_at"])
                assert ours.step(wait_milliseconds=1) == Counted(new=len(events), repeated=len(events))
        return served

    assert asyncio.run(play()) == offline(rows)


def test_what_a_dead_consumer_was_handed_counts_once_when_it_comes_back(
    redis_process: RedisServer, redis_client: Any
) -> None:
    async def send() -> str:
        async with opened(redis_process) as store:
            return (await store.record([event(number, line(0)) for number in range(10)], now=START)).token

    first = consumer(redis_client)
    token = asyncio.run(send())
    held = first._handed(">", wait_milliseconds=1)
    first._apply(held[:4])
    assert _behind(redis_process, token)
    # It died here: six entries are handed out and not counted.
    assert Consumer(redis_client, ORDERS, project="shop", name="one").start() == Counted(new=6)
    assert not _behind(redis_process, token)
    assert _read(redis_process, "buyer_id-1")["buyer_lines_5m"] == 10


def test_others_claim_what_a_dead_consumer_was_handed(
    redis_process: RedisServer, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send() -> None:
        async with opened(redis_process) as store:
            await store.record([event(number, line(0)) for number in range(10)], now=START)

    consumer(redis_client, "dead")
    asyncio.run(send())
    consumer(redis_client, "dead")._handed(">", wait_milliseconds=1)
    monkeypatch.setattr("serving.counters.consumer.CLAIMED_AFTER_MILLISECONDS", 0)
    assert consumer(redis_client, "alive").step(wait_milliseconds=1) == Counted(new=10)


def test_an_entry_that_is_no_event_is_put_aside_with_the_reason(redis_client: Any) -> None:
    ours = consumer(redis_client)
    redis_client.xadd(NAMES.stream, {"event": b'{"table": 3}'})
    redis_client.xadd(NAMES.stream, {"event": msgspec.json.encode(event(1, line(0)))})
    assert ours.step(wait_milliseconds=1) == Counted(new=1, refused=1)
    [(_, refused)] = redis_client.xrange(NAMES.refused)
    assert b"Expected `str`" in refused[b"why"]


def test_counted_events_leave_the_stream_and_waiting_ones_stay(redis_process: RedisServer, redis_client: Any) -> None:
    async def send(first: int) -> None:
        async with opened(redis_process) as store:
            await store.record([event(first + number, line(0)) for number in range(1_000)], now=START)

    ours = consumer(redis_client)
    for hundred in range(3):
        asyncio.run(send(1_000 * hundred))
    for _ in range(4):
        ours.step(wait_milliseconds=1)
    # Trimming is by whole nodes of the stream, so that some counted ones stay for a while.
    assert 1_000 <= redis_client.xlen(NAMES.stream) < 1_500
    for _ in range(2):
        ours.step(wait_milliseconds=1)
    assert _read(redis_process, "buyer_id-1")["buyer_lines_5m"] == 3_000


def test_a_redis_that_is_gone_is_an_error_that_says_so() -> None:
    with redis_server() as server:
        pass
    with pytest.raises(StoreError, match="GOVERNANCE_REDIS"):
        _read(server, "buyer_id-1")


def _read(server: RedisServer, buyer: str) -> Mapping[str, int]:
    async def read() -> Mapping[str, int]:
        async with opened(server) as store:
            return (await store.read([({"buyer_id": buyer}, START)]))[0]

    return asyncio.run(read())


def _behind(server: RedisServer, token: str) -> bool:
    async def ask() -> bool:
        async with opened(server) as store:
            return await store.behind(token)

    return asyncio.run(ask())
