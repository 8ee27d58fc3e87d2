"""The days and weeks that have partitions, and how they grow while a code location stays loaded."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.partitions import ROOM_DAYS, daily, grown_until, weekly

FIRST = date(2024, 1, 1)
days = st.dates(FIRST + timedelta(days=60), date(2027, 12, 31))


def last_key(partitions: dg.TimeWindowPartitionsDefinition, today: date) -> date:
    """The last partition as Dagster sees it at noon of a day."""
    with dg.partition_loading_context(datetime(today.year, today.month, today.day, 12, tzinfo=UTC)):
        key = partitions.get_last_partition_key()
    assert key is not None
    return date.fromisoformat(key)


@given(today=days, behind=st.integers(0, 700), loaded_for=st.integers(0, 40))
def test_days_grow_by_one_a_day_and_have_room_for_what_a_past_world_is_given(
    today: date, behind: int, loaded_for: int
) -> None:
    last = max(FIRST, today - timedelta(days=1 + behind))

    partitions = daily(FIRST, last, today=today)

    assert last_key(partitions, today) == min(today - timedelta(days=1), last + timedelta(days=ROOM_DAYS))
    later = last_key(partitions, today + timedelta(days=loaded_for))
    assert later - last_key(partitions, today) == timedelta(days=loaded_for)


@given(today=days, behind=st.integers(0, 700))
def test_the_last_week_is_the_last_whole_one_of_the_days(today: date, behind: int) -> None:
    last = max(FIRST, today - timedelta(days=1 + behind))
    end = grown_until(last, today=today) + timedelta(days=1)

    week = last_key(weekly(FIRST, last, today=today), today)

    assert week.weekday() == 0
    assert timedelta(0) <= end - (week + timedelta(days=7)) < timedelta(days=7)


@pytest.mark.parametrize("last", [date(2024, 3, 3), date(2024, 3, 5)])
def test_a_marketplace_that_has_ended_has_no_day_after_its_last(last: date) -> None:
    today = date(2026, 1, 1)

    assert last_key(daily(FIRST, last, today=today, closed=True), today) == last
    assert last_key(weekly(FIRST, last, today=today, closed=True), today) == date(2024, 2, 26)


def test_where_nothing_is_delivered_days_go_up_to_yesterday() -> None:
    assert last_key(daily(FIRST, None, today=date(2026, 1, 1)), date(2026, 1, 1)) == date(2025, 12, 31)
