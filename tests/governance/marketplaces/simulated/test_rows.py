"""The rows of a simulated marketplace: contracts, times, references, money and bans, on one small world."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.contracts.schema import Table
from governance.contracts.tables import TABLES
from governance.contracts.validation import Checked, check_days
from governance.marketplaces.simulated.ids import numbers

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
Rows = dict[str, pl.DataFrame]

REFERENCES = [
    ("account_changes", "account_id", "accounts", "account_id"),
    ("account_changes", "session_id", "sessions", "session_id"),
    ("products", "seller_id", "accounts", "account_id"),
    ("contents", "creator_id", "accounts", "account_id"),
    ("engagements", "content_id", "contents", "content_id"),
    ("engagements", "account_id", "accounts", "account_id"),
    ("sessions", "account_id", "accounts", "account_id"),
    ("orders", "buyer_id", "accounts", "account_id"),
    ("orders", "seller_id", "accounts", "account_id"),
    ("orders", "creator_id", "accounts", "account_id"),
    ("orders", "product_id", "products", "product_id"),
    ("orders", "content_id", "contents", "content_id"),
    ("payments", "order_id", "orders", "order_id"),
    ("shipments", "order_line_id", "orders", "order_line_id"),
    ("reviews", "order_line_id", "orders", "order_line_id"),
    ("cases", "order_line_id", "orders", "order_line_id"),
    ("messages", "case_id", "cases", "case_id"),
    ("evidence", "case_id", "cases", "case_id"),
    ("outcomes", "case_id", "cases", "case_id"),
    ("payouts", "account_id", "accounts", "account_id"),
    ("data_accesses", "account_id", "accounts", "account_id"),
    ("data_accesses", "case_id", "cases", "case_id"),
    ("accounts", "invited_by", "accounts", "account_id"),
]


@EVERY_TABLE
def test_every_row_keeps_its_contract(tiny_root: Path, table: Table) -> None:
    paths = sorted((tiny_root / table.name).glob("dt=*/rows.parquet"))
    days = {date.fromisoformat(path.parent.name[3:]): pl.read_parquet(path, hive_partitioning=False) for path in paths}
    assert all(frame.schema == table.schema for frame in days.values())
    for day, checked in check_days(table, days, now=datetime(2026, 1, 1, tzinfo=UTC)).items():
        assert isinstance(checked, Checked), f"{day}: {checked}"
        assert (checked.quarantined.height, checked.collapsed) == (0, 0), f"{day}: {checked.reasons}"


@EVERY_TABLE
def test_there_are_rows_with_unique_keys(tiny_world: Rows, table: Table) -> None:
    frame = tiny_world[table.name]
    assert frame.height > 0
    assert not frame.select(table.key).is_duplicated().any()


@pytest.mark.parametrize(("table", "column", "other", "key"), REFERENCES, ids=[f"{a}.{b}" for a, b, _, _ in REFERENCES])
def test_what_a_row_refers_to_is_there_and_known_no_later(
    tiny_world: Rows, table: str, column: str, other: str, key: str
) -> None:
    known = tiny_world[other].group_by(key).agg(first_known=pl.col("known_at").min())
    met = tiny_world[table].drop_nulls(column).join(known, left_on=column, right_on=key, how="left")
    assert met["first_known"].null_count() == 0
    assert met.filter(pl.col("first_known") > pl.col("known_at")).select(column, "known_at", "first_known").is_empty()


@EVERY_TABLE
def test_rows_lie_in_the_order_of_their_keys_which_tells_nothing_of_their_age(tiny_world: Rows, table: Table) -> None:
    prefix = table.key[0]
    ids = tiny_world[table.name][prefix]
    if table.name == "labels" or len(ids) < 300 or not ids.str.contains(r"-\d{16}").all():
        pytest.skip("the key is no scrambled number, or there are too few to tell")
    ages = tiny_world[table.name].with_columns(rank=ids.rank(), age=pl.col("known_at").rank())
    assert abs(ages.select(pl.corr("rank", "age")).item()) < 0.15


def test_a_product_is_known_before_it_is_ordered_at_its_latest_price(tiny_world: Rows) -> None:
    versions = tiny_world["products"].select("product_id", "known_at", listed_minor="price_minor", listed_in="category")
    day_start = pl.col("occurred_at").dt.truncate("1d")
    orders = tiny_world["orders"].with_columns(at=day_start + timedelta(microseconds=1)).sort("at")
    met = orders.join_asof(versions.sort("known_at"), left_on="at", right_on="known_at", by="product_id")
    assert met["listed_minor"].to_list() == met["price_minor"].to_list()
    assert met["listed_in"].to_list() == met["category"].to_list()


@pytest.mark.parametrize("table", ["shipments", "reviews", "cases", "outcomes"])
def test_what_follows_an_order_line_names_its_parties_and_comes_later(tiny_world: Rows, table: str) -> None:
    parties = ["order_id", "buyer_id", "seller_id", "product_id", "category", "market"]
    orders = tiny_world["orders"].select("order_line_id", *parties, ordered_at="occurred_at")
    met = tiny_world[table].join(orders, on=["order_line_id", *parties], how="left")
    assert met["ordered_at"].null_count() == 0
    assert (met["ordered_at"] < met["occurred_at"]).all()


def test_the_capture_of_an_order_is_the_price_of_all_its_lines(tiny_world: Rows) -> None:
    captured = tiny_world["payments"].filter(pl.col("kind") == "capture").select("order_id", "amount_minor")
    paid = pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor")
    totals = tiny_world["orders"].group_by("order_id").agg(total=paid.sum())
    met = captured.join(totals, on="order_id", how="left")
    assert (met["amount_minor"] == met["total"]).all()
    assert set(tiny_world["payments"]["kind"]) >= {"authorisation", "capture", "refund"}


def test_amounts_of_an_outcome_sum_to_its_total(tiny_world: Rows) -> None:
    borne = pl.sum_horizontal("buyer_minor", "seller_minor", "logistics_minor", "platform_minor")
    assert tiny_world["outcomes"].filter(borne != pl.col("total_minor")).height == 0
    assert set(tiny_world["outcomes"]["responsible_party"]) >= {"buyer", "seller", "logistics"}


@pytest.mark.parametrize(("table", "key"), [("cases", "case_id"), ("outcomes", "case_id"), ("payouts", "payout_id")])
def test_versions_follow_each_other(tiny_world: Rows, table: str, key: str) -> None:
    ordered = tiny_world[table].sort(key, "known_at")
    assert (ordered["version"] == ordered.select(pl.col("version").cum_count().over(key)).to_series()).all()
    assert (ordered["version"] == 2).any()


def test_shares_of_responsibility_sum_to_one_and_some_cases_cannot_be_decided(tiny_world: Rows) -> None:
    causes = tiny_world["truth/causes"]
    shares = pl.sum_horizontal("buyer_share", "seller_share", "logistics_share", "platform_share")
    assert causes.filter((shares - 1).abs() > 1e-9).is_empty()
    assert 0.02 < 1 - causes["decidable"].mean() < 0.4  # type: ignore[operator]
    assert set(causes["case_id"]) >= set(tiny_world["cases"]["case_id"])


def test_a_banned_seller_takes_no_orders_once_the_ban_is_known(tiny_world: Rows) -> None:
    bans = tiny_world["enforcements"].filter((pl.col("action") == "ban") & (pl.col("subject_role") == "seller"))
    after = tiny_world["orders"].join(bans, left_on="seller_id", right_on="subject_id", suffix="_of_ban")
    assert bans.height >= 1
    assert after.filter(pl.col("occurred_at") >= pl.col("known_at_of_ban")).is_empty()


def test_a_few_per_cent_of_scans_reviews_and_cases_are_known_late(tiny_world: Rows) -> None:
    delay = pl.col("known_at") - pl.col("occurred_at")
    for table in ("shipments", "reviews", "cases"):
        assert 0.01 < tiny_world[table].select((delay > timedelta(hours=3)).mean()).item() < 0.12, table
    assert not tiny_world["orders"].select((delay > timedelta(hours=1)).any()).item()


def test_nobody_orders_without_having_come_that_day(tiny_world: Rows) -> None:
    day = pl.col("occurred_at").dt.date()
    came = tiny_world["sessions"].filter(pl.col("outcome") == "succeeded").select("account_id", day=day).unique()
    orders = tiny_world["orders"].with_columns(day=day)
    assert orders.join(came, left_on=["buyer_id", "day"], right_on=["account_id", "day"], how="anti").is_empty()


def test_several_markets_currencies_and_languages_trade(tiny_world: Rows) -> None:
    assert tiny_world["orders"]["market"].n_unique() == tiny_world["orders"]["currency"].n_unique() == 3
    assert set(tiny_world["messages"]["language"].drop_nulls()) == {"en", "es", "id"}


def test_every_truth_is_about_something_that_was_delivered(tiny_world: Rows) -> None:
    ids = {
        "fake_account": tiny_world["accounts"]["account_id"],
        "account_takeover": tiny_world["sessions"]["session_id"],
        "listing_violation": tiny_world["products"]["product_id"],
        "brushing": tiny_world["orders"]["order_line_id"],
        "claim": tiny_world["orders"]["order_line_id"],
        "content_violation": tiny_world["contents"]["content_id"],
    }
    decisions = tiny_world["truth/decisions"]
    for label, known in ids.items():
        about = decisions.filter(pl.col("label") == label)
        assert about.height > 0, label
        assert set(about["entity_id"]) <= set(known), label
        assert about["oracle"].is_between(0, 1).all(), label


def test_ids_of_accounts_lead_back_to_numbers_that_are_counted_up(tiny_world: Rows) -> None:
    buyers = tiny_world["accounts"].filter(pl.col("role") == "buyer")["account_id"].unique()
    found = numbers(buyers, seed=11)
    assert 1_500 <= len(found) <= found.max() + 1 < 6_000
