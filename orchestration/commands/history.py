"""History: days that are landed and built again."""

from typing import Annotated

import typer

from orchestration import show
from orchestration.commands.shared import MarketplaceOption, console, day_range, execute, open_workspace


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (backfill,):
        app.command()(command)


def backfill(
    days: Annotated[str, typer.Argument(metavar="FROM..TO", help="First and last day, like 2024-02-01..2024-02-29.")],
    marketplace: MarketplaceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be rebuilt, and stop.")] = False,
) -> None:
    """Land and build a range of days again as one run; days that changed nothing keep their digests."""
    from orchestration.plan import backfill_run

    workspace = open_workspace(marketplace)
    planned = backfill_run(workspace, *day_range(days))
    console.print(show.planned(planned))
    if not dry_run:
        execute(workspace, planned)
