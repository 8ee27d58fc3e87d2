"""The documented outcome of every way in which a delivery can break its contract."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from governance.contracts.schema import Column, Kind, Table
from governance.contracts.tables import TABLES
from governance.contracts.validation import QUARANTINE_SCHEMA, Checked, check, check_days
from governance.errors import ContractError

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def _valid_value(column: Column) -> Any:
    if column.one_of:
        return column.one_of[0]
    values = {Kind.STRING: "x", Kind.INTEGER: 1, Kind.FLOAT: 0.5, Kind.BOOLEAN: True, Kind.TIMESTAMP: NOON}
    return values[column.kind]


def _rows(table: Table, count: int) -> pl.DataFrame:
    """Valid rows of one day, told apart by the first column of the key."""
    row = {column.name: _valid_value(column) for column in table.columns}
    if table.name == "outcomes":
        row["total_minor"] = 4
    rows = pl.DataFrame([row] * count, schema=table.schema)
    return rows.with_columns(pl.Series(table.key[0], [f"id{index}" for index in range(count)], dtype=pl.String))


def _check(rows: pl.DataFrame, *, table: str = "orders") -> Checked:
    return check(TABLES[table], rows, day=DAY, now=NOW)


def _with_first(rows: pl.DataFrame, **changes: Any) -> pl.DataFrame:
    """The rows with values of the first one replaced."""
    return rows.with_columns(
        pl.Series(name, [value, *rows[name].to_list()[1:]], dtype=rows.schema[name]) for name, value in changes.items()
    )


@pytest.mark.parametrize("name", TABLES)
def test_valid_rows_land_as_they_are(name: str) -> None:
    rows = _rows(TABLES[name], 3)

    checked = _check(rows.reverse().select(reversed(rows.columns)), table=name)

    assert_frame_equal(checked.rows, rows.reverse())
    assert checked.quarantined.schema == QUARANTINE_SCHEMA
    assert (checked.quarantined.height, checked.collapsed, checked.reasons) == (0, 0, {})
    assert (checked.unknown_columns, checked.filled_columns) == ((), ())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_line_id": None}, "null: order_line_id"),
        ({"buyer_id": None}, "null: buyer_id"),
        ({"price_minor": -1}, "out of bounds: price_minor"),
        ({"commission_rate": 1.5}, "out of bounds: commission_rate"),
        ({"weight": float("nan")}, "null: weight"),
        ({"commission_rate": float("nan")}, "out of bounds: commission_rate"),
        ({"known_at": NOON + timedelta(days=1)}, "time in the future: known_at"),
        ({"occurred_at": NOON + timedelta(seconds=1)}, "time in the future: occurred_at"),
        (
            {"known_at": NOON - timedelta(days=1), "occurred_at": NOON - timedelta(days=1)},
            "known before its day",
        ),
        ({"buyer_id": None, "price_minor": -1, "known_at": NOON + timedelta(days=1)}, "null: buyer_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_a_row_that_breaks_a_rule_is_quarantined_with_the_first_reason(changes: dict[str, Any], reason: str) -> None:
    rows = _rows(TABLES["orders"], 3)

    checked = _check(_with_first(rows, **changes))

    assert checked.reasons == {reason: 1}
    assert_frame_equal(checked.rows, rows[1:])
    assert checked.delivered == 3


def test_a_value_outside_the_choices_is_quarantined() -> None:
    checked = _check(_with_first(_rows(TABLES["accounts"], 2), role="robot"), table="accounts")

    assert checked.reasons == {"not one of the choices: role": 1}


def test_shares_that_do_not_sum_to_the_total_are_quarantined() -> None:
    checked = _check(_with_first(_rows(TABLES["outcomes"], 2), total_minor=5), table="outcomes")

    assert checked.reasons == {"parties do not sum to the total": 1}


def test_the_first_instant_of_a_day_belongs_to_it_and_the_next_midnight_does_not() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    times = [midnight, midnight + timedelta(days=1) - timedelta(microseconds=1), midnight + timedelta(days=1)]
    rows = _rows(TABLES["orders"], 3).with_columns(known_at=pl.Series(times), occurred_at=pl.lit(midnight))

    checked = _check(rows)

    assert checked.rows["known_at"].to_list() == times[:2]
    assert checked.reasons == {"time in the future: known_at": 1}


def test_what_is_known_after_now_is_quarantined() -> None:
    rows = _with_first(_rows(TABLES["orders"], 2), known_at=NOON + timedelta(hours=2))

    checked = check(TABLES["orders"], rows, day=DAY, now=NOON + timedelta(hours=1))

    assert checked.reasons == {"time in the future: known_at": 1}


def test_a_column_of_another_type_is_cast_and_only_the_values_that_do_not_fit_are_quarantined() -> None:
    rows = _rows(TABLES["orders"], 3)

    checked = _check(rows.with_columns(price_minor=pl.Series(["cheap", "1", "1"])))

    assert_frame_equal(checked.rows, rows[1:])
    assert checked.reasons == {"wrong type: price_minor": 1}
    assert json.loads(checked.quarantined["row"][0])["price_minor"] == "cheap"


def test_times_without_a_zone_are_quarantined() -> None:
    rows = _rows(TABLES["orders"], 2).with_columns(pl.col("ship_by").dt.replace_time_zone(None))

    checked = _check(rows)

    assert checked.reasons == {"wrong type: ship_by": 2}


def test_unknown_columns_do_not_land_and_optional_ones_are_filled() -> None:
    rows = _rows(TABLES["orders"], 2)

    checked = _check(rows.drop("coupon").with_columns(mood=pl.lit("good")))

    assert checked.unknown_columns == ("mood",)
    assert checked.filled_columns == ("coupon",)
    assert_frame_equal(checked.rows, rows.with_columns(coupon=pl.lit(None, pl.String)))


def test_a_missing_column_that_must_be_there_stops_its_day_only() -> None:
    rows = _rows(TABLES["orders"], 2)
    later = rows.with_columns(pl.col("known_at") + pl.duration(days=1))

    outcomes = check_days(TABLES["orders"], {DAY: rows.drop("buyer_id"), DAY + timedelta(days=1): later}, now=NOW)

    assert isinstance(outcomes[DAY], ContractError)
    assert "orders of 2026-03-01 lacks buyer_id" in str(outcomes[DAY])
    landed = outcomes[DAY + timedelta(days=1)]
    assert isinstance(landed, Checked)
    assert_frame_equal(landed.rows, later)
    with pytest.raises(ContractError, match="lacks buyer_id"):
        _check(rows.drop("buyer_id"))


def test_many_days_at_once_give_what_each_day_gives_alone() -> None:
    rows = _with_first(_rows(TABLES["orders"], 3), price_minor=-1)
    days = {
        DAY + timedelta(days=offset): pl.concat([rows, rows[2:]]).with_columns(
            pl.col("known_at") + pl.duration(days=offset)
        )
        for offset in range(3)
    } | {DAY + timedelta(days=3): rows.clear()}

    together = check_days(TABLES["orders"], days, now=NOW)

    for day, delivered in days.items():
        alone, among = check(TABLES["orders"], delivered, day=day, now=NOW), together[day]
        assert isinstance(among, Checked)
        assert_frame_equal(among.rows, alone.rows)
        assert_frame_equal(among.quarantined, alone.quarantined)
        assert among.collapsed == alone.collapsed


def test_personal_values_and_unknown_columns_stay_out_of_the_quarantine() -> None:
    rows = _with_first(_rows(TABLES["orders"], 1), address="Rua das Flores 7", price_minor=-1)

    checked = _check(rows.with_columns(phone=pl.lit("555-0199")))

    (text,) = checked.quarantined["row"]
    assert "Flores" not in text
    assert "555" not in text
    assert json.loads(text)["address"] == "(personal)"


def test_a_valid_row_does_not_survive_an_invalid_one_with_its_key() -> None:
    rows = _rows(TABLES["orders"], 1)

    checked = _check(pl.concat([rows, _with_first(rows, price_minor=-1)]))

    assert checked.rows.is_empty()
    assert checked.reasons == {"duplicate key": 1, "out of bounds: price_minor": 1}


def test_a_quarantined_share_at_the_bound_passes_and_above_it_does_not() -> None:
    checked = _check(_with_first(_rows(TABLES["orders"], 4), price_minor=-1))

    checked.refuse_above(0.25)
    with pytest.raises(ContractError, match=r"orders of 2026-03-01: 1 of 4 rows .* out of bounds: price_minor \(1\)"):
        checked.refuse_above(0.24)


deliveries = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 2)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(deliveries, st.randoms(use_true_random=False))
def test_identical_rows_collapse_and_differing_ones_are_quarantined(lines: list[tuple[str, int]], shuffle: Any) -> None:
    rows = _rows(TABLES["orders"], len(lines)).with_columns(
        order_line_id=pl.Series([key for key, _ in lines], dtype=pl.String),
        price_minor=pl.Series([price for _, price in lines], dtype=pl.Int64),
    )
    order = list(range(len(lines)))
    shuffle.shuffle(order)

    checked, shuffled = _check(rows), _check(rows[order])

    prices: dict[str, set[int]] = {key: {price for other, price in lines if other == key} for key, _ in lines}
    landed = {(key, *prices[key]) for key in prices if len(prices[key]) == 1 and min(prices[key]) >= 0}
    assert set(checked.rows.select("order_line_id", "price_minor").iter_rows()) == landed
    assert checked.rows.height == len(landed)
    assert checked.delivered == len(lines)
    invalid = sum(price < 0 for _, price in lines)
    conflicting = sum(price >= 0 for key in prices if len(prices[key]) > 1 for price in prices[key])
    assert checked.quarantined.height == invalid + conflicting
    assert shuffled.reasons == checked.reasons
    assert_frame_equal(shuffled.rows, checked.rows, check_row_order=False)
