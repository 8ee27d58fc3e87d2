"""The constants of time that features, labels and their tests share: UTC days, windows, landing delay."""

from datetime import UTC, date, datetime, time, timedelta

WINDOW_DAYS = (1, 7, 30, 90)
"""Lengths of the feature windows, in UTC days; lifetime comes beside them."""

LANDING_DELAY = timedelta(hours=2)
"""A day's features become valid this long after the midnight that ends it, when the day has landed."""


def midnight(day: date) -> datetime:
    """The start of a UTC day.

    >>> midnight(date(2026, 1, 2)).isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    return datetime.combine(day, time(), tzinfo=UTC)


def valid_at(day: date) -> datetime:
    """When the features of a landed day become valid: the midnight after it plus the landing delay.

    >>> valid_at(date(2026, 1, 1)).isoformat()
    '2026-01-02T02:00:00+00:00'
    """
    return midnight(day + timedelta(days=1)) + LANDING_DELAY


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
