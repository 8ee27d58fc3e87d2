"""A running service whose stores are killed, hung, emptied or locked while it is asked: it answers as documented, keeps
what it acknowledged, and is well again without a restart."""

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from live import in_production, put_online
from needed import require_redis
from serving_process import Answer, Callers, Running, served

from benchmarks.servers import free_port, wait_until_it_answers
from governance.contracts.calendar import valid_at
from governance.workspace import Workspace

pytestmark = pytest.mark.long

LAST_DAY = date(2024, 2, 4)
KEYS = ("buyer_id", "seller_id", "product_id", "category")
BLIND = ["features", "counters"]


@dataclass
class OwnRedis:
    """A Redis that keeps what it holds, and that a test may kill and start again on its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--dir", str(self.folder), "--appendonly", "yes"]
        words += ["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_until_it_answers(self.port, self.process)

    def send(self, number: int) -> None:
        """A signal to its process."""
        assert self.process
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Market:
    """A service on its Redis, that is asked about one order all the while."""

    running: Running
    callers: Callers
    redis: OwnRedis
    workspace: Workspace

    def is_answered(self, degraded: list[str]) -> None:
        """Wait for an answer that names these parts."""
        self.callers.wait_for(lambda each: each.status == 200 and each.body["degraded"] == degraded)

    def is_whole(self) -> None:
        """Wait for an answer with a score."""
        self.callers.wait_for(lambda each: each.status == 200 and not each.body["degraded"] and each.body["scores"])

    def payout(self) -> Answer:
        """One question at a point that fails closed."""
        return self.running.ask("POST", "/v1/decisions/payout", {"entity_id": "s1", "keys": {"seller_id": "s1"}})


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    require_redis()
    (tmp_path / "redis").mkdir()
    server = OwnRedis(tmp_path / "redis")
    server.start()
    yield server
    server.send(signal.SIGCONT)
    server.kill()
    shutil.rmtree(tmp_path / "redis")


@pytest.fixture
def market(own_settled: Path, bazaar_at: Callable[..., Workspace], redis: OwnRedis) -> Iterator[Market]:
    """Afterwards every decision that was told is in the ledger once, and no caller was left without an answer."""
    live, environment = in_production(own_settled, bazaar_at(own_settled), f"127.0.0.1:{redis.port},db=0")
    put_online(live, valid_at(LAST_DAY))
    order = pl.read_parquet(live.lake.path("raw/orders", LAST_DAY), hive_partitioning=False).row(0, named=True)
    question = {"entity_id": order["order_line_id"], "keys": {name: order[name] for name in KEYS}}
    with served(own_settled, **environment) as running:
        callers = Callers(running, "/v1/decisions/checkout", question, threads=2)
        found = Market(running, callers, redis, live)
        with callers.asking():
            found.is_whole()
            yield found
            found.is_whole()
    assert callers.failures == []
    assert {each.status for each in callers.answers} == {200}
    told = [each.body["decision_id"] for each in callers.answers]
    kept = [one.decision_id for one in live.decisions.about(order["order_line_id"], at_most=1_000_000)]
    assert sorted(kept) == sorted(told)
    live.decisions.close()


def test_a_redis_that_is_killed_is_done_without_and_found_again(market: Market) -> None:
    market.redis.kill()
    market.is_answered(BLIND)
    assert market.payout().body["action"] == "hold"
    assert market.running.ask("GET", "/health/ready").status == 200
    market.redis.start()


def test_a_redis_that_hangs_costs_nobody_more_than_the_deadline(market: Market) -> None:
    market.redis.send(signal.SIGSTOP)
    market.is_answered(BLIND)
    market.redis.send(signal.SIGCONT)


def test_an_emptied_redis_is_no_market_of_strangers(market: Market) -> None:
    from redis import Redis

    with Redis(port=market.redis.port) as client:
        client.flushall()
    market.is_answered(["features"])
    put_online(market.workspace, valid_at(LAST_DAY))


def test_a_locked_ledger_keeps_what_hurts_from_being_answered_and_loses_nothing(market: Market) -> None:
    market.redis.send(signal.SIGSTOP)
    market.is_answered(BLIND)
    with _locked(market.workspace.root / "ledgers" / "decisions.sqlite"):
        # Without features a payout is held, which hurts.
        refused = market.payout()
        assert (refused.status, "ask again" in refused.body["detail"]) == (503, True)
        market.is_answered(BLIND)
    assert market.payout().body["action"] == "hold"
    market.redis.send(signal.SIGCONT)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the ledger's lock for writing, as a backup that hangs would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")
