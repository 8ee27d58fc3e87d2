"""The page of figures in docs/, from what a run of the benchmarks left."""

from collections.abc import Mapping, Sequence
from typing import Any

HEAD = """# Benchmarks

Figures of `make bench`. *Ours* stands beside a *peer*, tuned as stated, and a *limit*: the least that the work can
cost, or the same work by hand; the three of a row come from one run. Ratios are cost over cost: below 1 ours is
cheaper. Extra memory is the peak beyond what the process held before the work. Every side runs in a process of its own,
imports excluded, and what the sides answer is asserted to be equal where they answer the same question. A dash: there
is nothing to compare with.

"""

COLUMNS = ("work", "unit", "ours", "peer", "limit", "ours / peer", "ours / limit", "extra MB: ours, peer, limit")


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The page for the rows of `bench.json`."""
    where = "".join(
        f"- {name}: {', '.join(dict.fromkeys(str(row[key]) for row in rows))}\n"
        for name, key in (("machine", "machine"), ("command", "command"))
    )
    days = sorted({str(row["measured_at"])[:10] for row in rows})
    lines = [_line(COLUMNS), _line(["---"] * 2 + ["--:"] * 6), *(_line(_cells(row)) for row in rows)]
    said = dict.fromkeys(f"- **{row['work']}**: {row['settings']}." for row in rows if row["settings"])
    return (
        f"{HEAD}{where}- measured on: {', '.join(days)}\n\n"
        + "".join(lines)
        + "\n## What was compared\n\n"
        + "\n".join(said)
        + "\n"
    )


def figure(number: float | None) -> str:
    """Three digits that count, without an exponent; a dash for nothing."""
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _cells(row: Mapping[str, Any]) -> list[str]:
    figures = [figure(row[name]) for name in ("ours", "peer", "limit", "to_peer", "to_limit")]
    memory = row.get("extra_mb", {})
    beyond = ", ".join(figure(memory.get(side)) for side in ("ours", "peer", "limit")) if memory else "-"
    return [row["work"], row["unit"], *figures, beyond]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
