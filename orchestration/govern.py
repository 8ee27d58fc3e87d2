"""The command line for people on call: `govern --help`."""

import sys

import typer
from rich.console import Console

from governance.errors import GovernanceError
from orchestration.commands import (
    automation,
    counting,
    decisions,
    history,
    main_job,
    oncall,
    release,
    repairs,
    serving,
    traffic,
)

app = typer.Typer(
    help="Keeps a marketplace's risk and after-sales models true. Exit status: 0 all is well, 1 error, "
    "3 a model has neither a champion nor a stated skip.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for subject in (main_job, release, traffic, history, repairs, automation, oncall, serving, counting, decisions):
    subject.add_to(app)


def main() -> None:
    """Run the command line; our own errors end with their sentence and status 1."""
    try:
        app()
    except GovernanceError as error:
        Console(stderr=True, highlight=False).print(f"[red]ERROR[/red] {error}", soft_wrap=True)
        sys.exit(1)
