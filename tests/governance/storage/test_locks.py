"""Who may write: locks that keep processes apart, tell who has them, and are given back when their holder is killed."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from governance.storage.locks import holder, writing

HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from governance.storage.locks import writing
with writing(Path(sys.argv[1]), doing="backfill", now=lambda: datetime(2026, 1, 2, 3, 4, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def held_by_another_process(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_tells_who_has_it_and_since_when(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "days.lock"
    assert holder(lock) is None
    with writing(lock, doing="govern run", now=now):
        assert str(holder(lock)).startswith("govern run (process ")
        assert str(holder(lock)).endswith("since 2026-01-02T00:00:00+00:00")
    assert holder(lock) is None


def test_who_comes_second_is_told_whom_it_waits_for_and_goes_on_when_that_one_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "days.lock"
    other = held_by_another_process(lock)
    said: list[str] = []

    def kill(sentence: str) -> None:
        said.append(sentence)
        other.kill()

    with writing(lock, doing="govern run", now=now, on_wait=kill):
        other.wait()

    assert said == [
        f"waiting for days: backfill (process {other.pid}) since 2026-01-02T03:04:00+00:00 has it",
    ]
    other.communicate()


def test_readers_share_a_lock_and_keep_the_writer_out(tmp_path: Path) -> None:
    lock, order = tmp_path / "days.lock", []
    waits = threading.Event()

    def write() -> None:
        with writing(lock, doing="daily", now=now, on_wait=lambda _: waits.set()):
            order.append("written")

    with writing(lock, doing="weekly", now=now, shared=True), writing(lock, doing="online", now=now, shared=True):
        writer = threading.Thread(target=write)
        writer.start()
        assert waits.wait(timeout=30)
        order.append("read")
    writer.join(timeout=30)

    assert order == ["read", "written"]
