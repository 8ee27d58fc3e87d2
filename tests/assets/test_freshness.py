"""Freshness: policies where days are delivered as they pass, checks on the newest event by the clock there."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.freshness import LABEL_DELAY, NEWEST_EVENT, build_freshness_checks
from governance.contracts.calendar import midnight
from governance.marketplaces.marketplace import load_marketplace
from governance.oncall.freshness import Level, daily, raw_age, weekly
from governance.storage.lake import Lake
from governance.workspace import Workspace
from orchestration.build import build_defs
from orchestration.environments import workspace_from

NOW = datetime(2024, 3, 1, 2, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def workspace_with(tmp_path: Path) -> Callable[[str], Workspace]:
    """The simulated marketplace with another clock."""

    def make(clock: str) -> Workspace:
        simulated, folder = load_marketplace("simulated").folder, tmp_path / clock
        folder.mkdir()
        toml = (simulated / "marketplace.toml").read_text()
        (folder / "marketplace.toml").write_text(toml.replace('clock = "delivered"', f'clock = "{clock}"'))
        for sql in simulated.glob("*.sql"):
            (folder / sql.name).write_text(sql.read_text())
        return workspace_from({"GOVERNANCE_ROOT": str(tmp_path / "var")}, marketplace=str(folder))

    return make


def with_policy(workspace: Workspace) -> set[str]:
    """Names of the assets that have a freshness policy."""
    assets = [asset for asset in build_defs(workspace).assets or () if isinstance(asset, dg.AssetsDefinition)]
    specs = [spec for asset in assets for spec in asset.specs]
    return {spec.key.to_user_string() for spec in specs if spec.freshness_policy}


def test_raw_features_online_and_candidates_have_policies_where_days_pass(
    workspace_with: Callable[[str], Workspace],
) -> None:
    workspace = workspace_with("wall")
    wanted = {f"raw/{table}" for table in workspace.marketplace.tables}
    wanted |= {f"{layer}/{view}" for layer in ("features", "online") for view in workspace.views}
    wanted |= {f"models/{model}/candidate" for model in workspace.models.present}
    found = with_policy(workspace)
    assert {name for name in wanted if name.startswith("online/")} & found
    assert found <= wanted
    assert {name for name in wanted if not name.startswith("online/")} <= found


def test_a_replayed_marketplace_has_no_policy_of_the_wall_clock(workspace_with: Callable[[str], Workspace]) -> None:
    assert with_policy(workspace_with("delivered")) == set()


def test_checks_on_the_newest_event_stand_beside_every_policy(workspace_with: Callable[[str], Workspace]) -> None:
    workspace = workspace_with("wall")
    checks = {key for check in build_freshness_checks(workspace) for key in check.check_keys}
    assert {key.asset_key.to_user_string() for key in checks if key.name == NEWEST_EVENT} == with_policy(workspace)
    assert {key.name for key in checks} == {NEWEST_EVENT, LABEL_DELAY}


def test_old_data_fails_its_check_however_lately_it_was_written(
    workspace_with: Callable[[str], Workspace], instance: dg.DagsterInstance
) -> None:
    workspace = workspace_with("wall")
    land(workspace.lake, "orders", [date(2024, 2, 29)])

    results = checked(workspace, instance)

    orders = results["raw/orders"]
    assert (orders.passed, orders.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "hours old" in (orders.description or "")
    assert (results["raw/cases"].passed, results["raw/cases"].metadata["judged"].value) == (True, False)
    assert results["labels/statements"].passed


def test_fresh_data_passes_its_check_by_the_clock_of_the_marketplace(
    workspace_with: Callable[[str], Workspace], instance: dg.DagsterInstance
) -> None:
    workspace = workspace_with("delivered")
    land(workspace.lake, "orders", [date(2024, 2, 29)])

    assert checked(workspace, instance)["raw/orders"].passed


@pytest.mark.parametrize(
    ("hours", "level"), [(30, Level.FRESH), (31, Level.WARN), (54, Level.WARN), (55, Level.ERROR)], ids=str
)
def test_a_daily_age_warns_after_a_day_and_fails_after_two(hours: int, level: Level) -> None:
    assert daily(NOW - timedelta(hours=hours), NOW).level is level


@pytest.mark.parametrize(("days", "level"), [(8, Level.FRESH), (9, Level.WARN), (16, Level.ERROR)], ids=str)
def test_a_weekly_age_warns_after_a_week_and_fails_after_two(days: int, level: Level) -> None:
    assert weekly(NOW - timedelta(days=days), NOW).level is level


def test_a_table_that_speaks_daily_falls_silent_and_one_that_speaks_seldom_does_not(tmp_path: Path) -> None:
    lake, month = Lake(tmp_path), [date(2024, 2, day) for day in range(1, 30)]
    land(lake, "appeals", month[5:-4:7], and_empty=month)
    land(lake, "orders", month[:-4], and_empty=month)
    land(lake, "reviews", [day for day in month[:-2] if day.day not in (10, 11)], and_empty=month)
    ages = {table: raw_age(lake, table, NOW) for table in ("appeals", "orders", "reviews", "cases")}
    assert {table: age.level for table, age in ages.items() if age} == {
        "appeals": Level.FRESH,
        "orders": Level.ERROR,
        "reviews": Level.FRESH,
    }


def land(lake: Lake, table: str, days: list[date], *, and_empty: Sequence[date] = ()) -> None:
    """Land a row on each of the days, and nothing on the others of `and_empty`."""
    for day in sorted({*days, *and_empty}):
        rows = [1] if day in days else []
        facts = {"newest_known_at": (midnight(day) + timedelta(hours=23)).isoformat() if rows else None}
        frame = pl.DataFrame({"a": rows}, schema={"a": pl.Int64})
        lake.write(f"raw/{table}", day, frame, key=["a"], fingerprint="", facts=facts)


def checked(workspace: Workspace, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The result of every check, by asset."""
    defs = dg.Definitions(
        asset_checks=build_freshness_checks(workspace),
        resources={"workspace": workspace},
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())],
    )
    result = defs.resolve_job_def("checks").execute_in_process(instance=instance)
    return {found.asset_key.to_user_string(): found for found in result.get_asset_check_evaluations()}
