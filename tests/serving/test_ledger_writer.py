"""The writer of a service: durable means on disk, what was answered is never dropped, and a queue has an end."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from some_decision import some_decision

from governance.decisions.ledger import Row, open_ledger, row_of
from governance.decisions.ledger_sqlite import SqliteLedger
from governance.errors import InputError, StoreError
from serving.ledger_writer import LedgerWriter, WriterLimits
from serving.put_aside import put_aside

NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)


class Counted(SqliteLedger):
    """A ledger that counts its commits, and that a test may stop or break."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.batches: list[int] = []
        self.broken = False
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.reached = threading.Event()

    def append_rows(self, rows: Sequence[Row]) -> list[str]:
        """Append, once the test lets it."""
        self.reached.set()
        self.goes_on.wait(20)
        if self.broken:
            raise StoreError("the disk is full")
        self.batches.append(len(rows))
        return super().append_rows(rows)


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path / "decisions.sqlite")


def rows_in(path: Path) -> int:
    """Decisions on disk, as another process sees them."""
    ledger = open_ledger(path)
    try:
        return sum(mark.rows for mark in ledger.days().values())
    finally:
        ledger.close()


Body = Callable[[LedgerWriter], Any]


def with_writer(ledger: SqliteLedger, body: Body, *, aside: Path | None = None, **limits: Any) -> None:
    """Run a coroutine with a writer, and close the writer."""
    folder = aside or ledger._path.parent / "aside"

    async def run() -> None:
        writer = LedgerWriter(ledger, aside=folder, limits=WriterLimits(**limits))
        try:
            await body(writer)
        finally:
            await writer.close()

    asyncio.run(run())


def test_a_durable_decision_is_on_disk_when_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"

    async def body(writer: LedgerWriter) -> None:
        kept = await writer.keep(some_decision("a"), durable=True)
        assert (kept, rows_in(path)) == (some_decision("a"), 1)

    with_writer(SqliteLedger(path), body)


def test_what_was_answered_is_on_disk_when_the_writer_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"

    async def body(writer: LedgerWriter) -> None:
        for number in range(1_234):
            await writer.keep(some_decision(str(number)), durable=False)

    with_writer(SqliteLedger(path), body, linger_seconds=5.0)

    assert rows_in(path) == 1_234


def test_requests_that_come_together_share_a_commit(counted: Counted) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.goes_on.clear()
        first = asyncio.create_task(writer.keep(some_decision("first"), durable=True))
        await asyncio.to_thread(counted.reached.wait, 20)
        others = [asyncio.create_task(writer.keep(some_decision(str(n)), durable=True)) for n in range(60)]
        await asyncio.sleep(0)
        counted.goes_on.set()
        await asyncio.gather(first, *others)

    with_writer(counted, body)

    assert counted.batches == [1, 60]


