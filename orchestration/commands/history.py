"""History: days that are landed and built again."""

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from governance.backfill.changes import Impact
from governance.workspace import Workspace
from orchestration import show
from orchestration.commands.shared import (
    JsonOption,
    MarketplaceOption,
    console,
    open_workspace,
    say_failures,
)
from orchestration.given import day_range
from orchestration.plan import Backfill

_INTERRUPTED = 130


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (backfill,):
        app.command()(command)


def backfill(
    days: Annotated[str, typer.Argument(metavar="FROM..TO", help="First and last day, like 2024-02-01..2024-02-29.")],
    marketplace: MarketplaceOption = None,
    preview: Annotated[
        bool, typer.Option("--preview", "--dry-run", help="Rehearse it, say what would change and how long it takes.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Do every day, also those where nothing is stale.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Land and build what is stale or missing in a range of days, and what follows from it up to today.

    Each day is committed by itself: stopped half-way (Ctrl-C), the same command goes on where it was. A day that cannot
    land is named, and the others stand. Models are left to `govern run`.
    """
    workspace = open_workspace(marketplace)
    first, last = day_range(days)
    wanted = Backfill(first=first, last=last, again=again)
    if preview:
        _preview(workspace, wanted, as_json=as_json)
    else:
        _carry_out(workspace, wanted, as_json=as_json)


def _preview(workspace: Workspace, wanted: Backfill, *, as_json: bool) -> None:
    from orchestration import show_impact
    from orchestration.impact import preview

    found = preview(workspace, wanted, now=datetime.now(UTC))
    if as_json:
        _write(found.impact, seconds=found.seconds)
    else:
        console.print(show_impact.preview(found))


def _carry_out(workspace: Workspace, wanted: Backfill, *, as_json: bool) -> None:
    from orchestration import show_impact
    from orchestration.backfills import keep, run_backfill

    found = run_backfill(
        workspace,
        wanted,
        timer=time.monotonic,
        on_start=lambda planned: None if as_json else console.print(show.planned(planned)),
    )
    path = keep(workspace, found)
    if as_json:
        _write(found.impact, seconds=found.seconds)
    else:
        say_failures(found.failures)
        console.print(show_impact.reconciliation(found))
        console.print(f"kept in {path}" if path else "", soft_wrap=True)
    raise typer.Exit(_INTERRUPTED if found.stopped else 1 if found.failures else 0)


def _write(found: Impact, *, seconds: float) -> None:
    said = {**asdict(found), "seconds": round(seconds, 1)}
    sys.stdout.write(json.dumps(said, indent=2, sort_keys=True, default=str) + "\n")
