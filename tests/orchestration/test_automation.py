"""What the schedules, sensors and conditions ask for: ticked one by one, without a daemon."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.families import Family
from governance.backfill.daily import perform
from governance.workspace import Workspace
from orchestration.asking import ASKS_TAG, PLAN_TAG, PRIORITY_TAG
from orchestration.build import build_defs
from orchestration.exclusion import main_job
from orchestration.plan import backfill_run
from orchestration.reactions.days import waiting_changes
from orchestration.reactions.look import Look
from orchestration.runs import WHY_TAG

FIRST = date(2024, 1, 1)
VIEWS = ("buyer", "seller", "product", "category")
TABLES = ("orders", "cases", "reviews")
"""Fewer than are delivered: each costs its steps in every run."""

LONG_AGO = 1_700_000_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Daemon:
    """Ticks one sensor or schedule at a time, and does what it asks for."""

    workspace: Workspace
    instance: dg.DagsterInstance
    source: Path
    whole: Path

    def deliver(self, *days: date, but: tuple[str, ...] = ()) -> None:
        """Copy days of the whole world to the owner's folder, as if they had been there for long."""
        for day in days:
            for folder in self.whole.glob(f"*/dt={day}"):
                if folder.parent.name in TABLES and folder.parent.name not in but:
                    self.put(folder.parent.name, day)

    def put(self, table: str, day: date) -> Path:
        to = self.source / table / f"dt={day}" / "rows.parquet"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.whole / table / f"dt={day}" / "rows.parquet", to)
        os.utime(to, (LONG_AGO, LONG_AGO))
        return to

    def tick(self, name: str) -> dg.RunRequest | str:
        """What a sensor or schedule asks for, or why it asks for nothing."""
        definitions = build_defs(self.workspace)
        repository = definitions.get_repository_def()
        if repository.has_sensor_def(name):
            with dg.build_sensor_context(instance=self.instance, definitions=definitions) as context:
                found = repository.get_sensor_def(name).evaluate_tick(context)
        else:
            schedule = repository.get_schedule_def(name)
            found = schedule.evaluate_tick(
                dg.build_schedule_context(
                    instance=self.instance, repository_def=repository, scheduled_execution_time=NOW
                )
            )
        return found.run_requests[0] if found.run_requests else str(found.skip_message)

    def ask(self, name: str) -> dg.RunRequest:
        found = self.tick(name)
        assert isinstance(found, dg.RunRequest), found
        return found

    def quiet(self, name: str) -> str:
        found = self.tick(name)
        assert isinstance(found, str), found
        return found

    def conditions(self, cursor: Any = None) -> Any:
        """What the automation conditions ask for."""
        definitions = build_defs(self.workspace)
        keys = [key for key in definitions.resolve_all_asset_keys() if Family.of(key.path) is Family.ONLINE]
        wanted = dg.AssetSelection.assets(*keys)
        return dg.evaluate_automation_conditions(definitions, self.instance, asset_selection=wanted, cursor=cursor)

    def do(self, asked: dg.RunRequest) -> bool:
        """Carry out a request as the daemon would."""
        assert asked.job_name is not None
        job = build_defs(self.workspace).resolve_job_def(asked.job_name)
        done = job.execute_in_process(
            instance=self.instance,
            tags=asked.tags,
            partition_key=asked.partition_key,
            asset_selection=list(asked.asset_selection or []),
            raise_on_error=False,
        )
        return done.success

    def launch(self, job: str, op: str, **config: str) -> bool:
        """Launch a job as a person does from the launchpad."""
        found = build_defs(self.workspace).resolve_job_def(job)
        given = {"ops": {op: {"config": config}}}
        return found.execute_in_process(instance=self.instance, run_config=given, raise_on_error=False).success


def window(asked: dg.RunRequest) -> tuple[str, str]:
    return asked.tags["dagster/asset_partition_range_start"], asked.tags["dagster/asset_partition_range_end"]


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


