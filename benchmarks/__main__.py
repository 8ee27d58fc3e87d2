"""Run every benchmark, print a table and write `var/bench.json`."""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MODULES = ("point_in_time_join", "drift", "simulator")
"""Each has `measure()`, which returns rows of work, unit, ours, peer, limit, to_peer and to_limit (ratios of cost)."""


def run(modules: list[str], *, output: Path) -> list[dict[str, Any]]:
    """Run the benchmarks named, in order, and write their rows to `output`."""
    rows = [row for name in modules for row in importlib.import_module(f"benchmarks.{name}").measure()]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(rows, indent=2) + "\n")
    return rows


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows for a person."""
    shown = Table(title="Ours beside a peer and the limit, measured in one run; less is better")
    shown.add_column("work")
    shown.add_column("unit")
    for heading in ("ours", "peer", "limit", "ours / peer", "ours / limit"):
        shown.add_column(heading, justify="right")
    for row in rows:
        figures = (row[name] for name in ("ours", "peer", "limit", "to_peer", "to_limit"))
        shown.add_row(row["work"], row["unit"], *(f"{figure:.3g}" for figure in figures))
    return shown


def main() -> None:
    """Entry point of `python -m benchmarks`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MODULES), help="which benchmarks (default: all)")
    parser.add_argument("--output", type=Path, default=Path("var/bench.json"))
    chosen = parser.parse_args()
    Console().print(table(run(chosen.modules, output=chosen.output)))


if __name__ == "__main__":
    main()
