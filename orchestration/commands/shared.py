"""What commands share: the terminal, the options that many take, and how they open, name and carry out things."""

import getpass
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from governance.workspace import Workspace
from orchestration.environments import workspace_from
from orchestration.plan import PlannedRun

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

MarketplaceOption = Annotated[
    str | None, typer.Option("--marketplace", "-m", help="Name or folder of a marketplace.", envvar="MARKETPLACE")
]
SourceOption = Annotated[Path | None, typer.Option("--source", help="Folder of the owner's files.", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine to read.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept for ever.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and stop.")]
ExpectOption = Annotated[
    int | None,
    typer.Option("--expect", min=0, help="Only if the pointer is of this generation (`govern models` shows it)."),
]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who signs; your login name by default.")]


def open_workspace(marketplace: str | None, source: Path | None = None) -> Workspace:
    """The workspace that the environment and the command line name."""
    return workspace_from(os.environ, marketplace=marketplace, source=source)


def execute(workspace: Workspace, planned: PlannedRun) -> None:
    """Carry out one run, say how it ended, and end the command with its status."""
    from orchestration.runs import execute

    finished = execute(workspace, planned)
    say_failures(finished.failures)
    console.print(f"run {finished.run_id} ended {'with failures' if finished.failures else 'well'}")
    raise typer.Exit(1 if finished.failures else 0)


def say_failures(failures: Iterable[str]) -> None:
    """Name what failed, a line each."""
    for failure in failures:
        console.print(f"[red]FAILED[/red] {failure}", soft_wrap=True)


def login() -> str:
    """Who is at the keyboard."""
    return getpass.getuser()
