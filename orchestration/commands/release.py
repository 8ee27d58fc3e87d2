"""Release by hand: promote, roll back, refuse and allow again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.commands.shared import (
    MarketplaceOption,
    ReasonOption,
    WhoOption,
    console,
    login,
    open_workspace,
    require_model,
    whole_digest,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (promote, rollback, refuse, allow):
        app.command()(command)


def promote(
    model: str,
    digest: Annotated[str, typer.Argument(help="The candidate's digest, or enough of its beginning.")],
    reason: ReasonOption,
    who: WhoOption = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Make a candidate the champion; refused unless its own verdict passed."""
    workspace = open_workspace(marketplace)
    whole = whole_digest(workspace, model, digest)
    pointer = workspace.registry.promote(model, whole, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: champion {pointer.champion[:12]} as of {pointer.as_of}")


def rollback(model: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None) -> None:
    """Return to the champion before this one; the one that is left is refused until somebody allows it again."""
    workspace = open_workspace(marketplace)
    require_model(workspace, model)
    pointer = workspace.registry.rollback(model, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: back to {pointer.champion[:12]} as of {pointer.as_of}")


def refuse(
    model: str, digest: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None
) -> None:
    """Forbid the promotion of a candidate, whatever its gates said, until `allow`."""
    workspace = open_workspace(marketplace)
    whole = whole_digest(workspace, model, digest)
    workspace.registry.refuse(model, whole, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: {whole[:12]} is refused")


def allow(
    model: str, digest: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None
) -> None:
    """Lift the refusal of a candidate; its gates decide again."""
    workspace = open_workspace(marketplace)
    whole = whole_digest(workspace, model, digest)
    workspace.registry.allow(model, whole, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: {whole[:12]} is allowed")
