"""The main job and a backfill killed without warning at random moments, and done again each time."""

import multiprocessing
import os
import runpy
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from governance.workspace import Workspace

KILLS, SEED, DAYS = int(os.environ.get("KILLS", "1")), 20240201, 35
TABLES = ("orders", "cases", "shipments", "reviews", "products", "accounts")
"""What the owner delivers here: what `claim` is made from, so that a run is short and kills fall into every stage."""

FIRST = date(2024, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
RUN = ("run", "--weeks", "1")
BACKFILL = ("backfill", f"{FIRST}..{LAST}")
WELL = (0, 3)

PROGRAM = """
import os, sys
os.environ.update({environment!r})
sys.argv = ["govern", *{words!r}]
sys.stdout = sys.stderr = open({output!r}, "a", buffering=1)
os.dup2(sys.stdout.fileno(), 1), os.dup2(sys.stdout.fileno(), 2)
from orchestration.govern import main
main()
"""


@dataclass(frozen=True)
class Desk:
    """A workspace and the program `govern` on it, as processes that start with everything imported."""

    workspace: Workspace
    processes: ForkServerContext

    def start(self, *words: str) -> Any:
        root = self.workspace.root.parent.parent
        marketplace = str(self.workspace.marketplace.folder)
        environment = {"GOVERNANCE_ROOT": str(root / "var"), "MARKETPLACE": marketplace}
        environment |= {"GOVERNANCE_SOURCE": str(self.workspace.source_root)}
        script = root / "govern.py"
        script.write_text(PROGRAM.format(environment=environment, words=words, output=str(root / "said.txt")))
        process = self.processes.Process(target=runpy.run_path, args=(str(script),))
        process.start()
        return process

    def seconds(self, *words: str) -> float:
        """How long an undisturbed run takes."""
        started = time.monotonic()
        process = self.start(*words)
        process.join()
        assert process.exitcode in WELL, (self.workspace.root.parent.parent / "said.txt").read_text()
        return time.monotonic() - started


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes forked from one that has imported everything and done nothing: starting costs no 10 CPU-seconds."""
    context = multiprocessing.get_context("forkserver")
    heavy = ("orchestration.govern", "orchestration.runs", "orchestration.build", "orchestration.backfills")
    used = ("feature_repo.sqlite_online_store", "feature_repo.asof_offline_store", "monitoring.weekly")
    context.set_forkserver_preload([*heavy, *used, "feast", "ibis", "duckdb", "lightgbm", "sklearn", "evidently"])
    return context


@pytest.mark.long
def test_kills_of_the_main_job_and_of_a_backfill_end_as_if_nothing_had_happened(
    tmp_path: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
    everything_in: Callable[[Workspace], dict[str, str]],
    processes: ForkServerContext,
) -> None:
    source, models = own_world(DAYS), models_of_bazaar("claim")
    calm, killed = (
        Desk(delivering_few(bazaar_at, tmp_path / name, source=source, models=models), processes)
        for name in ("calm", "killed")
    )
    whole, nothing = calm.seconds(*RUN), calm.seconds(*RUN)
    assert calm.workspace.registry.pointer("claim") is not None
    kill_at_random(killed, RUN, starting=nothing, working=whole - nothing, anew=lambda: empty(killed.workspace))
    killed.seconds(*RUN)
    assert everything_in(killed.workspace) == everything_in(calm.workspace)
    assert online(killed.workspace) == online(calm.workspace)

    depose(calm.workspace)
    promoting = calm.seconds(*RUN) - nothing
    depose(killed.workspace)
    kill_at_random(
        killed, RUN, starting=nothing, working=promoting, anew=lambda: depose(killed.workspace), kills=KILLS // 2 + 1
    )
    killed.seconds(*RUN)
    assert everything_in(killed.workspace) == everything_in(calm.workspace)

    deliver_again(source, 1)
    working = calm.seconds(*BACKFILL)
    versions = iter(range(2, 100))
    kill_at_random(
        killed, BACKFILL, starting=nothing, working=working, anew=lambda: deliver_again(source, next(versions))
    )
    killed.seconds(*BACKFILL)
    calm.seconds(*BACKFILL)
    assert everything_in(killed.workspace) == everything_in(calm.workspace)
    assert online(killed.workspace) == online(calm.workspace)
    assert not list(killed.workspace.lake.root.glob("**/rows.parquet.*"))


def delivering_few(bazaar_at: Callable[..., Workspace], root: Path, **options: Any) -> Workspace:
    """A marketplace of few tables."""
    for sql in bazaar_at(root, **options).marketplace.folder.glob("*.sql"):
        if sql.stem not in TABLES:
            sql.unlink()
    return bazaar_at(root, **options)


def kill_at_random(
    desk: Desk,
    words: tuple[str, ...],
    *,
    starting: float,
    working: float,
    anew: Callable[[], None],
    kills: int = KILLS,
) -> None:
    """Kill so many runs, each gone on with by the next, at moments spread over the work of an undisturbed one.

    Where a run ends before its moment, there is something to do again and the rest of the kills follow.
    """
    moments = np.sort(np.random.default_rng(SEED).random(kills))
    done, so_far = 0, 0.0
    while done < kills:
        started = time.monotonic()
        process = desk.start(*words)
        process.join(starting + max(0.0, moments[done] - so_far) * working)
        if process.is_alive():
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            so_far, done = moments[done], done + 1
        else:
            assert process.exitcode in WELL
            # The machine has more time for us than when the undisturbed run was timed; late moments would never come.
            faster = (time.monotonic() - started) / (starting + (1.0 - so_far) * working)
            starting, working, so_far = starting * faster, working * faster, 0.0
            anew()


def empty(workspace: Workspace) -> None:
    """Begin from nothing."""
    shutil.rmtree(workspace.root)


def depose(workspace: Workspace) -> None:
    """Take the champion away, so that a run has a promotion to do and nothing else."""
    folder = workspace.root / "objects" / "models" / "claim"
    (folder / "serving.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "history", ignore_errors=True)


def deliver_again(source: Path, version: int) -> None:
    """Every file is new, and the second day's orders have other prices."""
    for path in source.glob("*/dt=*/rows.parquet"):
        os.utime(path)
    path = source / "orders" / f"dt={FIRST + timedelta(days=1)}" / "rows.parquet"
    pl.read_parquet(path).with_columns(price_minor=pl.col("price_minor") + version).write_parquet(path)


def online(workspace: Workspace) -> dict[str, Any]:
    """What is online of every view, which is what is offline."""
    from assets.feast_store import feature_store, offline_only
    from feature_repo.online import offline_state, stored_state
    from governance.contracts.calendar import valid_at

    store, found = feature_store(workspace), {}
    for view in (view for name, view in workspace.views.items() if name not in offline_only(workspace)):
        found[view.name] = stored_state(store, view)
        assert found[view.name] == offline_state(store, view, now=valid_at(LAST))
    assert found
    return found
