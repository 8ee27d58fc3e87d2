"""Building feature views: a backfill against the bare query, and one day's increment against the whole history.

The raw rows are those of a small simulated world, landed once; larger sizes are copies of it side by side, each with
ids of its own, so that people, days and causes stay as they are and only their number grows.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.measure import Cost, Measurement, Say, compared, cost, in_a_fresh_process
from governance.features.catalogue import VIEWS
from governance.storage.lake import Lake
from governance.workspace import Workspace

BUYERS, SMALL_BUYERS = 5_000, 300
DAYS, SMALL_DAYS = 90, 12
COPIES, SMALL_COPIES = (24, 36, 48), (1, 2, 3)
BACKFILL_COPIES = 8
REPEATS = 2
SEED = 7
TABLES = tuple(dict.fromkeys(table for view in VIEWS.values() for table in view.tables))
BACKFILL = (
    "ours: one Dagster run over every view and day, each day a partition with its digest and state; peer: the same "
    "query of each view run by DuckDB over all days at once, its rows written to one Parquet file; limit: the query "
    "alone, its rows only counted. Translation of the query by ibis, once a process, included in all"
)
INCREMENT = (
    "ours: the last day of every view built upon the days before it, in a process that has built nothing of it "
    "before, the cheaper of {repeats}; peer: all days built at once; limit: the peer's cost times the last day's share "
    "of all events. Translation of the query by ibis, once a process, excluded from both. A day costs each view 0.16 "
    "CPU seconds however little happened on it: below some 650,000 events in all it costs more than twice its share"
)


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """A backfill, then increments at three sizes."""
    days = SMALL_DAYS if small else DAYS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        say(f"simulating and landing {days} days")
        in_a_fresh_process(_land_world, root / "one", SMALL_BUYERS if small else BUYERS, days)
        backfilled = _backfill(root, SMALL_COPIES[-1] if small else BACKFILL_COPIES, days, say)
        return [backfilled, *(_increment(root, copies, say) for copies in (SMALL_COPIES if small else COPIES))]


def _backfill(root: Path, copies: int, days: int, say: Say) -> dict[str, Any]:
    costs = {}
    for side, way in (("ours", _dagster_run), ("peer", _bare_query), ("limit", _counted_query)):
        say(f"backfill of {days} days: {side}")
        workspace = _enlarged(root / "one", root / f"backfill-{side}", copies)
        costs[side] = in_a_fresh_process(way, workspace.root)
    work = f"backfill {days} days of {len(VIEWS)} feature views in one run ({_events(workspace.lake):,} events)"
    return compared(work, "CPU seconds", costs, settings=BACKFILL)


def _increment(root: Path, copies: int, say: Say) -> dict[str, Any]:
    workspace = _enlarged(root / "one", root / f"times-{copies}", copies)
    last = workspace.lake.days("raw/orders")[-1]
    total, of_last_day = _events(workspace.lake), _events(workspace.lake, [last])
    say(f"all days of {total:,} events at once")
    whole = in_a_fresh_process(_all_days, workspace.root)
    say(f"one day of {total:,} events")
    days = [in_a_fresh_process(_last_day, workspace.root) for _ in range(REPEATS)]
    day = min(days, key=lambda cost: cost.cpu_seconds)
    return Measurement(
        work=f"one day's increment of {len(VIEWS)} feature views, {of_last_day:,} of {total:,} events",
        unit="CPU seconds",
        ours=day.cpu_seconds,
        peer=whole.cpu_seconds,
        limit=whole.cpu_seconds * of_last_day / total,
        settings=INCREMENT.format(repeats=REPEATS),
        beside={
            "seconds": {"ours": day.seconds, "peer": whole.seconds},
            "extra_mb": {"ours": day.extra_mb, "peer": whole.extra_mb},
        },
    ).as_row()


def _land_world(root: Path, buyers: int, days: int) -> None:
    from governance.marketplaces.landing import land
    from governance.marketplaces.simulated.campaigns.file import load_campaigns
    from governance.marketplaces.simulated.settings import Settings
    from governance.marketplaces.simulated.world import simulate

    workspace = _workspace(root)
    first = workspace.marketplace.first_day
    settings = Settings(seed=SEED, first_day=first, buyers=buyers, campaigns=load_campaigns())
    simulate(workspace.source_root, settings, days=days)
    with workspace.source() as source:
        for table in TABLES:
            land(
                workspace.lake,
                workspace.marketplace,
                source,
                table,
                workspace.days(),
                now=datetime.now(UTC),
                keyed_hash=workspace.keyed_hash,
            )


def _enlarged(one: Path, root: Path, copies: int) -> Workspace:
    """A workspace whose raw rows are those of `one` so many times, with other ids each time."""
    source, target = _workspace(one).lake, replace(_workspace(root), source_root=_workspace(one).source_root)
    for table in TABLES:
        for day, manifest in source.manifests(f"raw/{table}").items():
            rows = source.read(f"raw/{table}", [day])
            ids = [name for name, dtype in rows.schema.items() if name.endswith("_id") and dtype == pl.String]
            copied = [rows.with_columns(pl.col(ids) + f"~{number}") for number in range(copies)]
            path = target.lake.path(f"raw/{table}", day)
            path.parent.mkdir(parents=True)
            # The lake's own writer would sort and digest rows that nobody will read again.
            known = {"digest": manifest.digest, "rows": manifest.rows * copies, "fingerprint": "", "facts": {}}
            pl.concat(copied).write_parquet(path, compression="zstd", metadata={"governance": json.dumps(known)})
    return target


def _workspace(root: Path) -> Workspace:
    from orchestration.environments import workspace_from

    found = workspace_from({"GOVERNANCE_ROOT": str(root)}, marketplace="simulated")
    return replace(found, root=root, source_root=root.parent / "one" / "world")


def _events(lake: Lake, days: Sequence[date] | None = None) -> int:
    files = [path for table in TABLES for path in lake.paths(f"raw/{table}")]
    wanted = [file for file in files if days is None or any(f"dt={day}" in file for day in days)]
    return sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in wanted)


def _dagster_run(root: Path) -> Cost:
    from orchestration.plan import PlannedRun
    from orchestration.runs import execute

    workspace = _workspace(root)
    days = workspace.lake.days("raw/orders")
    planned = PlannedRun(
        job="daily",
        assets=tuple(("features", name) for name in VIEWS),
        why="a backfill",
        first=days[0],
        last=days[-1],
    )
    paid = cost(lambda: execute(workspace, planned))
    assert all(workspace.lake.days(view.dataset) == days for view in VIEWS.values())
    return paid


def _bare_query(root: Path) -> Cost:
    def write(rows: duckdb.DuckDBPyRelation, name: str) -> None:
        rows.write_parquet(str(root / f"{name}.parquet"), compression="zstd")

    return cost(lambda: _query(root, write))


def _counted_query(root: Path) -> Cost:
    return cost(lambda: _query(root, lambda rows, _: rows.aggregate("count(COLUMNS(*))").fetchall()))


def _query(root: Path, use: Callable[[duckdb.DuckDBPyRelation, str], object]) -> None:
    """Run the query of every view over all days, upon nothing."""
    import ibis

    from governance.features import expressions
    from governance.features.engine import IBIS_TYPES

    lake = _workspace(root).lake
    days = lake.days("raw/orders")
    first, last = ((day - date(1970, 1, 1)).days for day in (days[0], days[-1]))
    for view in VIEWS.values():
        database = duckdb.connect(config={"threads": 2})
        database.execute("SET TimeZone='UTC'")
        for table in view.tables:
            files = lake.paths(f"raw/{table}")
            database.read_parquet(files, hive_partitioning=False).create_view(f"raw_{table}")
        for name, columns in (("late", expressions.event_columns(view)), ("state", expressions.state_columns(view))):
            empty = pl.DataFrame(schema={column: kind.polars for column, kind in columns.items()})
            database.register(name, empty.to_arrow())
        database.register("bounds", pl.DataFrame({"first_day": [first], "last_day": [last]}).to_arrow())
        inputs = expressions.Inputs.unbound(view, IBIS_TYPES)
        inputs = replace(inputs, events=expressions.moving_events(view, inputs))
        rows = expressions.feature_rows(view, inputs)
        use(database.sql(str(ibis.to_sql(rows, dialect="duckdb"))), view.name)


def _all_days(root: Path) -> Cost:
    return _build_from(root, 0)


def _last_day(root: Path) -> Cost:
    return _build_from(root, -1)


def _build_from(root: Path, offset: int) -> Cost:
    """The cost of every view's days from one to the last, upon those before it."""
    from governance.features.build import build

    lake = _workspace(root).lake
    days = lake.days("raw/orders")

    def views() -> None:
        for view in VIEWS.values():
            build(lake, view, first_day=days[0], first=days[offset], last=days[-1])

    with tempfile.TemporaryDirectory() as folder:
        _translate(Lake(Path(folder)), days[0])
    return cost(views)


def _translate(empty: Lake, day: date) -> None:
    """Build a day of nothing, so that every view's query has been translated."""
    from governance.features.build import build

    for view in VIEWS.values():
        build(empty, view, first_day=day, first=day, last=day + timedelta(days=1))
