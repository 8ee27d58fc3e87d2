"""The days and weeks that assets are partitioned by; a week's key is its first day, its `as_of` the day after it."""

from datetime import date, timedelta

import dagster as dg

from governance.contracts.calendar import days_between

_WHOLE_HISTORY_WEEKS = 520
ROOM_DAYS = 28
"""How many days may be delivered to a world of the past before its code location must be loaded again."""


def daily(first: date, last: date | None, *, today: date, closed: bool = False) -> dg.DailyPartitionsDefinition:
    """UTC days from `first` on, as far as `grown_until` says `today`; to `last` and no further where it is `closed`."""
    if closed and last:
        end = (last + timedelta(days=1)).isoformat()
        return dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_date=end, timezone="UTC")
    behind = (today - timedelta(days=1) - grown_until(last, today=today)).days
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_offset=-behind, timezone="UTC")


def weekly(first: date, last: date | None, *, today: date, closed: bool = False) -> dg.WeeklyPartitionsDefinition:
    """Weeks from Monday to Sunday, the last one whole within the days of `daily`."""
    if closed and last:
        end = (last + timedelta(days=1)).isoformat()
        return dg.WeeklyPartitionsDefinition(start_date=first.isoformat(), end_date=end, day_offset=1, timezone="UTC")
    behind = (_monday(today) - _monday(grown_until(last, today=today) + timedelta(days=1))).days // 7
    return dg.WeeklyPartitionsDefinition(start_date=first.isoformat(), end_offset=-behind, day_offset=1, timezone="UTC")


def grown_until(last: date | None, *, today: date) -> date:
    """The last day that has a partition where `last` is the newest delivered one.

    A definition is fixed when a code location is loaded, and the location stays loaded for weeks. Where days are
    delivered as they pass, partitions simply go up to yesterday. A world of the past would show years of empty
    days, so there they end some weeks after the last delivered day: room for what is released while it is loaded.
    """
    yesterday = today - timedelta(days=1)
    return min(yesterday, last + timedelta(days=ROOM_DAYS)) if last else yesterday


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def history() -> dg.TimeWindowPartitionMapping:
    """A week needs every day up to its end."""
    return dg.TimeWindowPartitionMapping(start_offset=-_WHOLE_HISTORY_WEEKS, allow_nonexistent_upstream_partitions=True)


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The days of this run: one partition or a range."""
    window = context.partition_time_window
    return days_between(window.start.date(), window.end.date() - timedelta(days=1))


def as_of(context: dg.AssetExecutionContext) -> date:
    """The excluded end of this run's week."""
    end: date = context.partition_time_window.end.date()
    return end


def week_key(as_of: date) -> str:
    """The partition key of the week that ends before `as_of`.

    >>> week_key(date(2026, 1, 12))
    '2026-01-05'
    """
    return (as_of - timedelta(weeks=1)).isoformat()