@pytest.fixture
def daemon(
    tmp_path: Path, world: Path, bazaar_at: Callable[..., Workspace], models_of_bazaar: Callable[..., str]
) -> Iterator[Daemon]:
    source = tmp_path / "delivered"
    source.mkdir()
    models = models_of_bazaar("claim", maturity_days=3)
    bazaar_at(tmp_path, source=source, models=models + "[automation]\nrebuild_days_at_most = 3\n")
    for sql in (tmp_path / "bazaar").glob("*.sql"):
        if sql.stem not in TABLES:
            sql.unlink()
    workspace = bazaar_at(tmp_path, source=source)
    (tmp_path / "dagster").mkdir()
    # A schedule opens the instance by its folder: one in memory will not do.
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield Daemon(workspace, instance, source, world)


def test_everything_runs_from_the_start(daemon: Daemon) -> None:
    repository = build_defs(daemon.workspace).get_repository_def()

    assert {one.default_status for one in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}
    assert {one.default_status for one in repository.schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}


def test_days_that_arrive_become_one_run_then_one_of_the_online_store_and_then_nothing(daemon: Daemon) -> None:
    assert daemon.quiet("new_days").startswith("nothing has been delivered")
    daemon.deliver(day(1), day(2), day(3))

    asked = daemon.ask("new_days")

    assert asked.job_name == "daily"
    assert window(asked) == ("2024-01-01", "2024-01-03")
    assert (asked.tags[WHY_TAG], asked.tags[ASKS_TAG]) == ("2024-01-01..2024-01-03: 3 day(s) new", "new_days")
    assert (asked.run_key, asked.tags[PRIORITY_TAG]) == (asked.tags[PLAN_TAG], "10")
    assert "whole deliveries" in daemon.quiet("daily_ingest")
    assert daemon.quiet("changed_days") == "new days come first"
    assert daemon.do(asked)
    assert daemon.quiet("new_days") == "no new day has been delivered"
    assert daemon.quiet("changed_days") == "no older day has changed"

    first = daemon.conditions()
    assert {name for name in VIEWS if first.get_num_requested(dg.AssetKey(["online", name]))} == set(VIEWS)
    assert first.total_requested == len(VIEWS)
    assert daemon.conditions(first.cursor).total_requested == 0


def test_a_day_that_is_not_whole_holds_back_the_next_one_until_the_schedule_closes_it(daemon: Daemon) -> None:
    daemon.deliver(day(1), day(3))
    daemon.deliver(day(2), but=("cases", "reviews"))

    assert window(daemon.ask("new_days")) == ("2024-01-01", "2024-01-01")
    assert daemon.do(daemon.ask("new_days"))
    assert daemon.quiet("new_days") == "2024-01-02 lacks cases, reviews: it is closed at 0 6 * * *, until then it waits"
    closed = daemon.ask("daily_ingest")
    assert window(closed) == ("2024-01-02", "2024-01-03")
    assert closed.tags[WHY_TAG].endswith("2 day(s) closed with what was delivered")

    # What was not delivered fails its run by name; everything else goes on, and nobody tries it again.
    assert not daemon.do(closed)
    assert daemon.do(daemon.ask("changed_days"))
    assert daemon.workspace.lake.days("features/seller")[-1] == day(3)
    assert {daemon.quiet(name) for name in ("new_days", "daily_ingest")} == {"no new day has been delivered"}
    assert daemon.quiet("changed_days") == "no older day has changed"

    daemon.put("cases", day(2))
    late = daemon.ask("changed_days")
    assert window(late) == ("2024-01-02", "2024-01-03")
    assert late.tags[WHY_TAG] == "late: cases of 2024-01-02; rebuilt up to 2024-01-03"


def test_a_refused_file_is_tried_once_and_again_when_it_is_delivered_again(daemon: Daemon) -> None:
    daemon.deliver(day(1), day(2))
    torn = daemon.put("cases", day(2))
    torn.write_bytes(b"torn")
    os.utime(torn, (LONG_AGO, LONG_AGO))

    assert not daemon.do(daemon.ask("new_days"))
    assert daemon.do(daemon.ask("changed_days"))
    assert {daemon.quiet(name) for name in ("new_days", "changed_days")} == {
        "no new day has been delivered",
        "no older day has changed",
    }

    daemon.put("cases", day(2))
    assert daemon.do(daemon.ask("changed_days"))
    assert daemon.quiet("changed_days") == "no older day has changed"


