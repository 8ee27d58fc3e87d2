"""Two weeks of a marketplace under the real daemon: days are released, whatever happens to them, nobody lends a hand.

`govern ui` starts the webserver and the daemon as it does for people. The owner's folder gets days one by one or some
at a time; schedules, sensors and conditions do the rest. After each release the runs that were started are counted:
exactly those that the runbooks name, and no other.
"""

import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.workspace import Workspace
from orchestration.plan import next_run
from orchestration.processes import PROCESS_TAG
from orchestration.runs import execute

FIRST = date(2024, 1, 1)
TABLES = ("orders", "shipments", "reviews", "cases", "labels")
"""Fewer than the world has: each costs its steps in every run."""

AUTOMATION = """
[automation]
weekly_at = "* * * * *"
look_every_seconds = 5
settle_seconds = 2
overdue_hours = 1000000
rebuild_key_share_at_most = 2.0
matured_growth_at_least = 1000.0
"""

RUNS = """
{ runsOrError(limit: 200) { ... on Runs { results { runId jobName status startTime endTime tags { key value } } } } }
"""
TICKS = """
{ sensorsOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "governance"}) {
    ... on Sensors { results { name sensorState { ticks(limit: 1) { timestamp status error { message } } } } } } }
"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

Runs = Counter[tuple[str, str, str]]
"""Runs by their job, who asked for them, and how they ended."""


@dataclass(frozen=True, slots=True)
class Ui:
    """The webserver of a running `govern ui`."""

    port: int
    process: subprocess.Popen[bytes]

    def ask(self, query: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json"})
            answer: dict[str, Any] = json.load(connection.getresponse())
        finally:
            connection.close()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def runs(self) -> list[dict[str, Any]]:
        """Every run that the daemon was asked for, oldest first."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        for run in found:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
        return [run for run in reversed(found) if "governance/asked_by" in run["tags"]]

    def process_of(self, job: str) -> int:
        """The process of the next run of a job, once it has begun."""
        found: list[int] = []

        def begun() -> bool:
            under_way = [run for run in self.runs() if run["jobName"] == job and run["status"] == "STARTED"]
            found.extend(json.loads(run["tags"][PROCESS_TAG])["pid"] for run in under_way if PROCESS_TAG in run["tags"])
            return bool(found)

        self.wait(f"a run of {job}", begun)
        return found[0]

    def counted(self) -> Runs:
        asked = [(run["jobName"], run["tags"]["governance/asked_by"], run["status"]) for run in self.runs()]
        # The schedule looks every minute here, which is when drift and the hour may call for the same week.
        return Counter(
            WEEK if one[1] in ("drift", "weekly_retraining") and one[2] == "SUCCESS" else one for one in asked
        )

    def is_quiet(self, *, since: float) -> bool:
        """Whether every sensor has looked since then and since the last run ended, and started none."""
        runs = self.runs()
        if any(run["status"] not in ENDED for run in runs):
            return False
        last = max([since, *(run["endTime"] for run in runs)])
        sensors = self.ask(TICKS)["sensorsOrError"]["results"]
        ticks = {sensor["name"]: sensor["sensorState"]["ticks"] for sensor in sensors}
        assert not [tick for found in ticks.values() for tick in found if tick["error"]], ticks
        # One that was under way then may have seen what was before.
        return all(found and found[0]["timestamp"] > last + 4 for found in ticks.values())

    def wait(self, what: str, happened: Callable[[], bool], *, at_most_seconds: float = 900) -> None:
        """Look until it has happened, for as long as the processes live."""
        until = time.monotonic() + at_most_seconds
        while not happened():
            assert self.process.poll() is None, "govern ui ended"
            assert time.monotonic() < until, f"{what} did not happen: {self.runs()}"
            try:
                self.process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue


