"""Which decisions are labelled: order lines, and active sellers until an enforcement stops them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_events import land_day, raw_row

from governance.contracts.calendar import days_between, midnight, valid_at
from governance.errors import ConfigurationError
from governance.labels.decisions import (
    ACTIVE_DAYS,
    SCHEMA,
    active_sellers,
    days_to_read,
    days_until_matured,
    decisions_of,
    sampled,
    stops,
)
from governance.labels.definition import label_definitions
from governance.storage.lake import Lake

DAY = date(2025, 5, 20)
CLAIM, FRAUD = (label_definitions()[name] for name in ("claim", "merchant_fraud"))
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def order(line: str, seller: str, at: datetime, **values: Any) -> dict[str, Any]:
    ids = {"order_line_id": line, "order_id": f"order of {line}", "seller_id": seller}
    return raw_row("orders", **(ids | {"occurred_at": at, "known_at": at} | values))


def place(lake: Lake, *orders: dict[str, Any]) -> None:
    for day in sorted({row["known_at"].date() for row in orders}):
        land_day(lake, "orders", day, [row for row in orders if row["known_at"].date() == day])


def stop(lake: Lake, *, known_at: datetime, expires_at: datetime | None = None, action: str = "hold") -> None:
    values = {"subject_id": "s", "action": action, "known_at": known_at, "expires_at": expires_at}
    land_day(lake, "enforcements", known_at.date(), [raw_row("enforcements", **values)])


def sellers(lake: Lake, day: date = DAY) -> list[str]:
    return active_sellers(lake, day, stops(lake, day))["entity_id"].to_list()


def noon(day: date) -> datetime:
    return midnight(day) + timedelta(hours=12)


def test_an_order_line_is_decided_at_its_checkout(lake: Lake) -> None:
    late = noon(DAY - timedelta(days=3))
    place(
        lake,
        order("a", "s", late, known_at=noon(DAY), price_minor=101, reference_rate=0.5, weight=2.5, category="toys"),
        order("b", "t", noon(DAY)),
    )
    found = decisions_of(lake, CLAIM, DAY, stops(lake, DAY))
    assert found.schema == SCHEMA
    assert found.row(0, named=True) == {
        "row_id": "a",
        "entity_id": "a",
        "alternative_id": "order of a",
        "group_id": "s",
        "decided_at": late,
        "market": "any",
        "category": "toys",
        "amount_minor": 51,
        "weight": 2.5,
    }
    assert found["row_id"].to_list() == ["a", "b"]
    assert (days_to_read(CLAIM), days_until_matured(CLAIM)) == (1, 21)


def test_a_seller_is_decided_when_the_day_has_landed_with_what_it_sold_in_seven_days(lake: Lake) -> None:
    place(
        lake,
        order("a", "s", noon(DAY - timedelta(days=6)), price_minor=101, reference_rate=0.5, category="toys"),
        order("b", "s", noon(DAY), price_minor=200, category="books", market="MX"),
        order("c", "s", noon(DAY), price_minor=300, category="shoes", market="ID"),
        order("d", "s", noon(DAY - timedelta(days=7)), price_minor=1_000_000),
    )
    assert active_sellers(lake, DAY, stops(lake, DAY)).to_dicts() == [
        {
            "row_id": "s@2025-05-20",
            "entity_id": "s",
            "alternative_id": None,
            "group_id": "s",
            "decided_at": valid_at(DAY),
            "market": "ID",
            "category": "shoes",
            "amount_minor": 51 + 200 + 300,
            "weight": 1.0,
        }
    ]
    assert (days_to_read(FRAUD), days_until_matured(FRAUD)) == (7, 31)


@pytest.mark.parametrize(("days_ago", "active"), [(0, True), (ACTIVE_DAYS - 1, True), (ACTIVE_DAYS, False)])
def test_a_seller_is_active_for_seven_days_after_an_order(lake: Lake, days_ago: int, active: bool) -> None:
    place(lake, order("a", "s", noon(DAY - timedelta(days=days_ago))), order("z", "other", noon(DAY)))
    assert ("s" in sellers(lake)) is active


@given(seller=st.text(min_size=1, max_size=12), start=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_seller_is_sampled_on_one_day_of_any_seven(seller: str, start: date) -> None:
    assert sum(sampled(seller, day) for day in days_between(start, start + timedelta(days=6))) == 1


def test_sampled_decisions_are_a_seventh_of_the_active_sellers(lake: Lake) -> None:
    names = [f"seller-{number}" for number in range(210)]
    place(lake, *(order(f"line of {name}", name, noon(DAY)) for name in names))
    found: Counter[str] = Counter()
    for day in days_between(DAY, DAY + timedelta(days=6)):
        land_day(lake, "orders", day, lake.read("raw/orders", [DAY]).to_dicts() if day == DAY else [])
        chosen = decisions_of(lake, FRAUD, day, stops(lake, day))["entity_id"].to_list()
        assert set(chosen) <= set(sellers(lake, day))
        assert 10 <= len(chosen) <= 50
        found.update(chosen)
    assert found == dict.fromkeys(names, 1)


@pytest.mark.parametrize(
    ("known_at", "expires_at", "action", "decided"),
    [
        (noon(DAY), None, "ban", False),
        (noon(DAY), None, "removal", False),
        (noon(DAY), None, "warning", True),
        (noon(DAY), None, "limit", True),
        (midnight(DAY + timedelta(days=1)) - MICROSECOND, None, "hold", False),
        (midnight(DAY + timedelta(days=1)), None, "hold", True),
        (noon(DAY - timedelta(days=200)), None, "ban", False),
        (noon(DAY), valid_at(DAY) + MICROSECOND, "hold", False),
        (noon(DAY), valid_at(DAY), "hold", True),
    ],
    ids=[
        "banned",
        "removed",
        "warned",
        "limited",
        "held in the last microsecond of the day",
        "held at the midnight after it",
        "banned long ago",
        "held until just after the decision",
        "held until the decision",
    ],
)
def test_enforcements_in_force_stop_a_sellers_decisions(
    lake: Lake, known_at: datetime, expires_at: datetime | None, action: str, decided: bool
) -> None:
    place(lake, order("a", "s", noon(DAY)))
    stop(lake, known_at=known_at, expires_at=expires_at, action=action)
    assert sellers(lake) == (["s"] if decided else [])


def test_stops_are_those_known_by_the_end_of_the_day_and_none_where_nothing_is_enforced(lake: Lake) -> None:
    assert stops(lake, DAY).is_empty()
    stop(lake, known_at=noon(DAY + timedelta(days=1)))
    assert stops(lake, DAY).is_empty()
    assert stops(lake, DAY + timedelta(days=1)).row(0) == ("s", noon(DAY + timedelta(days=1)), None)


@pytest.mark.parametrize("definition", [CLAIM, FRAUD], ids=["claim", "merchant_fraud"])
def test_a_day_without_orders_has_no_decisions(lake: Lake, definition: Any) -> None:
    place_nothing: Sequence[dict[str, Any]] = []
    land_day(lake, "orders", DAY, place_nothing)
    found = decisions_of(lake, definition, DAY, stops(lake, DAY))
    assert found.is_empty()
    assert found.schema == SCHEMA


def test_an_unknown_kind_of_decision_is_refused_by_name(lake: Lake) -> None:
    with pytest.raises(ConfigurationError, match=r"label claim: decisions = 'sessions' is not one of .*order_lines"):
        decisions_of(lake, replace(CLAIM, decisions="sessions"), DAY, pl.DataFrame())
