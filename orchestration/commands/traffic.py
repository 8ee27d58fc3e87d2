"""Release in traffic by hand: shadows, canaries, ramps and experiments; each takes effect within seconds."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from governance.errors import ConfigurationError
from governance.release.records import Pointer
from governance.release.registry import Wish
from governance.release.traffic import Arm, Experiment, Lane, Ramp
from governance.release.traffic_words import traffic_lines
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
from orchestration.given import require_model, whole_digest

_HOLD_MINUTES = 60

DigestArgument = Annotated[
    str | None, typer.Argument(help="The candidate's digest, or enough of its beginning.", show_default=False)
]
EndOption = Annotated[bool, typer.Option("--end", help="End it.")]
RampOption = Annotated[
    str | None, typer.Option("--ramp", metavar="SHARES", help="Shares through which it grows, such as 1%,5%,25%.")
]
HoldOption = Annotated[
    int, typer.Option("--hold", metavar="MINUTES", help="How long a ramp holds each share at least.", min=1)
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (shadow, canary, ramp, experiment):
        app.command()(command)


def shadow(
    model: str,
    digest: Annotated[str, typer.Argument(help="The candidate's digest, or enough of its beginning.")],
    reason: ReasonOption,
    end: EndOption = False,
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Let a candidate score every request without acting; it needs its safety gates, not its merit."""
    workspace, wish = open_workspace(marketplace), _wish(who, reason, expect, dry_run=dry_run)
    whole, registry = whole_digest(workspace, model, digest), workspace.registry
    _say(model, (registry.end_shadow if end else registry.shadow)(model, whole, **wish), dry_run=dry_run)


def canary(
    model: str,
    reason: ReasonOption,
    digest: DigestArgument = None,
    share: Annotated[str | None, typer.Option("--share", help="Share of the entities, such as 5% or 0.05.")] = None,
    ramp: RampOption = None,
    hold: HoldOption = _HOLD_MINUTES,
    end: Annotated[bool, typer.Option("--end", help="End the canary and refuse it until `allow`.")] = False,
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Let a candidate that passed answer for a share of the entities; the service ends it where it goes wrong."""
    workspace, wish = open_workspace(marketplace), _wish(who, reason, expect, dry_run=dry_run)
    whole = whole_digest(workspace, model, digest) if digest else None
    if end:
        require_model(workspace, model)
        _say(model, workspace.registry.end_canary(model, whole, **wish), dry_run=dry_run)
        return
    if whole is None:
        raise ConfigurationError("name the candidate that becomes the canary; `govern models` lists them")
    first, grows = _share(share) if share else None, Ramp(_shares(ramp), hold) if ramp else None
    _say(model, workspace.registry.canary(model, whole, share=first, ramp=grows, **wish), dry_run=dry_run)


def ramp(
    model: str,
    reason: ReasonOption,
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="SHARES", help="Shares of a canary, such as 1%,5%,25%.")
    ] = None,
    hold: HoldOption = _HOLD_MINUTES,
    end: Annotated[bool, typer.Option("--end", help="Promote newer candidates at once again.")] = False,
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Say how automation releases newer candidates of a model: as canaries that grow, promoted at the end."""
    if end == bool(steps):
        raise ConfigurationError("give --steps, such as --steps 1%,5%,25%, or --end")
    workspace = open_workspace(marketplace)
    require_model(workspace, model)
    wanted = Ramp(_shares(steps), hold) if steps else None
    wish = _wish(who, reason, expect, dry_run=dry_run)
    _say(model, workspace.registry.ramp(model, wanted, **wish), dry_run=dry_run)


def experiment(
    model: str,
    reason: ReasonOption,
    name: Annotated[str | None, typer.Argument(help="Under this name its arms stand in the ledger.")] = None,
    arms: Annotated[
        list[str] | None,
        typer.Option("--arm", metavar="NAME=SHARE[:canary]", help="An arm, such as new=50%:canary; twice or more."),
    ] = None,
    end: EndOption = False,
    who: WhoOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Split entities into arms, which the champion or the canary answers for; the ledger keeps each one's arm."""
    workspace, wish = open_workspace(marketplace), _wish(who, reason, expect, dry_run=dry_run)
    require_model(workspace, model)
    if end:
        _say(model, workspace.registry.end_experiment(model, **wish), dry_run=dry_run)
        return
    if name is None or not arms:
        raise ConfigurationError("give the experiment's name and two --arm or more, or --end")
    wanted = Experiment(name, tuple(_arm(text) for text in arms))
    _say(model, workspace.registry.experiment(model, wanted, **wish), dry_run=dry_run)


def _wish(who: str | None, reason: str, expect: int | None, *, dry_run: bool) -> Wish:
    return {"who": who or login(), "reason": reason, "at": datetime.now(UTC), "expect": expect, "dry_run": dry_run}


def _say(model: str, pointer: Pointer | None, *, dry_run: bool) -> None:
    if pointer is None:
        console.print(f"{model}: there is none, so nothing ends")
        return
    would = "would be " if dry_run else ""
    console.print(f"{model}: {would}generation {pointer.generation}")
    for line in traffic_lines(pointer.traffic) or ["the champion answers for everybody, and nobody listens"]:
        console.print(f"{model}: {line}")


def _arm(text: str) -> Arm:
    name, _, rest = text.partition("=")
    share, _, lane = rest.partition(":")
    lanes: dict[str, Lane] = {"": "champion", "champion": "champion", "canary": "canary"}
    if lane not in lanes:
        raise ConfigurationError(f"{text!r}: an arm is answered by `champion` or `canary`, such as new=50%:canary")
    return Arm(name, _share(share), lanes[lane])


def _shares(text: str) -> tuple[float, ...]:
    return tuple(_share(part) for part in text.split(","))


def _share(text: str) -> float:
    """A share as people write it: `0.05` or `5%`."""
    number = text.strip()
    try:
        return float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is no share, such as 5% or 0.05") from problem
