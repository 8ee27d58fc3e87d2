"""Events that are written a batch at a time stand in the log as if Dagster had written them one by one."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.environments import sqlite_log
from orchestration.event_log import BatchingEventLog

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-11")
KEYS = DAYS.get_partition_keys()
# YAML would read it otherwise, did nobody quote it.
OURS = 'ours: "1" #2'


@dg.asset(partitions_def=DAYS, tags={"team": "risk"})
def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.log_event(dg.AssetObservation("made", partition=key, metadata={"seen": 1}, tags={"observed": key}))
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset(deps=[made], partitions_def=DAYS)
def read(context: dg.AssetExecutionContext) -> None:
    if "2024-02-10" in context.partition_keys:
        raise ValueError("it is as it is")


@dg.asset_check(asset=made)
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def instance_at(home: Path, log: str = "") -> dg.DagsterInstance:
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n" + log)
    return dg.DagsterInstance.from_config(str(home))


def played(instance: dg.DagsterInstance) -> None:
    """A run over a month, one over the rest that fails, and a day on its own."""
    defs = dg.Definitions([made, read], asset_checks=[sound], jobs=[dg.define_asset_job("both")])
    job = defs.resolve_job_def("both")
    for first, last, succeeds in (("2024-01-01", "2024-01-31", True), ("2024-02-01", "2024-02-10", False)):
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        assert job.execute_in_process(instance=instance, tags=tags, raise_on_error=False).success is succeeds
    assert job.execute_in_process(instance=instance, partition_key="2024-01-05").success


def told(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the files hold, but for identifiers and times, which differ from run to run."""
    index = "SELECT dagster_event_type, step_key, asset_key, partition FROM event_logs ORDER BY 1, 2, 3, 4"
    assets = "SELECT asset_key, last_run_id IS NULL, last_materialization_timestamp IS NULL FROM asset_keys ORDER BY 1"
    # Dagster's own tags are digests of runs.
    tags = """
    SELECT asset_key, key, CASE WHEN key LIKE 'dagster/%' THEN '' ELSE value END FROM asset_event_tags ORDER BY 1, 2, 3
    """
    checks = "SELECT check_name, execution_status FROM asset_check_executions ORDER BY id"
    found: dict[str, list[tuple[Any, ...]]] = {}
    for path in (home / "history" / "runs").glob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            if path.stem == "index":
                found |= {"assets": database.execute(assets).fetchall(), "tags": database.execute(tags).fetchall()}
                found["checks"] = database.execute(checks).fetchall()
                found["index"] = database.execute(index).fetchall()
            else:
                found.setdefault("runs", []).extend(database.execute(index).fetchall())
    found["runs"].sort(key=repr)
    return found


def answers(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What sensors, conditions and the UI ask of the log."""
    found: dict[str, Any] = {}
    for name in ("made", "read"):
        key = dg.AssetKey(name)
        newest = instance.get_latest_materialization_event(key)
        (record,) = instance.get_asset_records([key])
        found[name] = (
            sorted(instance.get_materialized_partitions(key)),
            newest and newest.asset_materialization and newest.asset_materialization.partition,
            newest and newest.run_id == record.asset_entry.last_run_id,
            instance.get_status_by_partition(key, KEYS, DAYS),
        )
    return found


def test_a_batch_leaves_what_single_events_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / OURS
    with instance_at(home, sqlite_log(home)) as ours, instance_at(tmp_path / "dagsters") as dagsters:
        assert isinstance(ours.event_log_storage, BatchingEventLog)
        played(ours)
        monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
        played(dagsters)
        assert answers(ours) == answers(dagsters)

    assert told(home) == told(tmp_path / "dagsters")


def test_the_events_of_a_range_are_a_few_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    together = BatchingEventLog._store_together

    def counted(log: BatchingEventLog, events: Any) -> None:
        batches.append(len(events))
        together(log, events)

    monkeypatch.setattr(BatchingEventLog, "_store_together", counted)
    home = tmp_path / OURS
    with instance_at(home, sqlite_log(home)) as ours:
        played(ours)
    days = (date(2024, 1, 31) - date(2023, 12, 31)).days
    assert batches[:3] == [2 * days, days, days], "planned, then made, then read"