def test_the_earlier_decision_of_a_request_comes_back_from_another_worker(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    other = open_ledger(path)
    other.append([some_decision("theirs", idempotency_key="r1")])

    async def body(writer: LedgerWriter) -> None:
        assert (await writer.keep(some_decision("ours", idempotency_key="r1"), durable=True)).decision_id == "theirs"

    with_writer(SqliteLedger(path), body)


def test_a_request_is_found_before_and_after_it_is_written(counted: Counted) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.goes_on.clear()
        await writer.keep(some_decision("a", idempotency_key="r1"), durable=False)
        assert await writer.find("shop", "r1") == some_decision("a", idempotency_key="r1")
        assert writer.unwritten("a") == some_decision("a", idempotency_key="r1")
        assert await writer.get("a") is None
        assert await writer.find("shop", "r2") is None
        counted.goes_on.set()
        await writer.keep(some_decision("b"), durable=True)
        assert await writer.find("shop", "r1") == await writer.get("a") == some_decision("a", idempotency_key="r1")
        async with asyncio.timeout(20):
            while writer.unwritten("a"):
                await asyncio.sleep(0)
        assert [one.decision_id for one in await writer.about("s1", at_most=5)] == ["b", "a"]

    with_writer(counted, body)


def test_a_failing_ledger_refuses_what_hurts_and_keeps_what_was_answered(counted: Counted) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.broken = True
        await writer.keep(some_decision("answered"), durable=False)
        with pytest.raises(StoreError, match="the disk is full"):
            await writer.keep(some_decision("refused"), durable=True)
        assert writer.failure == "the disk is full"
        counted.broken = False
        await writer.keep(some_decision("again"), durable=True)
        assert writer.failure is None
        assert await writer.get("answered") is not None
        assert await writer.get("refused") is None, "its caller was told that it was not kept"

    with_writer(counted, body, retry_seconds=0.01)


def test_a_ledger_that_stands_still_is_not_waited_for_without_end(counted: Counted) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.goes_on.clear()
        await writer.keep(some_decision("in the way"), durable=False)
        await asyncio.to_thread(counted.reached.wait, 20)
        with pytest.raises(StoreError, match=r"not on disk after 0\.5 s"):
            await writer.keep(some_decision("late"), durable=True)
        counted.goes_on.set()
        await writer.keep(some_decision("next"), durable=True)
        assert await writer.get("late") is None

    with_writer(counted, body, wait_seconds=0.5)


def test_the_queue_has_an_end(counted: Counted) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.goes_on.clear()
        for number in range(3):
            await writer.keep(some_decision(str(number)), durable=False)
        with pytest.raises(StoreError, match="3 decisions behind"):
            await writer.keep(some_decision("too much"), durable=False)
        counted.goes_on.set()

    with_writer(counted, body, rows_at_most=3)

    assert sum(counted.batches) == 3


def test_one_decision_that_nobody_can_store_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"

    async def body(writer: LedgerWriter) -> None:
        nobodys = structs.replace(some_decision("spoilt"), entity_id=None)
        spoilt = asyncio.create_task(writer.keep(nobodys, durable=True))
        sound = [asyncio.create_task(writer.keep(some_decision(str(n)), durable=True)) for n in range(5)]
        with pytest.raises(StoreError, match="cannot be stored"):
            await spoilt
        with pytest.raises(InputError, match="cannot be written down"):
            await writer.keep(some_decision("\ud800"), durable=False)
        await asyncio.gather(*sound)

    with_writer(SqliteLedger(path), body)

    assert rows_in(path) == 5


def test_what_a_ledger_that_never_came_back_did_not_take_is_written_by_the_next_service(
    counted: Counted, tmp_path: Path
) -> None:
    async def answer_four(writer: LedgerWriter) -> None:
        counted.broken = True
        for number in range(4):
            await writer.keep(some_decision(str(number)), durable=False)
        with pytest.raises(StoreError, match="the disk is full"):
            await writer.keep(some_decision("refused"), durable=True)

    async def nothing(_: LedgerWriter) -> None:
        """No request comes."""

    async def one_more(writer: LedgerWriter) -> None:
        await writer.keep(some_decision("one more"), durable=True)

    aside, quick = tmp_path / "aside", {"close_seconds": 0.1, "retry_seconds": 0.01}
    with_writer(counted, answer_four, aside=aside, **quick)
    assert len(list(aside.iterdir())) == 1
    # It is still away when the next service starts and ends.
    with_writer(counted, nothing, aside=aside, **quick)
    assert len(list(aside.iterdir())) == 1
    counted.broken = False
    with_writer(counted, one_more, aside=aside, **quick)

    assert list(aside.iterdir()) == []
    assert rows_in(tmp_path / "decisions.sqlite") == 5


def test_what_is_put_aside_twice_or_torn_harms_nobody(counted: Counted, tmp_path: Path) -> None:
    aside, same = tmp_path / "aside", [row_of(some_decision(name)).body for name in "ab"]
    put_aside(aside, same)
    put_aside(aside, same)
    (aside / "torn.jsonl").write_bytes(b'{"decision_id": ')

    async def one_more(writer: LedgerWriter) -> None:
        await writer.keep(some_decision("one more"), durable=True)

    with_writer(counted, one_more, aside=aside)

    assert [path.name for path in aside.iterdir()] == ["torn.unreadable"]
    assert rows_in(tmp_path / "decisions.sqlite") == 3


def test_closing_says_what_was_lost_where_it_cannot_be_put_aside_either(counted: Counted, tmp_path: Path) -> None:
    async def body(writer: LedgerWriter) -> None:
        counted.broken = True
        for number in range(4):
            await writer.keep(some_decision(str(number)), durable=False)

    (tmp_path / "a file").touch()
    with pytest.raises(StoreError, match="without 4 decisions: the disk is full"):
        with_writer(counted, body, aside=tmp_path / "a file", close_seconds=0.1, retry_seconds=0.01)


def test_nothing_is_taken_after_closing(tmp_path: Path) -> None:
    async def run() -> None:
        writer = LedgerWriter(open_ledger(tmp_path / "decisions.sqlite"), aside=tmp_path)
        await writer.close()
        with pytest.raises(StoreError, match="ending"):
            await writer.keep(some_decision("a"), durable=False)

    asyncio.run(run())
