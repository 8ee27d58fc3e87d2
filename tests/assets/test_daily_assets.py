"""Assets of a day: alone and as a range, once and twice, with a bad day among good ones."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from governance.workspace import Workspace

FIRST = date(2024, 1, 1)
DAILY = (
    *("raw/accounts", "raw/products", "raw/orders", "raw/payments", "raw/shipments", "raw/reviews", "raw/cases"),
    *("raw/outcomes", "raw/enforcements", "raw/labels"),
    *("features/buyer", "features/seller", "features/product", "features/category"),
    *("labels/statements", "labels/merchant_fraud", "labels/claim"),
)
Run = Callable[..., dg.ExecuteInProcessResult]
Everything = Callable[[Workspace], dict[str, str]]


def days(first: int, last: int) -> list[date]:
    """The days with these numbers, both included; the marketplace's first day is number 1."""
    return [FIRST + timedelta(days=number - 1) for number in range(first, last + 1)]


def partitions(instance: dg.DagsterInstance, name: str) -> dict[str, dict[str, Any]]:
    """The newest metadata of each partition of an asset."""
    found = instance.fetch_materializations(dg.AssetKey(name.split("/")), limit=1_000, ascending=True).records
    return {
        str(record.partition_key): {key: value.value for key, value in record.asset_materialization.metadata.items()}
        for record in found
        if record.asset_materialization
    }


@pytest.mark.long
def test_days_one_by_one_and_as_a_range_give_equal_digests_and_a_second_time_changes_none(
    tmp_path: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
    materialize: Run,
    everything_in: Everything,
) -> None:
    models, world = models_of_bazaar("merchant_fraud", "claim", maturity_days=1), own_world(3)
    one_by_one, at_once = (bazaar_at(tmp_path / name, source=world, models=models) for name in ("a", "b"))

    for day in days(1, 3):
        assert materialize(one_by_one, *DAILY, days=[day]).success
    assert materialize(at_once, *DAILY, days=days(1, 3)).success
    found = everything_in(at_once)
    assert everything_in(one_by_one) == found
    assert {name for name in DAILY if f"{name} 2024-01-03" in found} == set(DAILY) - {"labels/statements"}

    assert materialize(at_once, *DAILY, days=days(1, 3), again=True).success
    assert materialize(one_by_one, *DAILY, days=days(3, 3)).success
    assert everything_in(at_once) == everything_in(one_by_one) == found


@pytest.mark.parametrize("wanted", [days(34, 40), days(37, 40)], ids=["partly", "all of them"])
def test_days_of_which_nothing_has_landed_are_left_alone(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    everything_in: Everything,
    wanted: list[date],
) -> None:
    workspace, names = bazaar_at(own_settled), ("features/category", "labels/statements", "labels/claim")
    before = everything_in(workspace)

    assert materialize(workspace, *names, days=wanted, again=True).success

    assert everything_in(workspace) == before


def test_a_backfill_of_thirty_days_is_one_run_with_an_event_a_day_and_changes_no_digest(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    instance: dg.DagsterInstance,
    everything_in: Everything,
) -> None:
    workspace, names = bazaar_at(own_settled), ("raw/cases", "features/category", "labels/claim")
    before = everything_in(workspace)

    assert materialize(workspace, *names, days=days(5, 34)).success

    assert len(instance.get_runs()) == 1
    for name in names:
        stamped = partitions(instance, name)
        assert list(stamped) == [day.isoformat() for day in days(5, 34)]
    for name in names[1:]:
        stamped = partitions(instance, name)
        assert {f"{name} {day}": facts["digest"] for day, facts in stamped.items()}.items() <= before.items()
        assert all(isinstance(facts["rows"], int) for facts in stamped.values())
    assert everything_in(workspace) == before


@pytest.mark.parametrize("wanted", [days(2, 2), days(1, 3)], ids=["one day", "a range"])
def test_a_landed_day_shows_rows_quarantine_and_digest_on_its_partition(
    tmp_path: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    instance: dg.DagsterInstance,
    wanted: list[date],
) -> None:
    world = own_world(3)
    spoil(world, "orders", 2, lambda rows: rows.with_columns(price_minor=first_row(rows, "price_minor", -5)))
    workspace = bazaar_at(tmp_path, source=world, quarantine_share_at_most=0.5)

    assert materialize(workspace, "raw/orders", days=wanted).success

    stamped = partitions(instance, "raw/orders")
    assert {day: facts["quarantined"] for day, facts in stamped.items()} == {
        day.isoformat(): int(day == FIRST + timedelta(days=1)) for day in wanted
    }
    second = stamped["2024-01-02"]
    manifest = workspace.lake.manifest("raw/orders", days(2, 2)[0])
    assert manifest is not None
    assert (second["rows"], second["digest"]) == (manifest.rows, manifest.digest)
    assert list(second["reasons"].values()) == [1]
    assert workspace.lake.read("quarantine/orders", wanted).height == 1


