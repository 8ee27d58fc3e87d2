"""The main job from nothing: what installing took, and where the wall time of `govern run` went.

Each step's time comes from the events that the runs themselves left in Dagster's history. What no step accounts for is
overhead: starting Python, loading Dagster, planning, and what Dagster does between steps.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Measurement, Say, in_a_fresh_process

PROJECT = Path(__file__).parent.parent
GOVERN = "from orchestration.govern import main; main()"
SMALL = ("--days", "21", "--buyers", "400")
FULL = ("--days", "150")
PARTS = ("landing", "features", "labels", "training", "drift", "release", "materialization")
SETTINGS = (
    "peer: the wall time of `govern run` in an empty workspace, on the small preset cut to "
    f"{FULL[1]} days, the world simulated before"
)
OVERHEAD = (
    "wall time of `govern run` less that of its steps, from the events of its runs: starting Python, importing "
    "Dagster, planning and everything between steps; peer: the whole wall time"
)
INSTALL = "make, from a bare Python to the locked environment; packages that uv has in its cache are not downloaded"


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """Install (not where `small`), simulate, run, and read the history."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if not small:
            say("installing")
            rows.append(Measurement(work="main job: install", unit="seconds", ours=_install(root), settings=INSTALL))
        say("simulating")
        _govern(root, "simulate", "--out", str(root / "world"), *(SMALL if small else FULL))
        say("running")
        whole, peak = _timed_run(root)
        steps = in_a_fresh_process(_seconds_of_steps, root / "var" / "simulated" / "dagster")
    return [row.as_row() for row in (*rows, *_split(whole, peak, steps))]


def part_of(step: str) -> str:
    """The part of the main job that a step (`features__seller`) belongs to."""
    if "__" not in step:
        # Checks over several assets are named after their group (`landing_newest_events`).
        return step.split("_")[0]
    layer, *_, last = step.split("__")
    by_layer = {"raw": "landing", "monitoring": "drift", "online": "materialization"}
    by_name = {"scores": "materialization", "champion": "release"}
    return by_layer.get(layer) or by_name.get(last) or ("training" if layer == "models" else layer)


def _split(whole: float, peak_mb: float, steps: Mapping[str, float]) -> list[Measurement]:
    parts = Counter[str]()
    for step, seconds in steps.items():
        parts[part_of(step)] += seconds
    overhead = whole - sum(parts.values())
    total = Measurement(
        work="main job: govern run",
        unit="seconds",
        ours=whole,
        limit=whole - overhead,
        settings="limit: the seconds of its steps, without any orchestration",
        beside={"extra_mb": {"ours": peak_mb}},
    )
    named = [(f"main job: {part}", parts[part], SETTINGS) for part in PARTS if parts[part]]
    shares = [*named, ("main job: orchestration overhead", overhead, OVERHEAD)]
    return [
        total,
        *(Measurement(work=w, unit="seconds", ours=one, peer=whole, settings=said) for w, one, said in shares),
    ]


def _install(root: Path) -> float:
    """Seconds of the Makefile's own installation, into a folder that is thrown away."""
    made = root / "installed"
    words = ["make", f"VENV={made}", f"PYTHON={sys.executable}", str(made / ".installed")]
    source = shutil.copytree(
        PROJECT, root / "project", ignore=shutil.ignore_patterns("var", ".*_cache", ".venv", ".git")
    )
    began = time.perf_counter()
    subprocess.run(words, cwd=source, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - began


def _timed_run(root: Path) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of the main job in a process of its own."""
    began = time.perf_counter()
    # In worlds as small as ours 3, a model without a champion, is a right answer.
    process = _govern(root, "run", "--weeks", "2", "--source", str(root / "world"), may_end_with=(0, 3))
    return time.perf_counter() - began, process


def _govern(root: Path, *words: str, may_end_with: Sequence[int] = (0,)) -> float:
    """Run the command line in a process of its own; its peak memory in MB."""
    environment = {
        **os.environ,
        "GOVERNANCE_ROOT": str(root / "var"),
        "MARKETPLACE": "simulated",
        "PYTHONPATH": str(PROJECT),
    }
    with (root / "said.txt").open("w") as said:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", GOVERN, *words], env=environment, stdout=said, stderr=subprocess.STDOUT, cwd=PROJECT
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in may_end_with:
        raise RuntimeError(
            f"govern {' '.join(words)} ended with {process.returncode}: {(root / 'said.txt').read_text()}"
        )
    return used.ru_maxrss / 1024


def _seconds_of_steps(home: Path) -> dict[str, float]:
    """How long each step took, over all runs of an instance."""
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(home)
    seconds = Counter[str]()
    with dg.DagsterInstance.get() as instance:
        for record in instance.get_run_records():
            for step in instance.get_run_step_stats(record.dagster_run.run_id):
                seconds[step.step_key] += (step.end_time or 0.0) - (step.start_time or 0.0)
    return dict(seconds)
