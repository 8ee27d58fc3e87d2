"""The main job killed without warning, stage by stage, and done again."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.workspace import Workspace

POINTS = {
    "raw/orders": 10,
    "raw/reviews": 30,
    "features/buyer": 1,
    "features/seller": 33,
    "labels/claim": 20,
    "training_sets/merchant_fraud": 1,
    "candidates/claim": 1,
    "drift/claim": 1,
    "online/category": 1,
}
"""The run is killed once so many partitions of a dataset are there, in this order."""


@pytest.mark.long
def test_a_run_killed_at_every_stage_and_done_again_ends_as_if_nothing_had_happened(
    tmp_path: Path,
    settled: Path,
    bazaar_at: Callable[..., Workspace],
    govern_program: Path,
    everything_in: Callable[[Workspace], dict[str, str]],
) -> None:
    workspace = bazaar_at(tmp_path)
    environment = os.environ | {"GOVERNANCE_ROOT": str(tmp_path / "var"), "MARKETPLACE": str(tmp_path / "bazaar")}
    words = [govern_program, "run", "--weeks", "1", "--source", str(workspace.source_root)]

    for dataset, partitions in POINTS.items():
        run = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_until(run, lambda dataset=dataset, wanted=partitions: len(workspace.lake.days(dataset)) >= wanted)
        run.kill()
        assert run.wait() == -signal.SIGKILL, f"the run ended before {dataset} had {partitions} partitions"

    last = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert str(last.returncode) == (settled / "status.txt").read_text(), last.stdout + last.stderr
    assert everything_in(workspace) == everything_in(bazaar_at(settled))
    assert not list(workspace.lake.root.glob("**/rows.parquet.*"))


def _wait_until(run: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
    """Look every few milliseconds, for as long as the process lives."""
    while run.poll() is None and not happened():
        try:
            run.wait(timeout=0.005)
        except subprocess.TimeoutExpired:
            continue
