"""The preview of a backfill as a job of its own, for those who work in the Dagster UI."""

import io
from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field
from rich.console import Console

from assets.failures import as_failures
from assets.metadata import rounded
from governance.workspace import Workspace
from orchestration.plan import Backfill

_WIDTH = 150


class Days(dg.Config):
    """Days that somebody thinks of doing again."""

    first: str = Field(description="The first UTC day, such as 2024-02-01.")
    last: str = Field(description="The last UTC day.")
    again: bool = Field(default=False, description="Do every day, also those where nothing is stale.")


@dg.op(description="Rehearse a backfill in a copy of the workspace and log what it would change; nothing is changed.")
def preview_of_backfill(context: dg.OpExecutionContext, config: Days, workspace: dg.ResourceParam[Workspace]) -> None:
    """Log what `govern backfill FROM..TO --preview` prints."""
    from orchestration import show_impact
    from orchestration.impact import preview

    wanted = Backfill(first=date.fromisoformat(config.first), last=date.fromisoformat(config.last), again=config.again)
    with as_failures():
        found = preview(workspace, wanted, now=datetime.now(UTC))
    said = io.StringIO()
    Console(file=said, width=_WIDTH).print(show_impact.preview(found))
    context.log.info(said.getvalue())
    keys = sum(table.keys for table in found.impact.online)
    context.add_output_metadata(
        {
            "partitions_written": found.impact.partitions,
            "partitions_changed": found.impact.changed_partitions,
            "online_keys_changed": keys,
            "seconds_expected": rounded(found.seconds),
        }
    )


@dg.job(description="Say what a backfill of a range of days would change, without changing anything.")
def preview_backfill() -> None:
    """One op."""
    preview_of_backfill()
