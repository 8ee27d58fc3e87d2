"""A backfill asked for in the Dagster UI: one run over the range, terminated half-way, and gone on with."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from governance.contracts.calendar import days_between
from governance.workspace import Workspace
from orchestration.environments import prepare_dagster_home
from orchestration.plan import backfill_run, next_run

PROJECT = Path(__file__).parents[2]
FIRST, LAST = date(2024, 1, 1), date(2024, 2, 4)
PROGRAMS = {
    "daemon": ["dagster-daemon", "run", "-w", "workspace.yaml"],
    "webserver": ["dagster-webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p"],
}

LAUNCH = """
mutation Launch($assets: [AssetKeyInput!]!, $days: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $days}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
RUNS = "query Runs { runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
TERMINATE = "mutation End($run: String!) { terminateRun(runId: $run) { __typename } }"


class Desk:
    """The Dagster UI of a workspace, as GraphQL."""

    def __init__(self, port: int, daemon: "subprocess.Popen[bytes]") -> None:
        self._port, self._daemon = port, daemon

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = json.dumps({"query": query, "variables": variables})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.load(connection.getresponse())
        connection.close()
        assert "errors" not in answer, answer
        return answer["data"]

    def runs(self) -> list[dict[str, Any]]:
        """Every run, oldest first."""
        return self.ask(RUNS)["runsOrError"]["results"][::-1]

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Look again and again, for as long as the daemon lives."""
        while not happened():
            try:
                self._daemon.wait(timeout=0.02)
                pytest.fail("the daemon ended")
            except subprocess.TimeoutExpired:
                continue

    def backfill(self, assets: list[tuple[str, ...]], days: list[date]) -> str:
        """Launch a backfill and return its run, once there is one."""
        before = {run["runId"] for run in self.runs()}
        named = [{"path": list(key)} for key in assets]
        launched = self.ask(LAUNCH, assets=named, days=[str(day) for day in days])["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        self.wait_until(lambda: len(self.runs()) > len(before))
        (run,) = (run["runId"] for run in self.runs() if run["runId"] not in before)
        return str(run)

    def status(self, run: str) -> str:
        return next(str(one["status"]) for one in self.runs() if one["runId"] == run)

    def ended(self, run: str) -> bool:
        return self.status(run) in ("SUCCESS", "FAILURE", "CANCELED")


@contextmanager
def desk(workspace: Workspace) -> Iterator[Desk]:
    """A webserver and a daemon on a workspace; both are stopped in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "DAGSTER_HOME": str(prepare_dagster_home(workspace)),
        "GOVERNANCE_ROOT": str(workspace.root.parent),
        "GOVERNANCE_SOURCE": str(workspace.source_root),
        "MARKETPLACE": str(workspace.marketplace.folder),
        "PYTHONUNBUFFERED": "1",
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, (program, *words) in PROGRAMS.items():
            command = [str(Path(sys.executable).with_name(program)), *words, *([str(port)] * (name == "webserver"))]
            with (workspace.root / f"{name}.txt").open("w") as said:
                started.append(subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=said, stderr=said))
        found = Desk(port, started[0])
        found.wait_until(lambda: answers(port))
        yield found
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.exhaustive
def test_a_backfill_from_the_ui_is_one_run_that_can_be_terminated_and_gone_on_with(
    own_settled: Path,
    settled: Path,
    bazaar_at: Callable[..., Workspace],
    everything_in: Callable[[Workspace], dict[str, str]],
) -> None:
    workspace, days = bazaar_at(own_settled), days_between(FIRST, LAST)
    wanted, assets = everything_in(bazaar_at(settled)), list(backfill_run(workspace, FIRST, LAST).assets)
    for lost in ("raw", "features/category", "features/buyer", "labels"):
        shutil.rmtree(workspace.lake.root / lost)

    with desk(workspace) as ui:
        first = ui.backfill(assets, days)
        ui.wait_until(lambda: len(workspace.lake.days("raw/orders")) >= 3)
        ui.ask(TERMINATE, run=first)
        ui.wait_until(lambda: ui.ended(first))
        assert ui.status(first) == "CANCELED"
        standing = everything_in(workspace)
        assert standing.items() < wanted.items()

        second = ui.backfill(assets, days)
        ui.wait_until(lambda: ui.ended(second))
        assert ui.status(second) == "SUCCESS"
        tags = {tag["key"]: tag["value"] for tag in ui.runs()[-1]["tags"]}

    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        str(FIRST),
        str(LAST),
    )
    assert everything_in(workspace) == wanted
    assert next_run(workspace, weeks=1, done=[]) is None
