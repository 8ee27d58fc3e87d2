"""Files that several open at once, the first time among them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from governance.storage.sqlite_files import open_shared

AT_ONCE = 8


@pytest.mark.parametrize("number", range(5))
def test_all_who_open_a_new_file_at_once_get_it(tmp_path: Path, number: int) -> None:
    path, together = tmp_path / f"{number}.sqlite", threading.Barrier(AT_ONCE)

    def write(row: int) -> None:
        together.wait()
        connection = open_shared(path, wait_seconds=10)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER)")
        connection.execute("INSERT INTO rows VALUES (?)", (row,))
        connection.execute("COMMIT")
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(write, range(AT_ONCE)))
    connection = open_shared(path, wait_seconds=10)
    assert connection.execute("SELECT count(*) FROM rows").fetchone() == (AT_ONCE,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
