"""A run holds the locks of what it writes for as long as it has its workspace."""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.families import Family
from governance.workspace import Workspace
from orchestration.exclusion import exclusively
from orchestration.jobs import DAILY, DECISIONS, ONLINE, RELEASE, WEEKLY
from orchestration.processes import process_tags

_OF_JOBS: dict[str, tuple[Family, ...]] = {
    DAILY: (Family.DAYS,),
    WEEKLY: (Family.WEEKS,),
    RELEASE: (),
    ONLINE: (Family.ONLINE,),
    DECISIONS: (Family.DECISIONS,),
    "repair_online": (Family.ONLINE,),
    # Decisions wait for nobody: the registry compares and sets, and the others write a file of their own.
    **dict.fromkeys(("rollback", "promote", "override", "refuse", "allow", "approve"), ()),
}


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
