"""The service as a user runs it, `govern serve` on a free port, and callers that keep asking."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from programs import GOVERN

SECONDS_AT_MOST = 90.0
HOST = "127.0.0.1"

CHECKOUT = "/v1/decisions/checkout"
ORDER = {
    "entity_id": "line_1",
    "keys": {"buyer_id": "b1", "seller_id": "s1", "product_id": "p1", "category": "toys"},
    "context": {"price_minor": 1000, "reference_rate": 1.0},
}
"""What callers ask again and again: an order of a settled marketplace."""


@dataclass(frozen=True)
class Answer:
    """What came back, and when."""

    status: int
    body: Any
    at: float


@dataclass(frozen=True)
class Running:
    """A service that answers, how its commands are run, and a key that opens everything."""

    port: int
    environment: Mapping[str, str]
    token: str
    process: "subprocess.Popen[str]"

    def govern(self, *words: str) -> str:
        """Run a command on the same workspace, and return what it printed."""
        done = subprocess.run([GOVERN, *words], env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            return _ask(connection, method, path, body, self.token)
        finally:
            connection.close()


@dataclass(frozen=True)
class Connected:
    """A caller that keeps its connection, as services do."""

    running: Running
    connection: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request after the other; whatever may be asked twice, as everything here may."""
        try:
            return _ask(self.connection, method, path, body, self.running.token)
        except (BrokenPipeError, http.client.RemoteDisconnected):
            # The service closes a connection on which nothing was asked for seconds; the next request opens another.
            self.connection.close()
            return _ask(self.connection, method, path, body, self.running.token)


@contextmanager
def connected(running: Running) -> Iterator[Connected]:
    """A connection to a service for as long as the block lasts."""
    connection = http.client.HTTPConnection(HOST, running.port, timeout=30)
    try:
        yield Connected(running, connection)
    finally:
        connection.close()


@contextmanager
def served(root: Path, *options: str, **environment: str) -> Iterator[Running]:
    """Serve the workspace of a settled folder until the block ends, and then end it as an operator does."""
    environ = os.environ | {"GOVERNANCE_ROOT": str(root / "var"), "MARKETPLACE": str(root / "bazaar"), **environment}
    words = ["keys", "add", "test", "--reason", "a test", "--who", "test"]
    scopes = [word for scope in ("score", "read", "events") for word in ("--scope", scope)]
    token = subprocess.run([GOVERN, *words, *scopes], env=environ, capture_output=True, text=True, check=True).stdout
    process = subprocess.Popen(
        [GOVERN, "serve", "--port", "0", *options],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        running = Running(_port(process), environ, token.strip(), process)
        _wait_until_it_answers(running)
        yield running
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
    # Having closed everything, a server dies of the signal that it was sent, so that whoever sent it can tell; one that
    # only watches over workers ends well.
    assert process.returncode in (-signal.SIGTERM, 0), said


@dataclass
class Callers:
    """Threads that ask the same question again and again, each on one connection, and keep every answer."""

    running: Running
    path: str
    body: Mapping[str, Any]
    threads: int = 4
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator["Callers"]:
        """Ask for as long as the block lasts."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._run, args=(stop,)) for _ in range(self.threads)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def wait_for(self, told: Any) -> None:
        """Until an answer that came in from now on is as wanted."""
        seen, deadline = len(self.answers), time.monotonic() + SECONDS_AT_MOST
        while not any(told(answer) for answer in self.answers[seen:]):
            assert time.monotonic() < deadline, f"no such answer; the last one: {self.answers[-1:]}"
            time.sleep(0.005)

    def _run(self, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection(HOST, self.running.port, timeout=30)
        while not stop.is_set():
            try:
                self.answers.append(_ask(connection, "POST", self.path, self.body, self.running.token))
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(repr(failure))
                connection.close()
        connection.close()


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: object, token: str) -> Answer:
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    response = connection.getresponse()
    raw = response.read()
    is_json = "json" in (response.headers.get("content-type") or "")
    return Answer(response.status, json.loads(raw) if is_json else raw, time.time())


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "Decisions at http" in line:
            return int(line.split("http://")[1].split(",")[0].rsplit(":", 1)[1])
    raise AssertionError("the service ended:\n" + "".join(said))


def _wait_until_it_answers(running: Running) -> None:
    deadline = time.monotonic() + SECONDS_AT_MOST
    while running.process.poll() is None and time.monotonic() < deadline:
        try:
            if running.ask("GET", "/health/ready").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the service does not answer")
