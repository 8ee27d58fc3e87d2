"""Runs whose process was killed are closed; the others are left alone."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration.processes import PROCESS_TAG, Process, close_dead_runs, process_tags, this_process


@pytest.fixture
def ended() -> Process:
    """A process of this machine that has ended."""
    code = "import json; from dataclasses import asdict; from orchestration.processes import this_process; "
    said = subprocess.check_output(
        [sys.executable, "-c", code + "print(json.dumps(asdict(this_process())))"], text=True
    )
    return Process(**json.loads(said))


def test_a_process_is_dead_when_it_has_ended_or_its_machine_was_started_again(ended: Process) -> None:
    here = this_process()

    assert ended.is_dead(here)
    assert not here.is_dead(here)
    assert replace(here, boot="an earlier one").is_dead(here)
    assert replace(here, started="1").is_dead(here), "its number belongs to another process now"


def test_of_a_process_that_cannot_be_seen_nothing_is_said(ended: Process) -> None:
    here = this_process()

    assert not replace(ended, host="another machine").is_dead(here)
    assert not replace(ended, namespace="another container").is_dead(here)


def test_only_unfinished_runs_of_dead_processes_are_closed_and_once(tmp_path: Path, ended: Process) -> None:
    @dg.job
    def nothing() -> None:
        pass

    def run(status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED, **tags: str) -> str:
        return instance.create_run_for_job(nothing, tags=tags, status=status).run_id

    def lost(run_id: str) -> dict[str, str]:
        return {PROCESS_TAG: json.dumps({"run": run_id, **asdict(ended)})}

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        dead, alive, done = run(), run(), run(dg.DagsterRunStatus.SUCCESS)
        run()
        run(**lost("the run that this one is a retry of"))
        for run_id, tags in ((dead, lost(dead)), (alive, process_tags(alive)), (done, lost(done))):
            instance.add_run_tags(run_id, tags)

        assert close_dead_runs(instance) == [dead]
        assert close_dead_runs(instance) == []

        closed = instance.get_run_by_id(dead)
        assert closed is not None
        assert closed.status == dg.DagsterRunStatus.FAILURE
