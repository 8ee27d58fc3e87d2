"""The main job and what stands after it: run, status, models, ingest, simulate, ui."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.errors import ConfigurationError
from governance.workspace import Workspace
from orchestration import show
from orchestration.commands.shared import (
    JsonOption,
    MarketplaceOption,
    SourceOption,
    console,
    execute,
    open_workspace,
    say_failures,
)
from orchestration.environments import PROJECT, prepare_dagster_home, remember_source
from orchestration.status import collect_status, exit_status
from orchestration.worlds import DEFAULT_SEED, WorldWish, go_on_with, simulate_into, simulate_once

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


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (run, status, models, ingest, simulate, ui):
        app.command()(command)


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
    workspace = open_workspace(marketplace, source)
    if workspace.marketplace.name == "simulated" and source is None:
        simulate_once(workspace, WorldWish("small", days, buyers, seed), console=console)
    remember_source(workspace)
    if dry_run:
        _print_plan(workspace, weeks)
        return
    from orchestration.runs import run_all

    done = run_all(
        workspace, weeks=weeks, on_start=lambda planned: console.print(show.planned(planned)), on_wait=console.print
    )
    for finished in done:
        say_failures(finished.failures)
    if not done:
        console.print("Nothing is stale: no run was started.")
    found = collect_status(workspace)
    console.print(show.status(found))
    console.print(show.how_to_go_on(workspace.marketplace.name))
    failed = any(finished.failures for finished in done)
    raise typer.Exit(1 if failed else exit_status(found))


def status(marketplace: MarketplaceOption = None, as_json: JsonOption = False) -> None:
    """What stands now: champions, feature views, drift, what is skipped and why."""
    found = collect_status(open_workspace(marketplace))
    _print(found, as_json)
    raise typer.Exit(exit_status(found))


def models(marketplace: MarketplaceOption = None, as_json: JsonOption = False) -> None:
    """The models with their figures, gates and newest candidates."""
    found = collect_status(open_workspace(marketplace))
    if as_json:
        _print({"models": found["models"], "skipped": found["skipped"]}, as_json)
    else:
        console.print(show.models(found))


def ingest(
    source: Annotated[Path, typer.Option(help="Folder of the owner's files.", file_okay=False)],
    marketplace: MarketplaceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would land, and stop.")] = False,
) -> None:
    """Land what the owner has delivered, checked against the contracts; features and models follow with `run`."""
    from orchestration.plan import landing_run

    workspace = open_workspace(marketplace, source)
    remember_source(workspace)
    planned = landing_run(workspace)
    if planned is None:
        console.print("Everything delivered has landed already.")
        return
    console.print(show.planned(planned))
    if not dry_run:
        execute(workspace, planned)


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
    simulate_into(out, open_workspace("simulated"), WorldWish(preset, days, buyers, seed, campaigns), console=console)


def ui(
    marketplace: MarketplaceOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on this machine with the history of earlier runs."""
    workspace = open_workspace(marketplace)
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(workspace))
    os.environ["MARKETPLACE"] = str(workspace.marketplace.folder)
    console.print(f"Dagster UI on http://127.0.0.1:{port} (Ctrl-C ends it)")
    program = str(Path(sys.executable).with_name("dg"))
    os.chdir(PROJECT)
    os.execv(program, [program, "dev", "--host", "127.0.0.1", "--port", str(port)])  # noqa: S606


def _print_plan(workspace: Workspace, weeks: int) -> None:
    from orchestration.plan import fall_back_run, next_run

    planned = fall_back_run(workspace, at=datetime.now(UTC)) or next_run(workspace, weeks=weeks, done=[])
    console.print(show.planned(planned) if planned else "Nothing is stale: no run would be started.")


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2, sort_keys=True) + "\n")
    else:
        console.print(show.status(found))
