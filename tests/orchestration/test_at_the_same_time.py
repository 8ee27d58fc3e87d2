"""Several who want the same at the same time: they wait for each other where they must, and no more comes of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.workspace import Workspace

Everything = Callable[[Workspace], dict[str, str]]


SCHEDULE = """
import dagster as dg
from orchestration.build import build_defs
from orchestration.environments import current_workspace

definitions = build_defs(current_workspace())
with dg.DagsterInstance.get() as instance:
    repository = definitions.get_repository_def()
    tick = dg.build_schedule_context(instance=instance, repository_def=repository)
    (asked,) = repository.get_schedule_def("weekly_retraining").evaluate_tick(tick).run_requests
    print("asked for", asked.partition_key, flush=True)
    definitions.resolve_job_def(asked.job_name).execute_in_process(
        instance=instance,
        tags=asked.tags,
        partition_key=asked.partition_key,
        asset_selection=list(asked.asset_selection),
    )
"""
"""A tick of the weekly schedule, and the run that it asks for as the daemon would do it."""


def started(program: Path | str, root: Path, source: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "GOVERNANCE_ROOT": str(root / "var"),
        "GOVERNANCE_SOURCE": str(source),
        "MARKETPLACE": str(root / "bazaar"),
        "DAGSTER_HOME": str(root / "var" / "bazaar" / "dagster"),
    }
    return subprocess.Popen(
        [program, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(*processes: subprocess.Popen[str]) -> list[str]:
    """What each of them said; all must end without an error of their own."""
    said = [process.communicate(timeout=600)[0] for process in processes]
    assert [text for process, text in zip(processes, said, strict=True) if process.returncode not in (0, 3)] == []
    return said


@pytest.mark.long
def test_two_backfills_a_schedule_the_main_job_and_a_promotion_at_once_end_as_one_after_the_other(
    tmp_path: Path,
    world: Path,
    settled: Path,
    bazaar_at: Callable[..., Workspace],
    govern_program: Path,
    everything_in: Everything,
) -> None:
    together, in_turn = (Path(shutil.copytree(settled, tmp_path / name)) for name in ("together", "in_turn"))
    source = Path(shutil.copytree(world, tmp_path / "delivered"))
    for day in (date(2024, 1, 20), date(2024, 2, 2)):
        path = source / "reviews" / f"dt={day}" / "rows.parquet"
        pl.read_parquet(path, hive_partitioning=False).head(40).write_parquet(path)
    digest = bazaar_at(settled).registry.candidates("claim")[-1].digest
    work = (
        ("promote", "claim", digest, "--reason", "wanted", "--who", "ann"),
        ("backfill", "2024-01-20..2024-02-04"),
        ("backfill", "2024-02-01..2024-02-04"),
        ("run", "--weeks", "1"),
    )

    scheduled = on_schedule(together, source)
    said = ended(*(started(govern_program, together, source, *words) for words in work), scheduled)
    ended(on_schedule(in_turn, source))
    for words in work:
        ended(started(govern_program, in_turn, source, *words))
    ended(*(started(govern_program, root, source, "run", "--weeks", "1") for root in (together, in_turn)))

    assert any("waiting for days" in text for text in said[1:])
    # Of a pointer only the time and the one who moved it differ, and they are no digests.
    first, second = (everything_in(bazaar_at(root, source=source)) for root in (together, in_turn))
    assert without_candidates(first) == without_candidates(second)
    assert {name for name in first if name.startswith("candidates/")}


def on_schedule(root: Path, source: Path) -> subprocess.Popen[str]:
    """The run of the weekly schedule, which nobody has done yet; it was asked for, and then the champion went."""
    bazaar = root / "var" / "bazaar"
    shutil.rmtree(bazaar / "lake" / "candidates" / "merchant_fraud")
    process = started(sys.executable, root, source, "-c", SCHEDULE)
    assert process.stdout is not None
    assert any(line.startswith("asked for") for line in iter(process.stdout.readline, ""))
    (bazaar / "objects" / "models" / "claim" / "serving.json").unlink()
    shutil.rmtree(bazaar / "objects" / "models" / "claim" / "history")
    return process


def without_candidates(found: dict[str, str]) -> dict[str, str]:
    """Everything but the list of candidates: a week is trained between two backfills or is not; what stands is one."""
    return {name: value for name, value in found.items() if len(name.split(" ")[-1]) != 64}


@pytest.mark.exhaustive
def test_of_two_main_jobs_at_once_the_second_waits_and_finds_nothing_to_do(
    tmp_path: Path, world: Path, own_settled: Path, govern_program: Path
) -> None:
    source = Path(shutil.copytree(world, tmp_path / "delivered"))
    path = source / "reviews" / "dt=2024-02-03" / "rows.parquet"
    pl.read_parquet(path, hive_partitioning=False).head(40).write_parquet(path)

    said = ended(*(started(govern_program, own_settled, source, "run", "--weeks", "1") for _ in range(2)))

    assert sorted("no run was started" in text for text in said) == [False, True]
    assert any("waiting for main_job: govern run (process" in text for text in said)
