"""On call: which alerts are open, what would be told now, and telling it where no daemon does."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from governance.oncall.reported import FailedRun
from governance.workspace import Workspace
from orchestration import show
from orchestration.alerting import event_document, listed, unreadable_addresses, watch, would_tell
from orchestration.commands.shared import JsonOption, MarketplaceOption, console, open_workspace
from orchestration.environments import prepare_dagster_home


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (alerts,):
        app.command()(command)


def alerts(
    marketplace: MarketplaceOption = None,
    as_json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Also everything that happened to alerts so far.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look now; say what would be told, and stop.")] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Look now and tell, as the sensor `watch` does where a daemon runs.")
    ] = False,
) -> None:
    """List open alerts: what is wrong, against what is usual, since when, why, and what to do first."""
    workspace = open_workspace(marketplace)
    _warn_of_addresses()
    if dry_run:
        events = would_tell(workspace, wall=datetime.now(UTC), runs=_failed_runs(workspace))
        _print_events([event_document(event, os.environ) for event in events if event.told], as_json)
        return
    if send:
        watch(workspace, os.environ, wall=datetime.now(UTC), runs=_failed_runs(workspace))
    found = listed(workspace, os.environ, history=everything)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2, sort_keys=True) + "\n")
    else:
        console.print(show.alerts(found), soft_wrap=True)


def _failed_runs(workspace: Workspace) -> Sequence[FailedRun] | None:
    """What Dagster knows of failed runs; None where no run was ever started here, so that nothing is asked."""
    if not (workspace.root / "dagster" / "dagster.yaml").exists():
        return None
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(workspace))
    import dagster as dg

    from orchestration.failed_runs import failed_runs

    with dg.DagsterInstance.get() as instance:
        return failed_runs(instance)


def _print_events(events: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"would_tell": events}, indent=2, sort_keys=True) + "\n")
        return
    for event in events:
        console.print(f"{event['event']}: {event['line']}", soft_wrap=True)
    if not events:
        console.print("Nobody would be told of anything new.")


def _warn_of_addresses() -> None:
    if words := unreadable_addresses(os.environ):
        typer.echo(f"{words} word(s) of GOVERNANCE_ALERTS are no addresses; see docs/alerts.md", err=True)
