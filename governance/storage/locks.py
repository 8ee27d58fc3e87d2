"""Who may write: locks between processes of one machine, which the kernel gives back when their holder dies."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

_LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock: what it is doing, in which process, and since when (ISO time)."""

    doing: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"{self.doing} (process {self.pid}) since {self.since}"


@contextmanager
def writing(
    path: Path,
    *,
    doing: str,
    now: Callable[[], datetime],
    shared: bool = False,
    on_wait: Callable[[str], None] = lambda _: None,
    say_every_seconds: float = 10.0,
) -> Iterator[None]:
    """Hold the lock at `path`, waiting for as long as somebody else has it.

    A killed process holds nothing: the lock lies in the kernel, the file only tells people who has it. Two
    calls exclude each other in one process, too, so that nobody may ask for a lock that it has already.

    Parameters
    ----------
    doing : what the others are told while they wait.
    shared : readers share a lock with each other, and exclude the writer.
    on_wait : told who has the lock, at once and every `say_every_seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        said: float | None = None
        while not _taken(file, shared=shared):
            if said is None or time.monotonic() - said >= say_every_seconds:
                said = time.monotonic()
                on_wait(f"waiting for {path.stem}: {_holder(path) or 'somebody'} has it")
            time.sleep(_LOOK_EVERY_SECONDS)
        if not shared:
            _tell(file, Holder(doing, os.getpid(), now().isoformat(timespec="seconds")))
        yield


def holder(path: Path) -> Holder | None:
    """Who is writing under the lock at `path` now, None where nobody is."""
    if not path.exists():
        return None
    with path.open("a+", encoding="utf-8") as file:
        # A reader's lock: of several that look at once, none sees another.
        return None if _taken(file, shared=True) else _holder(path)


def _taken(file: IO[str], *, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tell(file: IO[str], who: Holder) -> None:
    file.seek(0)
    file.truncate()
    json.dump(asdict(who), file)
    file.flush()


def _holder(path: Path) -> Holder | None:
    """What the file says; between taking the lock and writing the file it says nothing yet."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return None
