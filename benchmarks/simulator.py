"""The simulator: what a million rows cost, beside random rows of the same shape from DuckDB and beside writing them."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.measure import Cost, Measurement, Say, cost, in_a_fresh_process
from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES

DAYS, BUYERS, SEED = 60, 20_000, 7
SMALL_DAYS, SMALL_BUYERS = 3, 300
_MILLION = 1_000_000
SETTINGS = (
    "peer: DuckDB writes as many rows of the same columns and types, each value random on its own: no people, no "
    "causes; limit: the finished rows written again from memory, day by day"
)

_RANDOM = {
    Kind.STRING: "CAST(CAST(random() * 1e15 AS BIGINT) AS VARCHAR)",
    Kind.INTEGER: "CAST(random() * 1e6 AS BIGINT)",
    Kind.FLOAT: "random()",
    Kind.BOOLEAN: "random() < 0.5",
    Kind.TIMESTAMP: "make_timestamptz(CAST(1.7e15 + random() * 1e13 AS BIGINT))",
}


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """CPU seconds for a million rows, and peak memory."""
    days, buyers = (SMALL_DAYS, SMALL_BUYERS) if small else (DAYS, BUYERS)
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        say(f"{days} days of {buyers:,} buyers")
        ours = in_a_fresh_process(_paid, _simulated, world, days, buyers)
        rows = _row_counts(world)
        peer = in_a_fresh_process(_paid, _random_rows, Path(folder) / "random", rows)
        limit = in_a_fresh_process(_paid, _written_again, world, Path(folder) / "again")
    costs, total = {"ours": ours, "peer": peer, "limit": limit}, sum(rows.values())
    work = f"simulated world of {days} days and {buyers:,} buyers ({total:,} rows)"
    a_million = {side: one.cpu_seconds / total * _MILLION for side, one in costs.items()}
    memory = {side: one.extra_mb for side, one in costs.items()}
    seconds = {side: one.seconds for side, one in costs.items()}
    lines = (
        Measurement(
            work=work,
            unit="CPU seconds for a million rows",
            settings=SETTINGS,
            beside={"extra_mb": memory, "seconds": seconds},
            **a_million,
        ),
        Measurement(work=f"{work}, peak memory", unit="MB", settings=SETTINGS, **memory),
    )
    return [line.as_row() for line in lines]


def _paid(work: Any, *arguments: Any) -> Cost:
    return cost(lambda: work(*arguments))


def _simulated(out: Path, days: int, buyers: int) -> None:
    from governance.marketplaces.simulated.campaigns.file import load_campaigns
    from governance.marketplaces.simulated.settings import Settings
    from governance.marketplaces.simulated.world import simulate

    settings = Settings(seed=SEED, first_day=date(2024, 1, 1), buyers=buyers, campaigns=load_campaigns())
    simulate(out, settings, days=days)


def _row_counts(world: Path) -> dict[str, int]:
    counts = {name: pl.scan_parquet(world / name / "*" / "rows.parquet").select(pl.len()) for name in TABLES}
    return {name: int(count.collect().item()) for name, count in counts.items()}


def _random_rows(out: Path, rows: dict[str, int]) -> None:
    out.mkdir()
    for name, count in rows.items():
        columns = ", ".join(f'{_RANDOM[one.kind]} AS "{one.name}"' for one in TABLES[name].columns)
        duckdb.execute(f"COPY (SELECT {columns} FROM range({count})) TO '{out / name}.parquet' (COMPRESSION zstd)")  # noqa: S608


def _written_again(world: Path, out: Path) -> None:
    for name in TABLES:
        for path in sorted((world / name).glob("*/rows.parquet")):
            target = out / path.relative_to(world)
            target.parent.mkdir(parents=True)
            pl.read_parquet(path, hive_partitioning=False).write_parquet(target, compression="zstd")
