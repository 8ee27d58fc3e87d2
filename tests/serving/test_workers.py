"""A service of two workers: one that dies is started again, and a request id is one decision whoever gets it."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving_process import CHECKOUT, ORDER, Callers, Connected, Running, connected, served

from governance.workspace import Workspace

pytestmark = pytest.mark.long

WORKERS = 2
AT_ONCE, AT_MOST, TIMES = 8, 64, 40
LOGIN = "/v1/decisions/login"
# Each in a market of its own, so that no breaker stops what hurts many at once.
LOGINS: Mapping[str, Mapping[str, Any]] = {
    f"{name}-{number}": {
        "entity_id": "login_1",
        "request_id": f"{name}-{number}",
        "market": f"m{number}",
        "context": {"wrong_passwords": wrong_passwords},
    }
    for name, wrong_passwords in {"mild": 0, "hurts": 7}.items()
    for number in range(TIMES)
}
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def workers_of(running: Running) -> list[psutil.Process]:
    """The processes that answer."""
    return [
        one for one in psutil.Process(running.process.pid).children() if "resource_tracker" not in str(one.cmdline())
    ]


@contextmanager
def to_both(running: Running) -> Iterator[list[Connected]]:
    """Connections of which each worker has some."""
    with ExitStack() as stack:
        asking = [stack.enter_context(connected(running)) for _ in range(AT_ONCE)]
        while True:
            for one in asking:
                assert one.ask("GET", "/health/live").status == 200
            if all(any(net.status == "ESTABLISHED" for net in one.net_connections()) for one in workers_of(running)):
                break
            assert len(asking) < AT_MOST, "one worker gets every connection"
            asking.append(stack.enter_context(connected(running)))
        yield asking


def test_a_worker_that_is_killed_is_started_again_while_the_other_answers(own_settled: Path) -> None:
    with served(own_settled, "--workers", str(WORKERS)) as running:
        before = workers_of(running)
        assert len(before) == WORKERS
        callers = Callers(running, CHECKOUT, ORDER, threads=4)
        with callers.asking():
            callers.wait_for(lambda each: each.status == 200)
            os.kill(before[0].pid, signal.SIGKILL)
            before[0].wait(30)
            callers.wait_for(lambda each: each.status == 200)
            while len(now := workers_of(running)) < WORKERS:
                callers.wait_for(lambda each: each.status == 200)
        assert before[0].pid not in {one.pid for one in now}
        # A connection breaks with its worker; whoever opens another one is answered.
        assert len(callers.failures) <= callers.threads
        assert {answer.status for answer in callers.answers} == {200}


def test_a_request_id_that_comes_to_both_workers_at_once_is_one_decision_in_the_ledger(
    own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    with served(own_settled, "--workers", str(WORKERS)) as running, to_both(running) as asking:
        told = {name: all_ask(asking, question) for name, question in LOGINS.items()}
        again = {name: running.ask("POST", LOGIN, question).body for name, question in LOGINS.items()}
    kept = {one.idempotency_key: one.decision_id for one in bazaar_at(own_settled).decisions.between(*EVER)}
    assert {name: answer["decision_id"] for name, answer in again.items()} == kept
    assert all(answer["replayed"] for answer in again.values())
    for name, answers in told.items():
        hurts = name.startswith("hurts")
        assert {(each["action"], each["durable"]) for each in answers} == {("step_up" if hurts else "allow", hurts)}
        # Where it hurts everybody was told of the one; a mild one may be made twice until it is on disk.
        ids = {each["decision_id"] for each in answers}
        assert kept[name] in ids
        assert len(ids) == 1 or not hurts


def all_ask(asking: list[Connected], question: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The same at the same time."""
    with ThreadPoolExecutor(len(asking)) as threads:
        return [answer.body for answer in threads.map(lambda one: one.ask("POST", LOGIN, question), asking)]