def test_bad_days_are_named_the_others_stand_and_doing_it_again_lands_only_what_was_missing(
    tmp_path: Path,
    world: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    failure_of: Callable[..., dict[str, str]],
) -> None:
    own = own_world(6)
    delivered(own, "orders", 3).write_bytes(b"no Parquet at all")
    spoil(own, "orders", 5, lambda rows: rows.with_columns(order_line_id=pl.lit(None, pl.String)))
    workspace = bazaar_at(tmp_path, source=own)

    result = materialize(workspace, "raw/orders", "raw/cases", days=days(1, 6))

    assert not result.success
    message = failure_of(result)["raw__orders"]
    assert [part for part in ("raw/orders", "2 day(s) failed", "2024-01-03", "2024-01-05") if part not in message] == []
    assert "deliver it again" in message
    assert "raw__cases" not in failure_of(result)
    assert workspace.lake.days("raw/orders") == [*days(1, 2), *days(4, 4), *days(6, 6)]
    assert workspace.lake.days("raw/cases") == days(1, 6)

    standing = {path: path.stat().st_ino for path in workspace.lake.root.glob("raw/orders/**/*.parquet")}
    for number in (3, 5):
        delivered(own, "orders", number).write_bytes(delivered(world, "orders", number).read_bytes())
    assert materialize(workspace, "raw/orders", days=days(1, 6)).success
    assert workspace.lake.days("raw/orders") == days(1, 6)
    assert {path: path.stat().st_ino for path in standing} == standing


def test_a_day_that_fails_again_keeps_the_partition_that_landed_before(
    tmp_path: Path, own_world: Callable[[int], Path], bazaar_at: Callable[..., Workspace], materialize: Run
) -> None:
    own = own_world(1)
    workspace = bazaar_at(tmp_path, source=own)
    assert materialize(workspace, "raw/orders", days=days(1, 1)).success
    before = workspace.lake.manifest("raw/orders", FIRST)

    delivered(own, "orders", 1).write_bytes(b"torn")

    assert not materialize(workspace, "raw/orders", days=days(1, 1)).success
    assert workspace.lake.manifest("raw/orders", FIRST) == before


def test_a_range_does_only_what_is_stale_and_says_of_every_day_what_stands_and_again_does_all_of_it(
    tmp_path: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    instance: dg.DagsterInstance,
) -> None:
    workspace, names = bazaar_at(tmp_path, source=own_world(4)), ("raw/orders", "raw/cases", "features/category")
    assert materialize(workspace, *names, days=days(1, 2)).success
    standing = files_of(workspace, "features/category")

    assert materialize(workspace, *names, days=days(1, 4)).success
    assert files_of(workspace, "features/category").items() >= standing.items()
    stamped = partitions(instance, "features/category")
    assert list(stamped) == [day.isoformat() for day in days(1, 4)]
    assert all({"rows", "digest"} <= facts.keys() for facts in stamped.values())
    assert all({"rows", "digest"} <= facts.keys() for facts in partitions(instance, "raw/orders").values())
    assert [work.days for work in workspace.durations.of("features/category")] == [2, 2]

    assert materialize(workspace, *names, days=days(2, 3), again=True).success
    now = files_of(workspace, "features/category")
    assert [day for day, file in files_of(workspace, "features/category").items() if file == standing.get(day)] == [
        "2024-01-01"
    ]
    assert now.keys() == stamped.keys()


def test_features_are_not_built_upon_a_gap_and_say_from_where_to_build(
    tmp_path: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    failure_of: Callable[..., dict[str, str]],
) -> None:
    workspace = bazaar_at(tmp_path, source=own_world(3))
    assert materialize(workspace, "raw/orders", days=days(1, 3)).success

    result = materialize(workspace, "features/buyer", days=days(3, 3))

    assert not result.success
    assert "govern backfill 2024-01-01..2024-01-03" in failure_of(result)["features__buyer"]


def files_of(workspace: Workspace, dataset: str) -> dict[str, tuple[int, int]]:
    """Which file each partition is."""
    paths = {day: workspace.lake.path(dataset, day).stat() for day in workspace.lake.days(dataset)}
    return {day.isoformat(): (stat.st_ino, stat.st_mtime_ns) for day, stat in paths.items()}


def delivered(world: Path, table: str, number: int) -> Path:
    return world / table / f"dt={days(number, number)[0]}" / "rows.parquet"


def spoil(world: Path, table: str, number: int, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    path = delivered(world, table, number)
    change(pl.read_parquet(path)).write_parquet(path)


def first_row(rows: pl.DataFrame, column: str, value: Any) -> pl.Expr:
    """The column with another value in its first row."""
    return pl.when(pl.int_range(rows.height) == 0).then(pl.lit(value, rows.schema[column])).otherwise(pl.col(column))
