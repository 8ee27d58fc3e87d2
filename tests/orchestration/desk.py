"""The Dagster UI of a workspace as a person at it uses it: what they click is asked over GraphQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dagster_graphql import ask

from benchmarks.servers import free_port, listens
from governance.workspace import Workspace
from orchestration.environments import prepare_dagster_home

PROJECT = Path(__file__).parents[2]

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
LAUNCH_JOB = """
mutation LaunchJob($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
  }
}
"""
AGAIN = """
mutation Again($params: ReexecutionParams!) {
  launchPipelineReexecution(reexecutionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
SENSORS = """
{ sensorsOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "governance"}) {
    ... on Sensors { results { sensorState { id status ticks(statuses: [STARTED]) { id } } } } } }
"""
STOP = "mutation Stop($id: String!) { stopSensor(id: $id) { __typename } }"
DELETE = "mutation Delete($run: String!) { deleteRun(runId: $run) { __typename } }"
RUNS = "query Runs { runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
BACKFILL = (
    "query Backfill($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)
TERMINATE = """
mutation End($run: String!) {
  terminateRun(runId: $run) {
    __typename
    ... on TerminateRunFailure { message }
    ... on PythonError { message }
  }
}
"""

ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def tags_of(run: dict[str, Any]) -> dict[str, str]:
    """The tags of a run that the desk told of."""
    return {tag["key"]: tag["value"] for tag in run["tags"]}


def range_of(run: dict[str, Any]) -> tuple[date, date]:
    """The first and the last partition of a run over a range of days."""
    tags = tags_of(run)
    first, last = (tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))
    return date.fromisoformat(first), date.fromisoformat(last)


class Desk:
    """The Dagster UI of a workspace, as GraphQL."""

    def __init__(self, port: int, daemon: "subprocess.Popen[bytes]") -> None:
        self._port, self._daemon = port, daemon

    def runs(self) -> list[dict[str, Any]]:
        """Every run, oldest first."""
        return ask(self._port, RUNS)["runsOrError"]["results"][::-1]

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Look again and again, for as long as the daemon lives."""
        while not happened():
            try:
                self._daemon.wait(timeout=0.2)
                pytest.fail("the daemon ended")
            except subprocess.TimeoutExpired:
                continue

    def stop_sensors(self) -> None:
        """Switch all of them off, so that nobody but the person at the desk asks for runs."""
        for state in self._sensors():
            if state["status"] == "RUNNING":
                told = ask(self._port, STOP, id=state["id"])["stopSensor"]
                assert told["__typename"] == "StopSensorMutationResult", told
        # One that was looking already may still ask for a run.
        self.wait_until(lambda: not any(state["ticks"] for state in self._sensors()))
        self.wait_until(lambda: all(run["status"] in ENDED for run in self.runs()))

    def _sensors(self) -> list[dict[str, Any]]:
        return [one["sensorState"] for one in ask(self._port, SENSORS)["sensorsOrError"]["results"]]

    def backfill_to_its_end(self, assets: list[tuple[str, ...]], days: list[date]) -> tuple[str, str]:
        """Launch a backfill and wait for all of its runs; its id and how it ended."""
        launched = self._backfill(assets, days)

        def status() -> str:
            return str(ask(self._port, BACKFILL, id=launched)["partitionBackfillOrError"]["status"])

        self.wait_until(lambda: status().startswith(("COMPLETED", "FAILED", "CANCELED")))
        return launched, status()

    def backfill(self, assets: list[tuple[str, ...]], days: list[date]) -> str:
        """Launch a backfill and return its first run, once there is one."""
        launched = self._backfill(assets, days)
        self.wait_until(lambda: bool(self.runs_of(launched)))
        return str(self.runs_of(launched)[0]["runId"])

    def runs_of(self, backfill: str) -> list[dict[str, Any]]:
        """The runs that a backfill asked for, oldest first; sensors may have asked for runs of their own meanwhile."""
        return [run for run in self.runs() if tags_of(run).get("dagster/backfill") == backfill]

    def _backfill(self, assets: list[tuple[str, ...]], days: list[date]) -> str:
        named = [{"path": list(key)} for key in assets]
        launched = ask(self._port, LAUNCH, assets=named, days=[str(day) for day in days])["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def launch(self, job: str, *, partition: str | None = None, **ops: dict[str, Any]) -> str:
        """Launch a job with the config of its ops, or for one partition; its run, once that has ended."""
        params = {
            "selector": {"repositoryName": "__repository__", "repositoryLocationName": "governance", "jobName": job},
            "mode": "default",
            "runConfigData": json.dumps({"ops": {op: {"config": config} for op, config in ops.items()}}),
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}] if partition else []},
        }
        return self._until_it_ends(ask(self._port, LAUNCH_JOB, params=params)["launchPipelineExecution"])

    def again(self, run: str) -> str:
        """Re-execute a run from its failure; the new run once it has ended."""
        params = {"parentRunId": run, "strategy": "FROM_FAILURE"}
        return self._until_it_ends(ask(self._port, AGAIN, params=params)["launchPipelineReexecution"])

    def terminate(self, run: str) -> None:
        told = ask(self._port, TERMINATE, run=run)["terminateRun"]
        assert told["__typename"] == "TerminateRunSuccess", told

    def delete(self, run: str) -> None:
        ask(self._port, DELETE, run=run)

    def _until_it_ends(self, launched: dict[str, Any]) -> str:
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = str(launched["run"]["runId"])
        self.wait_until(lambda: self.ended(run))
        return run

    def status(self, run: str) -> str:
        return next(str(one["status"]) for one in self.runs() if one["runId"] == run)

    def ended(self, run: str) -> bool:
        return self.status(run) in ENDED


@contextmanager
def open_desk(workspace: Workspace) -> Iterator[Desk]:
    """A webserver and a daemon on a workspace; both are stopped in the end."""
    port = free_port()
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
        found.wait_until(lambda: listens(port))
        yield found
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=60)
