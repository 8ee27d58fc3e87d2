"""Release by hand: promote, roll back, override, refuse and allow again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from governance.release.overrides import DAYS_AT_MOST
from orchestration.commands.shared import (
    DryRunOption,
    ExpectOption,
    MarketplaceOption,
    ReasonOption,
    WhoOption,
    console,
    login,
    open_workspace,
)
from orchestration.given import moment, require_model, whole_digest


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (promote, rollback, override, refuse, allow):
        app.command()(command)


def promote(
    model: str,
    digest: Annotated[str, typer.Argument(help="The candidate's digest, or enough of its beginning.")],
    reason: ReasonOption,
    who: WhoOption = None,
    expect: ExpectOption = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Make a candidate the champion; refused unless its own verdict passed."""
    workspace = open_workspace(marketplace)
    whole = whole_digest(workspace, model, digest)
    now = datetime.now(UTC)
    pointer = workspace.registry.promote(model, whole, who=who or login(), reason=reason, at=now, expect=expect)
    console.print(f"{model}: champion {pointer.champion[:12]} as of {pointer.as_of}")


def rollback(
    model: str,
    reason: ReasonOption,
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Return to the champion before this one; the one that is left is refused until somebody allows it again."""
    workspace = open_workspace(marketplace)
    require_model(workspace, model)
    signed = {"who": who or login(), "reason": reason}
    pointer = workspace.registry.rollback(model, **signed, at=datetime.now(UTC), expect=expect, dry_run=dry_run)
    said = "would go back" if dry_run else "back"
    console.print(f"{model}: {said} to {pointer.champion[:12]} as of {pointer.as_of}")


def override(
    model: str,
    digest: Annotated[str, typer.Argument(help="The candidate's digest, or enough of its beginning.")],
    reason: ReasonOption,
    second: Annotated[str, typer.Option("--second", help="Another person, who agreed.")],
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help=f"When it ends, such as 2024-03-08T12:00+00:00 or a UTC day; {DAYS_AT_MOST} days at most.",
        ),
    ],
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Let a candidate past its merit gates until a stated time; nothing reaches past a safety gate."""
    workspace = open_workspace(marketplace)
    whole, end = whole_digest(workspace, model, digest), moment(until)
    signed = {"who": who or login(), "second": second, "reason": reason}
    before = workspace.registry.pointer(model)
    pointer = workspace.registry.override(
        model, whole, **signed, at=datetime.now(UTC), until=end, expect=expect, dry_run=dry_run
    )
    verb = "would serve" if dry_run else "serves"
    console.print(f"{model}: {pointer.champion[:12]} as of {pointer.as_of} {verb} past its merit gates until {end}")
    behind = pointer.previous[:12] if pointer.previous else "nothing"
    replaced = before.champion[:12] if before else "nothing"
    console.print(f"{model}: in place of {replaced}; then {behind} again, unless a newer candidate passes before")


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
