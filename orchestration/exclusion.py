"""What a run may write at the same time as others: its pools in Dagster's queue, its locks between processes.

Four families of datasets are written, and each by one run at a time: `days` (raw, features, labels), `weeks`
(training sets, candidates, drift), `online` and `decisions`. Who reads a family while writing another shares its
lock, so that no training set is cut out of days that are being written again. Champions need none: the registry
compares and sets.

Dagster's queue keeps the runs of schedules, sensors and the UI apart by pools, without a process that waits. What
the queue does not start (`govern run`, `govern backfill`, a job in a notebook) is kept apart by the locks.
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from assets.families import Family
from governance.storage.locks import Holder, holder, writing
from governance.workspace import Workspace

MAIN_JOB = "main job"
_CLAIM_SECONDS = 300.0


@contextmanager
def exclusively(
    workspace: Workspace, families: Collection[Family], *, doing: str, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the locks of the families that are written, and share those that are read.

    All take them in one order, so that no two wait for each other.
    """
    read = {each for family in families for each in family.reads} - set(families)
    with ExitStack() as held:
        for family in Family:
            if family in families or family in read:
                path, shared = lock_path(workspace, family), family in read
                held.enter_context(writing(path, doing=doing, now=_now, shared=shared, on_wait=on_wait))
        yield


@contextmanager
def main_job(workspace: Workspace, *, doing: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the right to plan: a second `govern run` waits, then finds everything done; sensors plan nothing."""
    with writing(lock_path(workspace, MAIN_JOB), doing=doing, now=_now, on_wait=on_wait):
        yield


def main_job_holder(workspace: Workspace) -> Holder | None:
    """Who is planning and doing the main job by hand."""
    return holder(lock_path(workspace, MAIN_JOB))


def written_by(workspace: Workspace, family: Family) -> Holder | None:
    """Who is writing a family now."""
    return holder(lock_path(workspace, family))


def claimed(workspace: Workspace, plan: str, *, who: str, now: datetime) -> str | None:
    """Claim a plan; another who claimed it first, and lately, is named instead.

    A claim lasts for as long as a daemon may take to make a run of it; from then on the run itself can be seen.
    """
    path = workspace.root / "locks" / "claims" / plan
    path.parent.mkdir(parents=True, exist_ok=True)
    for claim in path.parent.iterdir():
        if now.timestamp() - claim.stat().st_mtime > _CLAIM_SECONDS:
            claim.unlink(missing_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(who)
        os.utime(path, (now.timestamp(), now.timestamp()))
    except FileExistsError:
        first = path.read_text(encoding="utf-8")
        return None if first == who else first or "somebody"
    return None


def lock_path(workspace: Workspace, name: str) -> Path:
    """The file of a lock."""
    return workspace.root / "locks" / f"{name.replace(' ', '_')}.lock"


def _now() -> datetime:
    return datetime.now(UTC)
