"""The default world has what both models need: its size, prevalence, and enough merchants to learn and to test on."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.marketplaces.simulated.world import simulate

pytestmark = pytest.mark.long

FIRST_DAY = date(2026, 1, 1)
PRIORITY = {"audit": 1, "enforcement": 2, "automatic_rule": 3}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("default")
    simulate(out, first_day=FIRST_DAY, days=280)
    return out


def read(root: Path, table: str) -> pl.DataFrame:
    day = (pl.col("occurred_at").dt.date() - FIRST_DAY).dt.total_days()
    return pl.read_parquet(root / table / "*" / "rows.parquet", hive_partitioning=False).with_columns(day=day)


def test_it_has_some_five_hundred_lines_a_day(root: Path) -> None:
    assert 100_000 < read(root, "orders").height < 145_000


def test_some_orders_become_known_on_the_day_after(root: Path) -> None:
    orders = read(root, "orders")
    assert orders.filter(pl.col("occurred_at").dt.date() < pl.col("known_at").dt.date()).height >= 30


def test_four_to_seven_per_cent_of_lines_end_in_a_case_within_three_weeks(root: Path) -> None:
    cases = read(root, "cases").group_by("order_line_id").agg(opened=pl.col("known_at").min())
    lines = read(root, "orders").filter(pl.col("day") < 250).join(cases, on="order_line_id", how="left")
    within = (lines["opened"] - lines["occurred_at"] < timedelta(days=21)).fill_null(False)
    assert 0.04 < within.mean() < 0.07  # type: ignore[operator]


def test_the_test_window_and_the_time_before_have_enough_positive_sellers(root: Path) -> None:
    ranked = read(root, "labels").sort(pl.col("labeler").replace_strict(PRIORITY))
    resolved = ranked.unique(["entity_id", "occurred_at"], keep="first", maintain_order=True)
    positives = resolved.filter(pl.col("value") == 1).join(
        read(root, "orders"), left_on="entity_id", right_on="seller_id"
    )
    sold_before = positives.filter(pl.col("day_right").is_between(pl.col("day") - 30, pl.col("day") - 1))

    def distinct(low: int, high: int) -> int:
        decided = sold_before.filter(pl.col("day_right").is_between(low, high - 1))
        return decided["entity_id"].n_unique()

    assert distinct(212, 240) >= 65
    assert distinct(60, 150) >= 60


def test_active_sellers_and_daily_orders_hardly_drift(root: Path) -> None:
    orders = read(root, "orders")
    active = [orders.filter(pl.col("day").is_between(end - 29, end))["seller_id"].n_unique() for end in (119, 199, 279)]
    assert max(active) < 1.06 * min(active)
    lines = [orders.filter(pl.col("day").is_between(end - 55, end)).height for end in (125, 279)]
    assert lines[0] < lines[1] < 1.12 * lines[0]
