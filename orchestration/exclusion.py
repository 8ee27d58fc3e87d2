"""What a run may write at the same time as others: its pools in Dagster's queue, its locks between processes.

Three families of datasets are written, and each by one run at a time: `days` (raw, features, labels), `weeks`
(training sets, candidates, drift) and `online`. Who reads a family while writing another shares its lock, so that
no training set is cut out of days that are being written again. Champions need none: the registry compares and sets.

Dagster's queue keeps the runs of schedules, sensors and the UI apart by pools, without a process that waits. What
the queue does not start (`govern run`, `govern backfill`, a job in a notebook) is kept apart by the locks.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.families import Family
from governance.storage.locks import Holder, holder, writing
from governance.workspace import Workspace
from orchestration.jobs import DAILY, ONLINE, RELEASE, WEEKLY
from orchestration.processes import process_tags

MAIN_JOB = "main job"
_CLAIM_SECONDS = 300.0
_OF_JOBS: dict[str, tuple[Family, ...]] = {
    DAILY: (Family.DAYS,),
    WEEKLY: (Family.WEEKS,),
    RELEASE: (),
    ONLINE: (Family.ONLINE,),
    # An emergency waits for nobody; the registry compares and sets.
    "rollback": (),
}


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
    except FileExistsError:
        first = path.read_text(encoding="utf-8")
        return None if first == who else first or "somebody"
    return None


def lock_path(workspace: Workspace, name: str) -> Path:
    """The file of a lock."""
    return workspace.root / "locks" / f"{name.replace(' ', '_')}.lock"


def workspace_of_run(workspace: Workspace) -> dg.ResourceDefinition:
    """The workspace as the resource of a run, which holds the run's locks from its first asset to its last."""

    @dg.resource(description="The marketplace's workspace; it holds the locks of what the run writes.")
    def guarded(context: dg.InitResourceContext) -> Iterator[Workspace]:
        run = context.run
        if run is None or context.instance is None or context.log is None:
            yield workspace
            return
        context.instance.add_run_tags(run.run_id, process_tags(run.run_id))
        with exclusively(
            workspace,
            _written_by(run),
            doing=f"{run.job_name} run {run.run_id[:8]}",
            on_wait=context.log.info,
        ):
            yield workspace

    return guarded


def _written_by(run: dg.DagsterRun) -> Sequence[Family]:
    """What a run writes; one of no stated assets and of a job that we do not know may write anything."""
    if run.asset_selection is None:
        return _OF_JOBS.get(run.job_name, tuple(Family))
    found = {Family.of(key.path) for key in run.asset_selection}
    return [family for family in Family if family in found]


def _now() -> datetime:
    return datetime.now(UTC)
