"""Files of a day are written while the next one is lived, by a thread or by another process, to the same bytes."""

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.marketplaces.simulated.writing import Delivery, Writer, own_process

DAYS = [date(2026, 1, day) for day in (1, 2, 3)]


def rows(day: date) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{day}-é", None], "at": [day, day], "amount": [1.5, None], "kind": ["a", "b"]})


def written(out: Path, writer: Writer) -> dict[str, bytes]:
    with writer:
        for day in DAYS:
            writer.write(day, [Delivery("orders", day, rows(day)), Delivery("cases", day, rows(day).clear())])
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")}


def test_another_process_writes_the_same_bytes_and_each_day_is_told_once_its_files_are_there(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    told: list[tuple[date, bool]] = []

    def tell(day: date) -> None:
        told.append((day, (elsewhere / f"cases/dt={day}/rows.parquet").exists()))

    found = written(elsewhere, Writer(elsewhere, tell, own_process()))

    assert found == written(here, Writer(here, None, None))
    assert len(found) == 2 * len(DAYS)
    assert told == [(day, True) for day in DAYS]


def test_what_another_process_cannot_write_is_told_here(tmp_path: Path) -> None:
    (tmp_path / "orders").write_text("a file where a folder should be")
    told: list[date] = []
    with pytest.raises(NotADirectoryError):
        written(tmp_path, Writer(tmp_path, told.append, own_process()))
    assert told == []


_KILLED = """
import os, signal
from governance.marketplaces.simulated.writing import own_process

if __name__ == "__main__":
    print(own_process().submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writing_process_ends_with_the_one_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)

    # The writer has the same standard output: all of it is read only once the writer is gone as well.
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, timeout=30, env=environment)

    assert ended.returncode == -signal.SIGKILL
    assert int(ended.stdout) > 0
