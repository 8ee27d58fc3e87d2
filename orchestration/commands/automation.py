"""What waits for a person: changes of history past the bounds of the marketplace."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.commands.shared import MarketplaceOption, WhoOption, console, login, open_workspace


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be let go, and stop.")] = False,
) -> None:
    """List the changes that wait for a person, or let one go: the sensor `changed_days` does it at its next look."""
    from governance.errors import ConfigurationError
    from orchestration.reactions.look import held_changes

    held = held_changes(open_workspace(marketplace))
    if plan is None:
        for one in held.all():
            state = f"approved by {one.approved_by}: {one.reason}" if one.approved else "waits"
            console.print(f"{one.plan[:12]} {state}. {one.why}. {one.what}", soft_wrap=True)
        return
    found = held.one(plan)
    console.print(f"{found.plan[:12]} {found.what}: {found.why}", soft_wrap=True)
    if dry_run:
        return
    if not reason:
        raise ConfigurationError("say why with --reason: it is kept for ever")
    held.approve(plan, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print("approved")
