"""An owner's files through a marketplace's SQL: local times, days, errors, fingerprints, exclusions."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from governance.errors import ConfigurationError, ContractError, SourceError
from governance.marketplaces.local_time import create_time_macros
from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.marketplaces.source import Exclusion, Source

FIRST = date(2018, 2, 16)
NEXT = FIRST + timedelta(days=1)
LAST = FIRST + timedelta(days=2)

TOML = """
name = "bazaar"
currency = "BRL"
time_zone = "America/Sao_Paulo"
first_day = 2018-02-16
last_day = 2018-02-18
quarantine_share_at_most = 0.5
synthetic = true
[files]
sales = "sales.parquet"
"""
ORDERS = "SELECT id AS order_line_id, utc(sold) AS known_at FROM source.sales"
SALES = pl.DataFrame(
    {
        "id": ["early", "night", "ambiguous", "late", "never"],
        "sold": [
            datetime(2018, 2, 10, 12),
            datetime(2018, 2, 16, 23, 30),
            datetime(2018, 2, 17, 23, 30),
            datetime(2018, 3, 1, 12),
            None,
        ],
    }
)


@pytest.fixture
def bazaar(tmp_path: Path) -> Marketplace:
    folder = tmp_path / "bazaar"
    folder.mkdir()
    (folder / "marketplace.toml").write_text(TOML)
    (folder / "orders.sql").write_text(ORDERS)
    (folder / "reviews.sql").write_text("SELECT order_line_id, known_at FROM contract.orders;")
    return load_marketplace(folder)


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    folder = tmp_path / "owner's files"
    folder.mkdir()
    SALES.write_parquet(folder / "sales.parquet")
    return folder


@pytest.fixture
def source(bazaar: Marketplace, owner: Path) -> Iterator[Source]:
    with Source(bazaar, owner) as opened:
        yield opened


@pytest.mark.parametrize(
    "time_zone", ["America/Sao_Paulo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Tokyo"]
)
def test_local_times_become_the_instants_that_pep_495_gives_them(time_zone: str) -> None:
    zone = ZoneInfo(time_zone)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    create_time_macros(connection, time_zone)
    rows = connection.execute(
        "SELECT t, utc(t), is_ambiguous(t), is_nonexistent(t) "
        "FROM range(TIMESTAMP '2016-01-01', TIMESTAMP '2019-01-01', INTERVAL 30 MINUTE) AS every(t)"
    ).fetchall()

    earlier = [local.replace(tzinfo=zone, fold=0).astimezone(UTC) for local, *_ in rows]
    later = [local.replace(tzinfo=zone, fold=1).astimezone(UTC) for local, *_ in rows]
    assert [instant for _, instant, _, _ in rows] == earlier
    assert [ambiguous for _, _, ambiguous, _ in rows] == [
        first < second for first, second in zip(earlier, later, strict=True)
    ]
    assert [nonexistent for *_, nonexistent in rows] == [
        first > second for first, second in zip(earlier, later, strict=True)
    ]


def test_the_hour_that_sao_paulo_repeats_is_the_earlier_and_the_one_it_skips_moves_forward() -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    create_time_macros(connection, "America/Sao_Paulo")

    answer = connection.execute(
        "SELECT utc(TIMESTAMP '2018-02-17 23:30'), utc(TIMESTAMP '2017-10-15 00:30'), utc(NULL)"
    ).fetchone()

    assert answer == (datetime(2018, 2, 18, 1, 30, tzinfo=UTC), datetime(2017, 10, 15, 3, 30, tzinfo=UTC), None)


def test_rows_go_to_the_utc_day_on_which_they_were_known_and_none_gets_lost(source: Source) -> None:
    days = dict(source.deliveries("orders", [FIRST, NEXT, LAST]))

    ids = {day: rows["order_line_id"].to_list() for day, rows in days.items() if isinstance(rows, pl.DataFrame)}
    assert ids == {FIRST: ["early", "never"], NEXT: ["night"], LAST: ["ambiguous", "late"]}
    assert days[FIRST].columns == ["order_line_id", "known_at"]
    assert days[FIRST].schema["known_at"] == pl.Datetime("us", "UTC")


def test_asking_for_one_day_gives_the_same_rows_as_asking_for_all(source: Source) -> None:
    ((day, rows),) = source.deliveries("orders", [NEXT])

    assert day == NEXT
    assert isinstance(rows, pl.DataFrame)
    assert rows["order_line_id"].to_list() == ["night"]
    assert list(source.deliveries("orders", [])) == []


def test_a_table_may_read_what_another_one_selects(source: Source) -> None:
    ((_, rows),) = source.deliveries("reviews", [NEXT])

    assert isinstance(rows, pl.DataFrame)
    assert rows["order_line_id"].to_list() == ["night"]


def test_the_fingerprint_follows_the_files_and_the_sql_also_of_tables_that_are_read(
    bazaar: Marketplace, owner: Path
) -> None:
    def fingerprints() -> tuple[str, str]:
        with Source(bazaar, owner) as source:
            return source.fingerprint("orders", FIRST), source.fingerprint("reviews", FIRST)

    before = fingerprints()
    assert fingerprints() == before

    (bazaar.folder / "orders.sql").write_text(ORDERS + " WHERE true")
    other_sql = fingerprints()
    assert all(new != old for new, old in zip(other_sql, before, strict=True))

    os.utime(owner / "sales.parquet", ns=(0, 7))
    assert all(new != old for new, old in zip(fingerprints(), other_sql, strict=True))


def test_a_missing_file_is_named_with_its_table_path_and_remedy(source: Source, owner: Path) -> None:
    (owner / "sales.parquet").unlink()

    with pytest.raises(SourceError, match=r"orders: .*sales\.parquet is missing; deliver it"):
        list(source.deliveries("orders", [FIRST]))
    assert source.fingerprint("orders", FIRST)


def test_a_file_that_is_no_parquet_is_named(source: Source, owner: Path) -> None:
    (owner / "sales.parquet").write_bytes(b"PAR1 but nothing else")

    with pytest.raises(SourceError, match=r"orders: .*sales\.parquet is no Parquet file"):
        list(source.deliveries("orders", [FIRST]))


def test_a_file_that_breaks_off_inside_its_pages_cannot_be_read(source: Source, owner: Path) -> None:
    path = owner / "sales.parquet"
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)

    with pytest.raises(SourceError, match="orders: the files cannot be read; deliver them again"):
        list(source.deliveries("orders", [FIRST]))


def test_sql_that_does_not_fit_the_files_is_named(source: Source, owner: Path) -> None:
    SALES.drop("sold").write_parquet(owner / "sales.parquet")

    with pytest.raises(SourceError, match="orders: the SQL does not fit the files"):
        list(source.deliveries("orders", [FIRST]))


def test_a_local_time_as_known_at_is_refused_with_the_remedy(bazaar: Marketplace, owner: Path) -> None:
    (bazaar.folder / "orders.sql").write_text("SELECT sold AS known_at FROM source.sales")

    with Source(bazaar, owner) as source, pytest.raises(ContractError, match=r"TIMESTAMP as known_at.*utc\(local_time"):
        list(source.deliveries("orders", [FIRST]))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM source.sale", "reads source.sale; source has sales"),
        ("SELECT * FROM contract.payments", "reads contract.payments; contract has orders, reviews"),
        ("SELECT * FROM contract.reviews", "reads itself: orders -> reviews -> orders"),
        ("DELETE FROM source.sales", "must hold one SELECT"),
        ("SELECT 1; SELECT 2", "must hold one SELECT"),
        ("SELEC 1", "must hold one SELECT"),
    ],
)
def test_sql_that_cannot_be_a_table_is_refused(bazaar: Marketplace, owner: Path, sql: str, message: str) -> None:
    (bazaar.folder / "orders.sql").write_text(sql)

    with Source(bazaar, owner) as source, pytest.raises(ConfigurationError) as caught:
        source.deliveries("orders", [FIRST])

    assert message in str(caught.value)


def test_exclusions_are_counted_for_each_table(bazaar: Marketplace, source: Source) -> None:
    assert source.exclusions("orders") == ()
    (bazaar.folder / "exclusions.sql").write_text(
        """
        SELECT 'orders' AS "table", 'repeated local times' AS what,
            count(*) FILTER (is_ambiguous(sold)) AS count, 'kept as the earlier' AS why
        FROM source.sales;
        """
    )

    assert source.exclusions("orders") == (Exclusion("repeated local times", 1, "kept as the earlier"),)
    assert source.exclusions("reviews") == ()
