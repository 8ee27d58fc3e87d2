"""Olist's SQL over the real files: what lands, what is left out, and that both add up."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from governance.contracts.calendar import days_between
from governance.contracts.personal import PUBLISHED
from governance.contracts.tables import TABLES
from governance.contracts.validation import Checked, check_days
from governance.marketplaces.landing import land, plan
from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.source import Source
from governance.storage.lake import Lake

OLIST = load_marketplace("olist")
FILES = Path(__file__).parents[4] / "shared/data/olist"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FILES.exists(), reason="the Olist files are not beside the project"),
]


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with Source(OLIST, FILES) as opened:
        yield opened


@pytest.fixture(scope="module")
def tables(source: Source) -> dict[str, list[Checked]]:
    """Every table, every day, checked."""
    assert OLIST.last_day is not None
    days = days_between(OLIST.first_day, OLIST.last_day)
    checked = {}
    for name in OLIST.tables:
        frames = {day: rows for day, rows in source.deliveries(name, days) if isinstance(rows, pl.DataFrame)}
        outcomes = check_days(TABLES[name], frames, now=NOW)
        checked[name] = [outcome for outcome in outcomes.values() if isinstance(outcome, Checked)]
    return checked


@pytest.fixture(scope="module")
def rows(tables: dict[str, list[Checked]]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat([day.rows for day in days]) for name, days in tables.items()}


def _counts(source: Source, table: str) -> dict[str, int]:
    return {exclusion.what: exclusion.count for exclusion in source.exclusions(table)}


def _file(name: str) -> pl.DataFrame:
    return pl.read_parquet(FILES / f"{name}.parquet")


def test_every_row_keeps_its_contract(tables: dict[str, list[Checked]]) -> None:
    for name, days in tables.items():
        assert len(days) == 800, name
        assert sum(day.quarantined.height for day in days) == 0, name
        assert sum(day.collapsed for day in days) == 0, name
        assert all(day.unknown_columns == () for day in days), name


def test_the_tables_that_olist_cannot_fill_are_absent() -> None:
    assert OLIST.missing_tables == (
        *("account_changes", "contents", "engagements", "sessions", "messages", "evidence", "outcomes"),
        *("appeals", "enforcements", "payouts", "data_accesses", "labels"),
    )


def test_orders_and_what_is_left_out_add_up_to_the_files(rows: dict[str, pl.DataFrame], source: Source) -> None:
    counts = _counts(source, "orders")
    orders = rows["orders"]

    assert counts["orders without an item line"] == 3_758
    assert counts["item lines without an order"] == 5_882
    assert orders.height == _file("order_items").height - 5_882 == 42_986
    assert orders["order_id"].n_unique() == _file("orders").height - 3_758
    assert (
        orders.group_by("order_id")
        .agg(pl.len(), pl.col("line_count").first())
        .select((pl.col("len") == pl.col("line_count")).all())
        .item()
    )
    assert orders["line_count"].min() == 1
    assert orders["weight"].unique().sort().round(3).to_list() == [1.0, 2.514]


def test_every_payment_lands_or_is_counted(rows: dict[str, pl.DataFrame], source: Source) -> None:
    counts = _counts(source, "payments")

    left_out = counts["payments without an order"] + counts["payments of orders without an item line"]
    assert rows["payments"].height + left_out == _file("order_payments").height
    paid = rows["payments"].group_by("order_id").agg(pl.col("amount_minor").sum())
    asked = (
        rows["orders"].group_by("order_id").agg((pl.col("price_minor") + pl.col("shipping_minor")).sum().alias("sum"))
    )
    both = paid.join(asked, on="order_id")
    agreeing = both.select(((pl.col("amount_minor") - pl.col("sum")).abs() <= 5).mean()).item()
    assert agreeing > 0.99


def test_every_review_lands_on_each_line_of_its_order_or_is_counted(
    rows: dict[str, pl.DataFrame], source: Source
) -> None:
    counts = _counts(source, "reviews")
    left_out = sum(
        counts[what]
        for what in (
            "reviews without an order",
            "reviews of orders without an item line",
            "reviews answered before the purchase",
        )
    )
    landed = _file("order_reviews").height - left_out

    reviews = rows["reviews"].join(rows["orders"].select("order_line_id", "line_count"), on="order_line_id")
    assert reviews.height == rows["reviews"].height
    assert reviews.select((1 / pl.col("line_count")).sum()).item() == pytest.approx(landed)


def test_low_reviews_and_cancellations_are_cases_of_the_whole_order(
    rows: dict[str, pl.DataFrame], source: Source
) -> None:
    counts, cases, orders = _counts(source, "cases"), rows["cases"], _file("orders")
    sampled = _file("order_reviews").join(orders, on="order_id", how="semi")
    low = sampled.filter(pl.col("review_score") <= 2).height
    stopped = orders.filter(pl.col("order_status").is_in(["canceled", "unavailable"])).height

    assert dict(cases.group_by("kind").len().iter_rows()) == {
        "complaint": low
        - counts["low reviews of orders without an item line"]
        - counts["low reviews answered before the purchase"],
        "cancellation": stopped - counts["cancelled or unavailable orders without an item line"],
    }
    assert cases["order_line_id"].null_count() == cases.height
    several = rows["orders"].group_by("order_id").agg(pl.col("seller_id").n_unique().alias("sellers"))
    told = cases.join(several, on="order_id").select(
        ((pl.col("sellers") == 1) == pl.col("seller_id").is_not_null()).all()
    )
    assert told.item()


def test_nothing_about_an_order_is_known_before_its_purchase(rows: dict[str, pl.DataFrame]) -> None:
    purchases = rows["orders"].group_by("order_id").agg(pl.col("occurred_at").min().alias("purchased_at"))
    for name in ("payments", "shipments", "reviews", "cases"):
        about = rows[name].join(purchases, on="order_id")
        assert about.height == rows[name].height
        assert about.filter(pl.col("known_at") < pl.col("purchased_at")).is_empty(), name


def test_accounts_and_products_are_known_at_their_first_order(rows: dict[str, pl.DataFrame]) -> None:
    orders = rows["orders"]
    for role in ("buyer", "seller"):
        first = dict(orders.group_by(f"{role}_id").agg(pl.col("known_at").min()).iter_rows())
        known = rows["accounts"].filter(pl.col("role") == role)
        assert dict(known.select("account_id", "known_at").iter_rows()) == first
    first = dict(orders.group_by("product_id").agg(pl.col("known_at").min()).iter_rows())
    assert dict(rows["products"].select("product_id", "known_at").iter_rows()) == first


def test_order_lines_say_what_the_files_say_in_utc_and_centavos(rows: dict[str, pl.DataFrame]) -> None:
    said = _file("order_items").join(_file("orders"), on="order_id")
    expected = {
        f"{line['order_id']}-{line['order_item_id']}": (
            _utc(line["order_purchase_timestamp"]),
            _utc(line["order_estimated_delivery_date"]),
            round(line["price"] * 100),
            round(line["freight_value"] * 100),
        )
        for line in said.iter_rows(named=True)
    }
    columns = ("order_line_id", "occurred_at", "deliver_by", "price_minor", "shipping_minor")
    landed = {line: tuple(values) for line, *values in rows["orders"].select(columns).iter_rows()}

    assert landed == expected


def _utc(local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo("America/Sao_Paulo"), fold=0).astimezone(UTC)


def test_about_one_line_in_seven_ends_in_a_case_within_45_days(rows: dict[str, pl.DataFrame]) -> None:
    opened = rows["cases"].select("order_id", pl.col("known_at").alias("opened_at"))
    lines = (
        rows["orders"]
        .join(opened, on="order_id", how="left")
        .group_by("order_line_id", "weight")
        .agg((pl.col("opened_at") <= pl.col("occurred_at") + timedelta(days=45)).any().alias("claimed"))
    )

    assert lines["claimed"].sum() == 6_521
    assert lines["claimed"].mean() == pytest.approx(0.1517, abs=1e-4)
    weighted = lines.select((pl.col("claimed") * pl.col("weight")).sum() / pl.col("weight").sum()).item()
    assert weighted == pytest.approx(0.1304, abs=1e-4)
    assert rows["orders"].filter(pl.col("occurred_at") >= datetime(2018, 5, 1, tzinfo=UTC)).height == 11_026


def test_landing_a_fortnight_twice_changes_nothing(source: Source, tmp_path: Path) -> None:
    lake, days = Lake(tmp_path), days_between(date(2018, 2, 12), date(2018, 2, 25))
    for table in OLIST.tables:
        report = land(lake, OLIST, source, table, days, now=NOW, keyed_hash=PUBLISHED)
        assert (len(report.landed), report.failures) == (14, {})
    addresses = lake.read("raw/orders", days)["address"].drop_nulls()

    assert plan(lake, OLIST, source, days, key_id=PUBLISHED.key_id) == {}
    assert land(lake, OLIST, source, "orders", days, now=NOW, keyed_hash=PUBLISHED).landed == ()
    assert addresses.str.starts_with("published:").all()