def test_a_change_of_much_history_waits_for_a_person(daemon: Daemon, govern: Callable[..., Any]) -> None:
    daemon.deliver(*(day(number) for number in range(1, 6)))
    assert daemon.do(daemon.ask("new_days"))
    again = daemon.put("orders", day(2))
    os.utime(again, (LONG_AGO + 1, LONG_AGO + 1))

    waits = daemon.quiet("changed_days")

    plan = waits.split("govern approve ")[1][:12]
    assert "4 days would be built again, more than 3" in waits
    root = daemon.workspace.root.parent.parent
    assert f"{plan} waits since" in govern(root, "approve").out
    said = govern(root, "status").out
    assert "changes of history that ask for leave: 1" in said
    assert f"govern approve {plan} --dry-run" in said
    assert govern(root, "approve", plan, "--reason", "known", "--who", "ann").status == 0
    assert "ask for leave" not in govern(root, "status").out
    assert window(daemon.ask("changed_days")) == ("2024-01-02", "2024-01-05")


@pytest.mark.long
def test_a_change_that_waits_becomes_another_with_each_day_and_is_cleared_when_somebody_has_done_it(
    daemon: Daemon,
) -> None:
    daemon.deliver(*(day(number) for number in range(1, 6)))
    assert daemon.do(daemon.ask("new_days"))
    again = daemon.put("orders", day(2))
    os.utime(again, (LONG_AGO + 1, LONG_AGO + 1))
    assert "4 days would be built again" in daemon.quiet("changed_days")
    (first,) = daemon.workspace.held.waiting()

    daemon.deliver(day(6))
    assert daemon.do(daemon.ask("new_days"))
    assert "5 days would be built again" in daemon.quiet("changed_days")
    (second,) = daemon.workspace.held.waiting()
    assert (second.plan != first.plan, second.since) == (True, first.since)

    assert waiting_changes(look_at(daemon.workspace)) == [second]

    days = [day(number) for number in range(2, 7)]
    perform(daemon.workspace, backfill_run(daemon.workspace, days[0], days[-1]).assets, days, now=NOW)

    assert waiting_changes(look_at(daemon.workspace)) == []
    assert daemon.quiet("changed_days") == "no older day has changed"
    assert daemon.workspace.held.all() == []


def look_at(workspace: Workspace) -> Look:
    return Look(workspace, NOW, lambda _: False)


@pytest.mark.long
def test_after_a_dropped_day_the_newest_week_is_trained_again_by_itself_and_as_it_was_when_the_day_is_back(
    daemon: Daemon,
) -> None:
    daemon.deliver(*(day(number) for number in range(1, 15)))
    assert daemon.do(daemon.ask("new_days"))
    assert daemon.do(daemon.ask("changed_week")), "overdue"
    assert daemon.quiet("changed_week") == "the week as of 2024-01-15 is trained from what stands"
    first = training_digest(daemon.workspace)

    # Also the second time, when each week has been asked for before.
    for job, op in 2 * (("drop_day", "withdraw_day"), ("restore_day", "restore_withdrawn")):
        assert daemon.launch(job, op, day=str(day(3)), reason="test orders", who="ana")
        assert {daemon.quiet(name) for name in ("new_days", "changed_days")} == {
            "no new day has been delivered",
            "no older day has changed",
        }
        asked = daemon.ask("changed_week")
        assert asked.tags[WHY_TAG] == "as of 2024-01-15: rows or labels have changed"
        assert daemon.do(asked)
        assert daemon.quiet("changed_week") == "the week as of 2024-01-15 is trained from what stands"
        assert (training_digest(daemon.workspace) == first) is (job == "restore_day")


def training_digest(workspace: Workspace) -> str:
    manifest = workspace.lake.manifest("training_sets/claim", date(2024, 1, 15))
    assert manifest is not None
    return manifest.digest


def test_nobody_asks_while_somebody_does_the_main_job_by_hand(daemon: Daemon) -> None:
    daemon.deliver(day(1))

    with main_job(daemon.workspace, doing="govern run", on_wait=pytest.fail):
        assert daemon.quiet("new_days").startswith("govern run (process")

    assert isinstance(daemon.tick("new_days"), dg.RunRequest)
