"""The days and weeks that assets are partitioned by; a week's key is its first day, its `as_of` the day after it."""

from datetime import date, timedelta

import dagster as dg

from governance.contracts.calendar import days_between

_WHOLE_HISTORY_WEEKS = 520


def daily(first: date, last: date | None) -> dg.DailyPartitionsDefinition:
    """UTC days from `first` to `last`, or to today."""
    end = (last + timedelta(days=1)).isoformat() if last else None
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_date=end, timezone="UTC")


def weekly(first: date, last: date | None) -> dg.WeeklyPartitionsDefinition:
    """Weeks from Monday to Sunday, the last one whole."""
    end = (last + timedelta(days=1)).isoformat() if last else None
    return dg.WeeklyPartitionsDefinition(start_date=first.isoformat(), end_date=end, day_offset=1, timezone="UTC")


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
