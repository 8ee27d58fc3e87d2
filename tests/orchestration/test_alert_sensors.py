"""The sensors that tell people, ticked on an instance in memory with jobs that really fail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from governance.errors import ContractError
from governance.oncall.kinds import Kind
from governance.workspace import Workspace
from orchestration.alert_sensors import build_alert_sensors
from orchestration.alerting import alert_ledger
from orchestration.failed_runs import failed_job, failed_runs


@dg.asset
def torn(context: dg.AssetExecutionContext) -> None:
    """Fails as the run's tag says."""
    from assets.failures import as_failures

    if context.run.tags["wish"] == "crash":
        raise OSError("the disk went away")
    with as_failures():
        if context.run.tags["wish"] == "refuse":
            raise ContractError("cases of 2024-01-04: too many rows break their contract; deliver it again")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    from orchestration.environments import workspace_from

    monkeypatch.delenv("GOVERNANCE_ALERTS", raising=False)
    return workspace_from({"GOVERNANCE_ROOT": str(tmp_path)})


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run the job `daily`, well or not."""
    defs = dg.Definitions(assets=[torn], jobs=[dg.define_asset_job("daily", selection=[torn.key])])

    def execute(wish: str, **tags: str) -> dg.ExecuteInProcessResult:
        job = defs.resolve_job_def("daily")
        return job.execute_in_process(instance=instance, raise_on_error=False, tags={"wish": wish, **tags})

    return execute


@pytest.fixture
def tick(workspace: Workspace, instance: dg.DagsterInstance) -> Callable[[], str]:
    """Tick the sensor `watch`, and return what it says of it."""
    watch = {sensor.name: sensor for sensor in build_alert_sensors(workspace)}["watch"]

    def once() -> str:
        with dg.build_sensor_context(instance=instance) as context:
            data = watch.evaluate_tick(context)
        return str(data.skip_message)

    return once


def told(workspace: Workspace) -> list[tuple[str, str]]:
    """What the log says happened to which subject, of failed runs."""
    lines = [json.loads(line) for line in (workspace.root / "alerts.jsonl").read_text().splitlines()]
    return [(line["event"], line["subject"]) for line in lines if line["kind"] == Kind.FAILED_RUN]


def test_both_sensors_run_from_the_start(workspace: Workspace) -> None:
    sensors = build_alert_sensors(workspace)
    assert [sensor.name for sensor in sensors] == ["run_failures", "watch"]
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}


@pytest.mark.parametrize(
    ("wish", "words", "helps"),
    [("refuse", "too many rows break their contract", False), ("crash", "the disk went away", True)],
)
def test_a_failed_run_is_told_in_our_own_words_with_whether_a_retry_could_help(
    run: Callable[..., Any], instance: dg.DagsterInstance, wish: str, words: str, helps: bool
) -> None:
    run(wish)
    found = failed_job(instance, "daily")
    assert found is not None
    assert (found.times, found.retry_helps) == (1, helps)
    assert words in found.failures[0]


def test_a_failed_run_is_told_at_once_and_once(
    run: Callable[..., Any], instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    sensor = {sensor.name: sensor for sensor in build_alert_sensors(workspace)}["run_failures"]
    for _ in range(2):
        result = run("refuse")
        with dg.build_run_status_sensor_context(
            sensor_name="run_failures",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure() as context:
            sensor(context)

    assert told(workspace) == [("opened", "daily")]
    (alert,) = alert_ledger(workspace).standing()
    assert alert.finding.run_id == result.run_id
    assert "2 time(s) in a row" in alert.finding.what


def test_the_watch_sees_runs_fail_and_go_well_again(
    run: Callable[..., Any], tick: Callable[[], str], workspace: Workspace
) -> None:
    tick()
    run("refuse")
    assert "1 message" in tick()
    assert "0 message" in tick()
    run("well")
    assert "1 message" in tick()
    assert told(workspace) == [("opened", "daily"), ("resolved", "daily")]


def test_a_job_that_goes_on_failing_is_one_alert_that_gets_worse(
    run: Callable[..., Any], tick: Callable[[], str], workspace: Workspace
) -> None:
    for _ in range(4):
        run("refuse")
        tick()
    assert told(workspace) == [("opened", "daily"), ("escalated", "daily")]


def test_a_run_that_dagster_tries_again_by_itself_is_told_when_it_has_failed_for_good(
    run: Callable[..., Any], instance: dg.DagsterInstance
) -> None:
    run("crash", **{"dagster/will_retry": "true"})
    assert failed_runs(instance) == []
    run("crash")
    assert [(one.job, one.times) for one in failed_runs(instance)] == [("daily", 2)]


def test_a_channel_that_fails_breaks_no_tick_and_loses_nothing(
    run: Callable[..., Any], tick: Callable[[], str], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_ALERTS", "json://127.0.0.1:9/hook")
    for _ in range(3):
        run("refuse")
    assert "failed and will be tried again" in tick()
    (name,) = alert_ledger(workspace).failures()
    assert name.startswith("json-")
    assert Kind.FAILED_RUN in {message.event.key.kind for message in alert_ledger(workspace).untold(name)}
