"""The command line for people on call: `govern --help`."""

import getpass
import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from governance.errors import ConfigurationError, GovernanceError
from governance.workspace import Workspace
from orchestration import show
from orchestration.environments import PROJECT, prepare_dagster_home, remember_source, workspace_from
from orchestration.status import collect_status, exit_status
from orchestration.worlds import DEFAULT_SEED, WorldWish, go_on_with, simulate_into, simulate_once

app = typer.Typer(
    help="Keeps a marketplace's risk and after-sales models true. Exit status: 0 all is well, 1 error, "
    "3 a model has neither a champion nor a stated skip.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

MarketplaceOption = Annotated[
    str | None, typer.Option("--marketplace", "-m", help="Name or folder of a marketplace.", envvar="MARKETPLACE")
]
SourceOption = Annotated[Path | None, typer.Option("--source", help="Folder of the owner's files.", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine to read.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept for ever.")]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who signs; your login name by default.")]
PresetOption = Annotated[
    str, typer.Option("--preset", help="Size of the world: small, medium or large; --days and --buyers override it.")
]
DaysOption = Annotated[int | None, typer.Option("--days", min=1, help="Days to simulate.")]
BuyersOption = Annotated[
    int | None, typer.Option("--buyers", min=100, help="Buyers on the first day; the rest scales.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Another seed, another world.")]
CampaignsOption = Annotated[
    Path | None, typer.Option("--campaigns", help="Campaign file (TOML) instead of the one that comes with us.")
]


@app.command()
def run(
    marketplace: MarketplaceOption = None,
    source: SourceOption = None,
    weeks: Annotated[int, typer.Option(min=1, help="Newest weeks whose candidates are kept true.")] = 2,
    days: DaysOption = None,
    buyers: BuyersOption = None,
    seed: SeedOption = DEFAULT_SEED,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the next run would do, and stop.")] = False,
) -> None:
    """Do the main job: land, compute, train, judge, promote, put online; only what is stale.

    The simulated marketplace is simulated first where its world is not there (--days, --buyers, --seed).
    """
    workspace = _workspace(marketplace, source)
    if workspace.marketplace.name == "simulated" and source is None:
        simulate_once(workspace, WorldWish("small", days, buyers, seed), console=console)
    remember_source(workspace)
    if dry_run:
        _print_plan(workspace, weeks)
        return
    from orchestration.runs import run_all

    done = run_all(workspace, weeks=weeks, on_start=lambda planned: console.print(show.planned(planned)))
    for finished in done:
        for failure in finished.failures:
            console.print(f"[red]FAILED[/red] {failure}", soft_wrap=True)
    if not done:
        console.print("Nothing is stale: no run was started.")
    found = collect_status(workspace)
    console.print(show.status(found))
    console.print(show.how_to_go_on(workspace.marketplace.name))
    failed = any(finished.failures for finished in done)
    raise typer.Exit(1 if failed else exit_status(found))


@app.command()
def status(marketplace: MarketplaceOption = None, as_json: JsonOption = False) -> None:
    """What stands now: champions, feature views, drift, what is skipped and why."""
    found = collect_status(_workspace(marketplace))
    _print(found, as_json)
    raise typer.Exit(exit_status(found))


@app.command()
def models(marketplace: MarketplaceOption = None, as_json: JsonOption = False) -> None:
    """The models with their figures, gates and newest candidates."""
    found = collect_status(_workspace(marketplace))
    if as_json:
        _print({"models": found["models"], "skipped": found["skipped"]}, as_json)
    else:
        console.print(show.models(found))


@app.command()
def ingest(
    source: Annotated[Path, typer.Option(help="Folder of the owner's files.", file_okay=False)],
    marketplace: MarketplaceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would land, and stop.")] = False,
) -> None:
    """Land what the owner has delivered, checked against the contracts; features and models follow with `run`."""
    from orchestration.plan import landing_run

    workspace = _workspace(marketplace, source)
    remember_source(workspace)
    planned = landing_run(workspace)
    if planned is None:
        console.print("Everything delivered has landed already.")
        return
    console.print(show.planned(planned))
    if not dry_run:
        _execute(workspace, planned)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder of the world.", file_okay=False)],
    preset: PresetOption = "small",
    days: DaysOption = None,
    buyers: BuyersOption = None,
    seed: SeedOption = DEFAULT_SEED,
    campaigns: CampaignsOption = None,
    further: Annotated[
        int | None, typer.Option("--continue", min=1, help="Add so many days to the world that stands there.")
    ] = None,
    acted_on: Annotated[
        Path | None,
        typer.Option(
            "--acted-on", help="With --continue: file of account ids, one a line, acted on since.", dir_okay=False
        ),
    ] = None,
) -> None:
    """Write a simulated marketplace, or go on with one; the same seed gives the same world."""
    if further is None and acted_on is not None:
        raise ConfigurationError("--acted-on tells a world that goes on what was done; give --continue as well")
    if further is not None:
        go_on_with(out, days=further, acted_on=acted_on, console=console)
        return
    simulate_into(out, _workspace("simulated"), WorldWish(preset, days, buyers, seed, campaigns), console=console)


