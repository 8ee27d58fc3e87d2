"""Several who want the same at the same time: they wait for each other where they must, and no more comes of it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.workspace import Workspace

Everything = Callable[[Workspace], dict[str, str]]


def started(program: Path, root: Path, source: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "GOVERNANCE_ROOT": str(root / "var"),
        "GOVERNANCE_SOURCE": str(source),
        "MARKETPLACE": str(root / "bazaar"),
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
def test_two_backfills_the_main_job_and_a_promotion_at_once_end_as_one_after_the_other(
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
    for root in (together, in_turn):
        (root / "var" / "bazaar" / "objects" / "models" / "claim" / "serving.json").unlink()
        shutil.rmtree(root / "var" / "bazaar" / "objects" / "models" / "claim" / "history")
    work = (
        ("promote", "claim", digest, "--reason", "wanted", "--who", "ann"),
        ("backfill", "2024-01-20..2024-02-04"),
        ("backfill", "2024-02-01..2024-02-04"),
        ("run", "--weeks", "1"),
    )

    said = ended(*(started(govern_program, together, source, *words) for words in work))
    for words in work:
        ended(started(govern_program, in_turn, source, *words))
    ended(*(started(govern_program, root, source, "run", "--weeks", "1") for root in (together, in_turn)))

    assert any("waiting for days" in text for text in said[1:])
    # Of a pointer only the time and the one who moved it differ, and they are no digests.
    assert everything_in(bazaar_at(together, source=source)) == everything_in(bazaar_at(in_turn, source=source))


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
