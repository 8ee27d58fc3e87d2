"""Repairs: the online store, a day, a poisoned day, the label ledger, and a model of a past week."""

from typing import Annotated, Any

import typer

from governance.workspace import Workspace
from orchestration import show
from orchestration.commands.shared import (
    DryRunOption,
    MarketplaceOption,
    ReasonOption,
    WhoOption,
    console,
    login,
    open_workspace,
    say_failures,
)
from orchestration.commands.shared import execute as execute_planned
from orchestration.given import monday, require_model

DayArgument = Annotated[str, typer.Argument(metavar="DAY", help="A UTC day, such as 2024-01-31.")]
WeeksOption = Annotated[int, typer.Option(min=0, help="Newest weeks whose candidates follow.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    repair = typer.Typer(help="Put right what went wrong; each says with --dry-run what it would change.")
    for command in (online, day, drop_day, restore_day, labels):
        repair.command()(command)
    app.add_typer(repair, name="repair")
    app.command()(retrain)


def online(
    view: Annotated[str | None, typer.Option("--view", help="One view instead of all.")] = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Write the online views again from the offline partitions; readers find every key at any moment."""
    _carry_out(open_workspace(marketplace), "repair_online", "rebuild_online", {"view": view, "dry_run": dry_run})


def day(day: DayArgument, dry_run: DryRunOption = False, marketplace: MarketplaceOption = None) -> None:
    """Land a day that was delivered again, rewrite what is made of it, and correct those keys online."""
    _carry_out(open_workspace(marketplace), "repair_online_day", "land_day", {"day": day, "dry_run": dry_run})


def drop_day(
    day: DayArgument,
    reason: ReasonOption,
    who: WhoOption = None,
    weeks: WeeksOption = 2,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Withdraw a poisoned day everywhere; it is kept aside and does not land again until other bytes come."""
    config = {"day": day, "reason": reason, "who": who or login(), "dry_run": dry_run}
    _with_candidates(open_workspace(marketplace), "drop_day", "withdraw_day", config, weeks)


def restore_day(
    day: DayArgument,
    reason: ReasonOption,
    who: WhoOption = None,
    weeks: WeeksOption = 2,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Bring back a day that was withdrawn, everywhere."""
    config = {"day": day, "reason": reason, "who": who or login(), "dry_run": dry_run}
    _with_candidates(open_workspace(marketplace), "restore_day", "restore_withdrawn", config, weeks)


def labels(dry_run: DryRunOption = False, marketplace: MarketplaceOption = None) -> None:
    """Read the label ledger anew from the raw partitions, say what differed, and put it in place."""
    _carry_out(open_workspace(marketplace), "reload_labels", "reload_ledger_of_labels", {"dry_run": dry_run})


def retrain(
    as_of: Annotated[str, typer.Option("--as-of", metavar="MONDAY", help="Using only what was known before this day.")],
    model: Annotated[str | None, typer.Option("--model", help="One model instead of all.")] = None,
    dry_run: DryRunOption = False,
    marketplace: MarketplaceOption = None,
) -> None:
    """Train and judge the candidates of a past week; one that is older than the champion never replaces it."""
    from orchestration.plan import retraining_run

    workspace = open_workspace(marketplace)
    if model is not None:
        require_model(workspace, model)
    planned = retraining_run(workspace, monday(as_of), model=model)
    console.print(show.planned(planned))
    if not dry_run:
        execute_planned(workspace, planned)


def _carry_out(workspace: Workspace, job: str, op: str, config: dict[str, Any]) -> None:
    """Carry out a repair in this process, and end the command with its status."""
    raise typer.Exit(_run(workspace, job, op, config))


def _with_candidates(workspace: Workspace, job: str, op: str, config: dict[str, Any], weeks: int) -> None:
    """Carry out a repair, and then the runs that have become necessary."""
    status = _run(workspace, job, op, config)
    if status or config["dry_run"] or not weeks:
        raise typer.Exit(status)
    from orchestration.runs import run_all

    failures = [
        failure
        for done in run_all(workspace, weeks=weeks, on_start=lambda planned: console.print(show.planned(planned)))
        for failure in done.failures
    ]
    say_failures(failures)
    raise typer.Exit(1 if failures else 0)


def _run(workspace: Workspace, job: str, op: str, config: dict[str, Any]) -> int:
    from orchestration.runs import execute_job

    why = f"govern: {job}" + (f", {config['reason']}" if "reason" in config else "")
    done = execute_job(workspace, job, op=op, config=config, why=why)
    say_failures(done.failures)
    console.print(f"run {done.run_id} ended {'with failures' if done.failures else 'well'}")
    return 1 if done.failures else 0