@app.command()
def promote(
    model: str,
    digest: Annotated[str, typer.Argument(help="The candidate's digest, or enough of its beginning.")],
    reason: ReasonOption,
    who: WhoOption = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Make a candidate the champion; refused unless its own verdict passed."""
    workspace = _workspace(marketplace)
    whole = _whole_digest(workspace, model, digest)
    pointer = workspace.registry.promote(model, whole, who=who or _login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: champion {pointer.champion[:12]} as of {pointer.as_of}")


@app.command()
def rollback(model: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None) -> None:
    """Return to the champion before this one; the one that is left is refused until somebody allows it again."""
    workspace = _workspace(marketplace)
    _require_model(workspace, model)
    pointer = workspace.registry.rollback(model, who=who or _login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: back to {pointer.champion[:12]} as of {pointer.as_of}")


@app.command()
def refuse(
    model: str, digest: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None
) -> None:
    """Forbid the promotion of a candidate, whatever its gates said, until `allow`."""
    workspace = _workspace(marketplace)
    whole = _whole_digest(workspace, model, digest)
    workspace.registry.refuse(model, whole, who=who or _login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: {whole[:12]} is refused")


@app.command()
def allow(
    model: str, digest: str, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None
) -> None:
    """Lift the refusal of a candidate; its gates decide again."""
    workspace = _workspace(marketplace)
    whole = _whole_digest(workspace, model, digest)
    workspace.registry.allow(model, whole, who=who or _login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{model}: {whole[:12]} is allowed")


@app.command()
def backfill(
    days: Annotated[str, typer.Argument(metavar="FROM..TO", help="First and last day, like 2024-02-01..2024-02-29.")],
    marketplace: MarketplaceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be rebuilt, and stop.")] = False,
) -> None:
    """Land and build a range of days again as one run; days that changed nothing keep their digests."""
    from orchestration.plan import backfill_run

    workspace = _workspace(marketplace)
    planned = backfill_run(workspace, *_range(days))
    console.print(show.planned(planned))
    if not dry_run:
        _execute(workspace, planned)


@app.command()
def ui(
    marketplace: MarketplaceOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on this machine with the history of earlier runs."""
    workspace = _workspace(marketplace)
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(workspace))
    os.environ["MARKETPLACE"] = str(workspace.marketplace.folder)
    console.print(f"Dagster UI on http://127.0.0.1:{port} (Ctrl-C ends it)")
    program = str(Path(sys.executable).with_name("dg"))
    os.chdir(PROJECT)
    os.execv(program, [program, "dev", "--host", "127.0.0.1", "--port", str(port)])  # noqa: S606


def main() -> None:
    """Run the command line; our own errors end with their sentence and status 1."""
    try:
        app()
    except GovernanceError as error:
        Console(stderr=True, highlight=False).print(f"[red]ERROR[/red] {error}", soft_wrap=True)
        sys.exit(1)


def _workspace(marketplace: str | None, source: Path | None = None) -> Workspace:
    return workspace_from(os.environ, marketplace=marketplace, source=source)


def _print_plan(workspace: Workspace, weeks: int) -> None:
    from orchestration.plan import next_run

    planned = next_run(workspace, weeks=weeks, done=[])
    console.print(show.planned(planned) if planned else "Nothing is stale: no run would be started.")


def _execute(workspace: Workspace, planned: Any) -> None:
    from orchestration.runs import execute

    finished = execute(workspace, planned)
    for failure in finished.failures:
        console.print(f"[red]FAILED[/red] {failure}", soft_wrap=True)
    console.print(f"run {finished.run_id} ended {'with failures' if finished.failures else 'well'}")
    raise typer.Exit(1 if finished.failures else 0)


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2, sort_keys=True) + "\n")
    else:
        console.print(show.status(found))


def _require_model(workspace: Workspace, model: str) -> None:
    if model not in workspace.models.present:
        known = ", ".join(workspace.models.present) or "none"
        raise ConfigurationError(f"{workspace.marketplace.name} has no model {model!r}; its models are {known}")


def _whole_digest(workspace: Workspace, model: str, beginning: str) -> str:
    _require_model(workspace, model)
    found = [one.digest for one in workspace.registry.candidates(model) if one.digest.startswith(beginning)]
    if len(found) != 1:
        problem = f"{model}: {len(found)} candidates begin with {beginning!r}"
        raise ConfigurationError(f"{problem}; `govern models` lists them")
    return found[0]


def _range(text: str) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is not FROM..TO, such as 2024-02-01..2024-02-29") from problem
    if last < first:
        raise ConfigurationError(f"{text}: the last day comes before the first")
    return first, last


def _login() -> str:
    return getpass.getuser()
