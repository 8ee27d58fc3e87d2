"""What waits for a person: changes of history past the bounds of the marketplace."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from governance.automation.held import Held
from governance.errors import ConfigurationError
from governance.workspace import Workspace
from orchestration.commands.shared import DryRunOption, MarketplaceOption, WhoOption, console, login, open_workspace


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(approve)


def approve(
    plan: Annotated[
        str | None, typer.Argument(help="The change, or enough of its beginning; without it, list.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept for ever.")] = "",
    who: WhoOption = None,
    marketplace: MarketplaceOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """List the changes that wait for a person, or let one go: the sensor `changed_days` does it at its next look."""
    workspace = open_workspace(marketplace)
    if plan is None:
        _list(workspace)
        return
    found = workspace.held.one(plan)
    console.print(f"{found.plan[:12]} {found.what}: {found.why}", soft_wrap=True)
    if dry_run:
        console.print(f"What it would change: govern backfill {found.first}..{found.last} --preview")
        return
    if not reason:
        raise ConfigurationError("say why with --reason: it is kept for ever")
    workspace.held.approve(plan, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print("approved")


def _list(workspace: Workspace) -> None:
    from orchestration.reactions.days import waiting_changes
    from orchestration.reactions.look import Look

    waiting = waiting_changes(Look(workspace, datetime.now(UTC), lambda _: False))
    let_go = [one for one in workspace.held.all() if one.approved]
    for one in [*let_go, *waiting]:
        console.print(f"{one.plan[:12]} {_state(one)}. {one.why}. {one.what}", soft_wrap=True)
    if not waiting:
        console.print("Nothing waits for a person.")


def _state(one: Held) -> str:
    if one.approved:
        return f"approved by {one.approved_by}: {one.reason}"
    return f"waits since {one.since:%Y-%m-%d %H:%M} UTC"
