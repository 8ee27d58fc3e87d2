"""How old the newest event is, by the clock of the marketplace, and whether that is too old."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from governance.contracts.calendar import valid_at
from governance.storage.lake import Lake

DAILY_WARN, DAILY_ERROR = timedelta(hours=30), timedelta(hours=54)
"""Just before the next day lands, the newest event is a day and the landing delay old."""

WEEKLY_WARN, WEEKLY_ERROR = timedelta(days=8), timedelta(days=15)
"""Just before the next week's candidate, the newest one is a week old."""

_RHYTHM_DAYS = 28
_SPEAKS_OFTEN = 0.8


class Level(StrEnum):
    """Whether an age is as it should be."""

    FRESH = "fresh"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Age:
    """The newest event time in some data, how old it is, and what would be too old."""

    newest: datetime
    age: timedelta
    warn_after: timedelta
    error_after: timedelta

    @property
    def level(self) -> Level:
        """Fresh, or beyond the one bound or the other."""
        if self.age > self.error_after:
            return Level.ERROR
        return Level.WARN if self.age > self.warn_after else Level.FRESH

    @property
    def hours(self) -> float:
        """The age in hours."""
        return self.age.total_seconds() / 3600


def daily(newest: datetime, now: datetime, *, rhythm_days: int = 1) -> Age:
    """The age of data that comes every day, or every `rhythm_days`."""
    slack = timedelta(days=rhythm_days - 1)
    return Age(newest, now - newest, DAILY_WARN + slack, DAILY_ERROR + slack)


def weekly(newest: datetime, now: datetime) -> Age:
    """The age of data that comes every week."""
    return Age(newest, now - newest, WEEKLY_WARN, WEEKLY_ERROR)


def raw_age(lake: Lake, table: str, now: datetime) -> Age | None:
    """The age of the newest row of a raw table; None where it has no rows yet.

    A table that has rows on nearly every day is allowed the longest silence of its last weeks on top. Of one that
    speaks seldom silence says nothing (appeals of a small marketplace pause for a week): the newest day that landed
    counts, with or without rows.
    """
    with_rows = _newest_with_rows(lake, f"raw/{table}", last=now.date())
    if with_rows is None:
        return None
    day, newest = with_rows
    age = daily(newest, now)
    if age.level is Level.FRESH:
        return age
    rhythm = _rhythm(lake, f"raw/{table}", day)
    if rhythm is None:
        return daily(valid_at(lake.days(f"raw/{table}", last=now.date())[-1]), now)
    return daily(newest, now, rhythm_days=rhythm)


def _newest_with_rows(lake: Lake, dataset: str, *, last: date) -> tuple[date, datetime] | None:
    for day in reversed(lake.days(dataset, last=last)):
        manifest = lake.manifest(dataset, day)
        if manifest and manifest.facts.get("newest_known_at"):
            return day, datetime.fromisoformat(manifest.facts["newest_known_at"])
    return None


def _rhythm(lake: Lake, dataset: str, last: date) -> int | None:
    """The longest step between days with rows, over the weeks up to `last`; None where many days have none."""
    days = lake.days(dataset, first=last - timedelta(days=_RHYTHM_DAYS), last=last)
    filled = [day for day in days if (found := lake.manifest(dataset, day)) and found.rows]
    if len(filled) < _SPEAKS_OFTEN * len(days):
        return None
    return max(((after - before).days for before, after in pairwise(filled)), default=1)