@contextmanager
def govern_ui(program: Path, environment: dict[str, str], log: Path) -> Iterator[Ui]:
    """The webserver and the daemon, as people start them; all their processes are ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program, "ui", "--port", str(port)], env=environment, stdout=said, stderr=said, start_new_session=True
        )
        ui = Ui(port, process)
        try:
            ui.wait("the first look of every sensor", lambda: _answers(port) and ui.is_quiet(since=0.0))
            yield ui
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=60)
            finally:
                _kill_what_is_left(process.pid)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _kill_what_is_left(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's side: a whole world, and the folder into which its days are delivered."""

    whole: Path
    folder: Path

    def release(self, first: int, last: int, *, torn: tuple[str, int] | None = None) -> None:
        """Deliver days, the first one last: what is not in order is not taken, so that all are taken at once."""
        for number in range(last, first - 1, -1):
            for found in sorted(self.whole.glob(f"*/dt={day(number)}/rows.parquet")):
                table = found.parent.parent.name
                self.put(table, number, b"torn" if (table, number) == torn else found.read_bytes())

    def put(self, table: str, number: int, data: bytes | None = None) -> None:
        """Deliver one file, whole or not at all."""
        to = self.folder / table / f"dt={day(number)}" / "rows.parquet"
        to.parent.mkdir(parents=True, exist_ok=True)
        temporary = to.with_name(".arriving")
        temporary.write_bytes(data or (self.whole / to.relative_to(self.folder)).read_bytes())
        temporary.replace(to)

    def corrected(self, table: str, number: int) -> bytes:
        """A day's file as it is delivered again: some of its rows were none."""
        rows = pl.read_parquet(self.whole / table / f"dt={day(number)}" / "rows.parquet", hive_partitioning=False)
        file = io.BytesIO()
        rows.head(rows.height * 2 // 3).write_parquet(file)
        return file.getvalue()


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


WEEK = ("weekly", "drift or the schedule", "SUCCESS")
ONLINE = ("__ASSET_JOB", "online_behind_offline", "SUCCESS")


@pytest.mark.exhaustive
def test_a_fortnight_runs_by_itself(
    tmp_path: Path,
    world: Path,
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
    govern_program: Path,
    everything_in: Callable[[Workspace], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a run sets for itself is taken back with what is set here.
    monkeypatch.setenv("DAGSTER_HOME", "")
    owner = Owner(Path(shutil.copytree(world, tmp_path / "whole")), tmp_path / "delivered")
    owner.folder.mkdir()
    models = models_of_bazaar("claim", "merchant_fraud", maturity_days=3)
    workspace = _small(bazaar_at, tmp_path / "daemon", owner, models)
    expected: Runs = Counter()

    with govern_ui(govern_program, _environment(workspace, owner), tmp_path / "ui.log") as ui:

        def settles(what: str, *more: tuple[str, str, str]) -> None:
            """Exactly these runs follow from what was just delivered."""
            since = time.time()
            expected.update(more)
            ui.wait(what, lambda: not (expected - ui.counted()) and ui.is_quiet(since=since))
            assert ui.counted() == expected, what

        owner.release(1, 21, torn=("orders", 20))
        settles(
            "a broken file fails its run, the rest goes on; the week is trained, its gate fails, nothing is promoted",
            ("daily", "new_days", "FAILURE"),
            ("daily", "changed_days", "SUCCESS"),
            ONLINE,
            WEEK,
        )

        owner.put("orders", 20)
        owner.put("reviews", 17, owner.corrected("reviews", 17))
        settles(
            "a late and a redelivered day are one run, and the newest week is trained again",
            ("daily", "changed_days", "SUCCESS"),
            ONLINE,
            ("weekly", "changed_week", "SUCCESS"),
        )

        owner.release(22, 24)
        os.kill(ui.process_of("daily"), signal.SIGKILL)
        settles(
            "a killed run is done again once",
            ("daily", "new_days", "FAILURE"),
            ("daily", "new_days", "SUCCESS"),
            ONLINE,
        )

        for number in (22, 23, 24):
            owner.put("reviews", number, b"torn" if number == 23 else owner.corrected("reviews", number))
        settles(
            "a poisoned day among days delivered again is named, the others stand",
            ("daily", "changed_days", "FAILURE"),
            ("daily", "changed_days", "SUCCESS"),
            ONLINE,
        )

        owner.put("reviews", 23, owner.corrected("reviews", 23))
        settles("and lands when it is delivered again", ("daily", "changed_days", "SUCCESS"), ONLINE)

        owner.release(25, 35)
        settles(
            "of two weeks at once the newest is trained; drift calls for it; what passes is promoted",
            ("daily", "new_days", "SUCCESS"),
            ONLINE,
            WEEK,
            ("release", "promotion", "SUCCESS"),
        )

    by_hand = _small(bazaar_at, tmp_path / "by_hand", owner, models)
    while (planned := next_run(by_hand, weeks=1, done=[])) is not None and planned.job == "daily":
        assert execute(by_hand, planned).failures == ()
    assert _of_days(everything_in(workspace)) == _of_days(everything_in(by_hand))


def _of_days(found: dict[str, str]) -> dict[str, str]:
    """Raw rows, features, labels and their state: what does not depend on which weeks were trained."""
    return {
        name: digest for name, digest in found.items() if name.split("/")[0] in ("raw", "features", "labels", "state")
    }


def _small(bazaar_at: Callable[..., Workspace], root: Path, owner: Owner, models: str) -> Workspace:
    """A workspace of few tables under a quick pace."""
    bazaar_at(root, source=owner.folder, models=models + AUTOMATION)
    for sql in (root / "bazaar").glob("*.sql"):
        if sql.stem not in TABLES:
            sql.unlink()
    return bazaar_at(root, source=owner.folder)


def _environment(workspace: Workspace, owner: Owner) -> dict[str, str]:
    return os.environ | {
        "GOVERNANCE_ROOT": str(workspace.root.parent),
        "GOVERNANCE_SOURCE": str(owner.folder),
        "MARKETPLACE": str(workspace.marketplace.folder),
    }
