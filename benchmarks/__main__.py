"""Run benchmarks, print a table, write `var/bench.json`; `--page` writes docs/benchmarks.md from what was measured."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.measure import machine
from benchmarks.page import figure, page

MODULES = ("point_in_time_join", "materialization", "drift", "feature_build", "main_job", "simulator", "scoring")
"""Each has `measure(small, say)`, which returns rows of work, unit, ours, peer, limit, to_peer, to_limit and more."""

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def run(modules: Sequence[str], *, output: Path, small: bool, console: Console) -> list[dict[str, Any]]:
    """Run the benchmarks named, in order, and write their rows to `output`, with when and where they were measured."""
    where = {"machine": machine(), "command": f"python -m benchmarks {' '.join(modules)}{' --small' if small else ''}"}
    rows: list[dict[str, Any]] = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("benchmarks", total=len(modules))
        for name in modules:
            say = partial(_describe, progress, task, name)
            found = importlib.import_module(f"benchmarks.{name}").measure(small=small, say=say)
            rows += [row | where | {"measured_at": datetime.now(UTC).isoformat(timespec="seconds")} for row in found]
            # What was measured stands, whatever becomes of the next one.
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(json.dumps(rows, indent=2) + "\n")
            progress.advance(task)
    return rows


def _describe(progress: Progress, task: TaskID, benchmark: str, now: str) -> None:
    progress.update(task, description=f"{benchmark}: {now}")


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows for a person."""
    shown = Table(title="Ours beside a peer and the limit, measured in one run; less is better")
    shown.add_column("work")
    shown.add_column("unit")
    for heading in ("ours", "peer", "limit", "ours / peer", "ours / limit", "extra MB"):
        shown.add_column(heading, justify="right")
    for row in rows:
        figures = (row[name] for name in ("ours", "peer", "limit", "to_peer", "to_limit"))
        memory = row.get("extra_mb", {}).get("ours")
        shown.add_row(row["work"], row["unit"], *map(figure, figures), figure(memory))
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `python -m benchmarks`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", help=f"which (default: all): {', '.join(MODULES)}")
    parser.add_argument("--small", action="store_true", help="sizes of a few seconds: they show that it works, no more")
    parser.add_argument("--output", type=Path, default=Path("var/bench.json"))
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from the output's rows")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.modules if name not in MODULES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(MODULES)}")
    if chosen.page:
        PAGE.write_text(page(json.loads(chosen.output.read_text())))
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(table(run(chosen.modules or MODULES, output=chosen.output, small=chosen.small, console=console)))


if __name__ == "__main__":
    main()
