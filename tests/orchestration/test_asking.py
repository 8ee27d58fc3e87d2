"""Who may ask for a run now: not while another asks for the same, nor while Dagster is about to do a lost one again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from governance.workspace import Workspace
from orchestration.asking import PLAN_TAG, answer, request_of
from orchestration.exclusion import claimed
from orchestration.jobs import DAILY
from orchestration.plan import PlannedRun
from orchestration.reactions.look import Answer, Look, Quiet, Request

PLANNED = PlannedRun(job=DAILY, assets=(("raw", "orders"),), why="a new day")


def wants_a_run(_: Look) -> Answer:
    return Request(PLANNED, "plan")


@pytest.fixture
def workspace(tmp_path: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(tmp_path)


def test_of_two_who_ask_for_the_same_the_first_gets_it(workspace: Workspace) -> None:
    assert claimed(workspace, "plan", who="drift", now=datetime.now(UTC)) is None
    assert claimed(workspace, "plan", who="weekly_retraining", now=datetime.now(UTC)) == "drift"
    assert claimed(workspace, "another", who="weekly_retraining", now=datetime.now(UTC)) is None
    assert claimed(workspace, "plan", who="drift", now=datetime.now(UTC)) is None, "who lost its tick asks again"


def test_a_claim_from_which_no_run_came_ends(workspace: Workspace) -> None:
    assert claimed(workspace, "plan", who="drift", now=datetime.now(UTC)) is None
    assert claimed(workspace, "plan", who="weekly_retraining", now=datetime.now(UTC) + timedelta(minutes=6)) is None


@pytest.mark.parametrize(
    ("runs", "tried"),
    [
        ((), False),
        ((("plan", "FAILURE"), ("other", "SUCCESS")), True),
        ((("plan", "SUCCESS"),), True),
        ((("plan", "SUCCESS"), ("other", "SUCCESS")), False),
        ((("plan", "SUCCESS"), ("other", "SUCCESS"), ("plan", "SUCCESS")), True),
        ((("plan", "FAILURE"), ("other", "SUCCESS"), ("plan", "SUCCESS"), ("other", "SUCCESS")), True),
    ],
    ids=["never", "failed", "done", "done and undone", "done again", "failed once"],
)
def test_what_failed_is_not_tried_again_and_what_was_undone_is(
    workspace: Workspace, tmp_path: Path, runs: tuple[tuple[str, str], ...], tried: bool
) -> None:
    @dg.job(name=DAILY)
    def daily() -> None:
        pass

    def wants_it_unless_tried(look: Look) -> Answer:
        return Quiet("tried") if look.tried("plan") else Request(PLANNED, "plan")

    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        for plan, status in runs:
            instance.create_run_for_job(daily, tags={PLAN_TAG: plan}, status=dg.DagsterRunStatus[status])
        found = answer(instance, workspace, wants_it_unless_tried, asks="new_days", job=DAILY, now=datetime.now(UTC))

    assert isinstance(found, Quiet) is tried
    if isinstance(found, Request):
        assert request_of(found, asks="new_days").run_key == ("plan 1" if runs else "plan")


def test_nobody_asks_for_days_while_a_repair_writes_them(workspace: Workspace, tmp_path: Path) -> None:
    @dg.job(name="drop_day")
    def drop_day() -> None:
        pass

    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        instance.create_run_for_job(drop_day, status=dg.DagsterRunStatus.STARTED)
        found = answer(instance, workspace, wants_a_run, asks="changed_days", job=DAILY, now=datetime.now(UTC))

    assert isinstance(found, Quiet)
    assert found.why.startswith("drop_day run")


@pytest.mark.parametrize(
    ("status", "tags", "quiet"),
    [
        (dg.DagsterRunStatus.STARTED, {}, "is started"),
        (dg.DagsterRunStatus.FAILURE, {PLAN_TAG: "other", "dagster/will_retry": "true"}, "about to do it again"),
        (
            dg.DagsterRunStatus.FAILURE,
            {PLAN_TAG: "other", "dagster/will_retry": "true", "dagster/auto_retry_run_id": "x"},
            "",
        ),
        (dg.DagsterRunStatus.FAILURE, {PLAN_TAG: "other", "dagster/will_retry": "false"}, ""),
        (dg.DagsterRunStatus.SUCCESS, {}, ""),
    ],
    ids=["under way", "lost", "retried", "failed", "done"],
)
def test_nobody_asks_while_a_run_of_the_job_is_not_done_with(
    workspace: Workspace, tmp_path: Path, status: dg.DagsterRunStatus, tags: dict[str, str], quiet: str
) -> None:
    @dg.job(name=DAILY)
    def daily() -> None:
        pass

    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        instance.create_run_for_job(daily, tags=tags, status=status)
        found = answer(instance, workspace, wants_a_run, asks="new_days", job=DAILY, now=datetime.now(UTC))

    assert isinstance(found, Quiet) is bool(quiet)
    assert not isinstance(found, Quiet) or quiet in found.why
