"""Decisions: what another model would have answered."""

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from governance.contracts.calendar import midnight
from governance.errors import ConfigurationError
from governance.workspace import Workspace
from orchestration.commands.shared import JsonOption, MarketplaceOption, console, open_workspace
from orchestration.given import day_range, whole_digest

if TYPE_CHECKING:
    from governance.decisions.replay import Replay


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(replay)


def replay(
    days: Annotated[str, typer.Argument(metavar="FROM..TO", help="First and last day of the events decided about.")],
    candidate: Annotated[
        str, typer.Option("--candidate", metavar="MODEL=DIGEST", help="The digest, or enough of its beginning.")
    ],
    marketplace: MarketplaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make decisions of the ledger again with a candidate, and say what would have changed and what it would have cost.

    Nothing is written. Features are taken as they were served; points and rules are today's on both sides.
    """
    workspace = open_workspace(marketplace)
    name, _, beginning = candidate.partition("=")
    if not beginning:
        raise ConfigurationError(f"{candidate!r} is not MODEL=DIGEST, such as claim=3f2a")
    found = _replay(workspace, days, name, whole_digest(workspace, name, beginning))
    if as_json:
        sys.stdout.write(json.dumps(_facts(found), indent=2) + "\n")
    else:
        _show(found)


def _replay(workspace: Workspace, days: str, name: str, digest: str) -> "Replay":
    from governance.decisions.outcomes import matured_labels, stated_until
    from governance.decisions.points import load_points
    from governance.decisions.replay import replay
    from governance.decisions.rules import load_rules
    from governance.models.artifact import load_scorer

    first, last = day_range(days)
    points, model = load_points(), workspace.models.present[name]
    decisions = list(workspace.decisions.between(midnight(first), midnight(last + timedelta(days=1))))
    until = stated_until(workspace.lake)
    labels = matured_labels(decisions, model.label, workspace.ledger, points, until=until) if until else {}
    return replay(
        decisions,
        model,
        load_scorer(workspace.registry.files(name, digest)),
        digest,
        views=workspace.views,
        points=points,
        rules=load_rules(),
        labels=labels,
    )


def _facts(found: "Replay") -> dict[str, Any]:
    cost = found.cost
    return {
        "model": found.model,
        "candidate": found.candidate,
        "asked": found.asked,
        "made_again": len(found.made),
        "policy_changed": found.policy_changed,
        "acted": dict(zip(("before", "after"), found.acted, strict=True)),
        "hurt": dict(zip(("before", "after"), found.hurt, strict=True)),
        "changed": [
            {"point": point, "before": before, "after": after, "decisions": count}
            for (point, before, after), count in found.changed.items()
        ],
        "matured": cost.matured,
        "positives": cost.positives,
        "cost_minor": {"before": cost.before, "after": cost.after},
        "saved_per_1000_minor": cost.saved_per_1000,
    }


def _show(found: "Replay") -> None:
    console.print(
        f"{found.model}: {len(found.made)} of {found.asked} decisions made again with {found.candidate[:12]}; "
        f"acted on {found.acted[0]} before, {found.acted[1]} after; hurt {found.hurt[0]} before, {found.hurt[1]} after"
    )
    if found.policy_changed:
        console.print(
            f"points or rules have changed since: {found.policy_changed} would be otherwise with either model"
        )
    table = Table("point", "before", "after", "decisions")
    for (point, before, after), count in found.changed.items():
        table.add_row(point, before, after, str(count))
    console.print(table if found.changed else "no decision would have ended otherwise")
    cost = found.cost
    if cost.saved_per_1000 is None:
        console.print("no label of these decisions has matured yet, so nothing can be said of cost")
        return
    console.print(
        f"on {cost.matured} matured decisions ({cost.positives} positive): cost {cost.before:,.0f} before, "
        f"{cost.after:,.0f} after; 1,000 decisions save {cost.saved_per_1000:,.0f} (reference minor units). "
        "An action that was taken may itself have changed what came of it"
    )
