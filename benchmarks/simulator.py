"""The simulator: what a million rows cost, beside random rows of the same shape from DuckDB and beside writing them."""

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.measure import Measurement, resident_mb
from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES

DAYS, BUYERS, SEED = 60, 20_000, 7
_MILLION = 1_000_000

_RANDOM = {
    Kind.STRING: "CAST(CAST(random() * 1e15 AS BIGINT) AS VARCHAR)",
    Kind.INTEGER: "CAST(random() * 1e6 AS BIGINT)",
    Kind.FLOAT: "random()",
    Kind.BOOLEAN: "random() < 0.5",
    Kind.TIMESTAMP: "make_timestamptz(CAST(1.7e15 + random() * 1e13 AS BIGINT))",
}


def measure(days: int = DAYS, buyers: int = BUYERS) -> list[dict[str, Any]]:
    """CPU seconds for a million rows, and peak memory.

    The peer writes as many rows of the same columns and types, each value random on its own: no people, no causes.
    The limit writes the finished rows from memory, day by day.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        ours, peak = _in_a_fresh_process(_simulated, folder / "world", days, buyers)
        rows = _row_counts(folder / "world")
        peer, peer_peak = _in_a_fresh_process(_random_rows, folder / "random", rows)
        limit, limit_peak = _in_a_fresh_process(_written_again, folder / "world", folder / "again")
    finally:
        shutil.rmtree(folder)
    total = sum(rows.values())
    work = f"simulated world of {days} days and {buyers:,} buyers ({total:,} rows)"
    seconds = {"ours": ours, "peer": peer, "limit": limit}
    for_a_million = {name: one / total * _MILLION for name, one in seconds.items()}
    lines = (
        Measurement(work=work, unit="CPU seconds for a million rows", **for_a_million),
        Measurement(work=f"{work}, peak memory", unit="MB", ours=peak, peer=peer_peak, limit=limit_peak),
    )
    return [line.as_row() for line in lines]


def _in_a_fresh_process(work: Callable[..., None], *arguments: Any) -> tuple[float, float]:
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_cost, (work, arguments))


def _cost(work: Callable[..., None], arguments: tuple[Any, ...]) -> tuple[float, float]:
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began, resident_mb()


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
