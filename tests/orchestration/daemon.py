"""The webserver and the daemon as people start them, with `govern ui`, and what a test reads of them."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_graphql import ask

from benchmarks.servers import free_port, listens
from orchestration.processes import PROCESS_TAG

_RUNS = """
{ runsOrError(limit: 200) { ... on Runs { results { runId jobName status startTime endTime tags { key value } } } } }
"""
_TICKS = """
{ %(kind)ssOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "governance"}) {
    ... on %(type)s { results { name state: %(kind)sState {
        ticks(limit: 1) { timestamp status skipReason error { message } } } } } } }
"""
_SENSORS = _TICKS % {"kind": "sensor", "type": "Sensors"}
_SCHEDULES = _TICKS % {"kind": "schedule", "type": "Schedules"}
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

Run = tuple[str, str, str]
"""A run by its job, who asked for it, and how it ended."""


@dataclass(frozen=True, slots=True)
class Ui:
    """The webserver of a running `govern ui`."""

    port: int
    process: subprocess.Popen[bytes]

    def counted(self) -> Counter[Run]:
        """Every run that the daemon was asked for."""
        return Counter((run["jobName"], run["tags"]["governance/asked_by"], run["status"]) for run in self._runs())

    def process_of(self, job: str) -> int:
        """The process of the next run of a job, once it has begun."""
        found: list[int] = []

        def begun() -> bool:
            under_way = [run for run in self._runs() if run["jobName"] == job and run["status"] == "STARTED"]
            found.extend(json.loads(run["tags"][PROCESS_TAG])["pid"] for run in under_way if PROCESS_TAG in run["tags"])
            return bool(found)

        self.wait(f"a run of {job}", begun)
        return found[0]

    def is_quiet(self, *, since: float) -> bool:
        """Whether every sensor has looked since then and since the last run ended, and started none."""
        runs = self._runs()
        if any(run["status"] not in _ENDED for run in runs):
            return False
        last = max([since, *(run["endTime"] for run in runs)])
        ticks = self._ticks(_SENSORS)
        assert not [tick for tick in ticks.values() if tick and tick["error"]], ticks
        # One that was under way then may have seen what was before.
        return all(tick and tick["status"] != "STARTED" and tick["timestamp"] > last + 4 for tick in ticks.values())

    def says(self, sensor: str) -> str:
        """Why a sensor asks for nothing."""
        return str((self._ticks(_SENSORS)[sensor] or {}).get("skipReason"))

    def wait_for_tick(self, schedule: str) -> None:
        """Wait until the next hour of a schedule has come and gone."""
        now = time.time()

        def gone() -> bool:
            tick = self._ticks(_SCHEDULES)[schedule]
            return tick is not None and tick["status"] != "STARTED" and bool(tick["timestamp"] > now)

        self.wait(f"a tick of {schedule}", gone)

    def wait(self, what: str, happened: Callable[[], bool], *, at_most_seconds: float = 900) -> None:
        """Look until it has happened, for as long as the processes live."""
        until = time.monotonic() + at_most_seconds
        while not happened():
            assert self.process.poll() is None, "govern ui ended"
            assert time.monotonic() < until, f"{what} did not happen: {self._runs()}"
            try:
                self.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue

    def _ticks(self, query: str) -> dict[str, dict[str, Any] | None]:
        """The newest tick of every sensor or schedule."""
        (found,) = ask(self.port, query).values()
        return {one["name"]: next(iter(one["state"]["ticks"]), None) for one in found["results"]}

    def _runs(self) -> list[dict[str, Any]]:
        found = ask(self.port, _RUNS)["runsOrError"]["results"]
        for run in found:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
        return [run for run in reversed(found) if "governance/asked_by" in run["tags"]]


@contextmanager
def govern_ui(program: Path, environment: dict[str, str], log: Path) -> Iterator[Ui]:
    """The webserver and the daemon, once every sensor has looked; all their processes are ended afterwards."""
    port = free_port()
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program, "ui", "--port", str(port)], env=environment, stdout=said, stderr=said, start_new_session=True
        )
        ui = Ui(port, process)
        try:
            ui.wait("the first look of every sensor", lambda: listens(port) and ui.is_quiet(since=0.0))
            yield ui
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=60)
            finally:
                _kill_what_is_left(process.pid)


def _kill_what_is_left(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
