"""Landing: a marketplace's rows checked, personal values hashed, written as daily partitions with what was left out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

import polars as pl

from governance.contracts.personal import KeyedHash
from governance.contracts.schema import Table
from governance.contracts.tables import TABLES
from governance.contracts.validation import QUARANTINE_KEY, Checked, check_days
from governance.errors import InputError, SourceError
from governance.marketplaces.marketplace import Marketplace
from governance.marketplaces.source import Exclusion, Source
from governance.marketplaces.withdrawals import Withdrawals
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake

CODE_VERSION = "2"
"""Raised when landing, validation, casting, rules, hashing or the source give other rows for the same files."""

_DAYS_AT_ONCE = 100
"""Days that are checked in one pass: enough to spread Pandera's 30 ms, few enough to commit steadily."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedDay:
    """What became of one day's delivery."""

    day: date
    rows: int
    quarantined: int
    collapsed: int
    reasons: dict[str, int]
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingReport:
    """What landing a table did: days written, days found up to date, days that failed and why."""

    table: str
    landed: tuple[LandedDay, ...]
    up_to_date: tuple[date, ...]
    failures: dict[date, str]

    @property
    def rows(self) -> int:
        """Rows landed."""
        return sum(day.rows for day in self.landed)

    @property
    def quarantined(self) -> int:
        """Rows quarantined on the days that landed."""
        return sum(day.quarantined for day in self.landed)

    @property
    def collapsed(self) -> int:
        """Rows that said the same as another one of their day."""
        return sum(day.collapsed for day in self.landed)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What the SQL left out of the days that landed."""
        return tuple(exclusion for day in self.landed for exclusion in day.exclusions)


def plan(
    lake: Lake, marketplace: Marketplace, source: Source, days: Iterable[date], *, key_id: str
) -> dict[str, list[date]]:
    """The days of each table whose partition is missing or made from something else; tables without any are absent.

    Looks at manifests and file times only: 3,000 partitions take well under a second.
    """
    asked = list(days)
    stale = {table: _stale(lake, source, table, asked, key_id=key_id) for table in marketplace.tables}
    return {table: list(wanted) for table, wanted in stale.items() if wanted}


def stale_days(lake: Lake, source: Source, table: str, days: Iterable[date], *, key_id: str) -> list[date]:
    """The days of one table whose partition is missing or made from something else."""
    return list(_stale(lake, source, table, list(days), key_id=key_id))


def land(
    lake: Lake,
    marketplace: Marketplace,
    source: Source,
    table: str,
    days: Iterable[date],
    *,
    now: datetime,
    keyed_hash: KeyedHash,
    on_day: Callable[[date], None] | None = None,
) -> LandingReport:
    """Land the days of a table that are not up to date, one partition after the other.

    A day that cannot be read or breaks its contract too often is named in `failures` and keeps its
    older partition, while the others land; its quarantined rows can be read in `quarantine/<table>`.
    `on_day` is called after each day that was tried.

    Raises
    ------
    InputError
        An undated source cannot be read at all; nothing changed.
    """
    asked = list(days)
    stale = _stale(lake, source, table, asked, key_id=keyed_hash.key_id)
    lander = _Lander(lake, marketplace, source, TABLES[table], keyed_hash)
    landed: list[LandedDay] = []
    failures: dict[date, str] = {}
    for day, outcome in _outcomes(source, TABLES[table], list(stale), now=now):
        try:
            landed.append(lander.land(day, outcome, fingerprint=stale[day]))
        except InputError as error:
            failures[day] = str(error)
        if on_day is not None:
            on_day(day)
    up_to_date = tuple(day for day in asked if day not in stale)
    return LandingReport(table=table, landed=tuple(landed), up_to_date=up_to_date, failures=failures)


def _stale(lake: Lake, source: Source, table: str, days: Sequence[date], *, key_id: str) -> dict[date, str]:
    """The days that need landing, each with the fingerprint that its partition will have; not what was withdrawn."""
    marks = {day: fingerprint(CODE_VERSION, key_id, source.fingerprint(table, day)) for day in days}
    stale = {day: mark for day, mark in marks.items() if _landed_from(lake, table, day) != mark}
    withdrawn = Withdrawals(lake)
    held_back = withdrawn.holds_back(table, [day for day in withdrawn.days() if day in stale], source)
    return {day: mark for day, mark in stale.items() if day not in held_back}


def _landed_from(lake: Lake, table: str, day: date) -> str | None:
    manifest = lake.manifest(f"raw/{table}", day)
    return None if manifest is None else manifest.fingerprint


def _outcomes(
    source: Source, table: Table, days: Sequence[date], *, now: datetime
) -> Iterator[tuple[date, Checked | InputError]]:
    """Read and check the days, many at once, and hand them over one by one."""
    deliveries = source.deliveries(table.name, days)
    while batch := dict(islice(deliveries, _DAYS_AT_ONCE)):
        errors = {day: rows for day, rows in batch.items() if isinstance(rows, SourceError)}
        readable = {day: rows for day, rows in batch.items() if isinstance(rows, pl.DataFrame)}
        checked = check_days(table, readable, now=now)
        yield from ((day, errors[day] if day in errors else checked[day]) for day in batch)


@dataclass(frozen=True, slots=True)
class _Lander:
    """Writes the partitions of one table."""

    lake: Lake
    marketplace: Marketplace
    source: Source
    table: Table
    keyed_hash: KeyedHash

    def land(self, day: date, outcome: Checked | InputError, *, fingerprint: str) -> LandedDay:
        """Write one day; quarantined rows come first, because a day that is refused leaves them to look at."""
        if isinstance(outcome, InputError):
            raise outcome
        exclusions = self._exclusions(day)
        self._quarantine(outcome, fingerprint=fingerprint)
        outcome.refuse_above(self.marketplace.quarantine_share_at_most)
        self.lake.write(
            f"raw/{self.table.name}",
            day,
            self.keyed_hash.columns(outcome.rows, self.table.personal),
            key=self.table.key,
            fingerprint=fingerprint,
            facts=_facts(outcome, exclusions),
        )
        return LandedDay(
            day=day,
            rows=outcome.rows.height,
            quarantined=outcome.quarantined.height,
            collapsed=outcome.collapsed,
            reasons=outcome.reasons,
            exclusions=exclusions,
        )

    def _quarantine(self, checked: Checked, *, fingerprint: str) -> None:
        dataset = f"quarantine/{self.table.name}"
        if checked.quarantined.is_empty():
            self.lake.delete(dataset, checked.day)
            return
        facts = {"reasons": checked.reasons}
        self.lake.write(
            dataset, checked.day, checked.quarantined, key=QUARANTINE_KEY, fingerprint=fingerprint, facts=facts
        )

    def _exclusions(self, day: date) -> tuple[Exclusion, ...]:
        """What the SQL left out of this day; for an undated source the first day speaks for all of them."""
        if self.marketplace.dated:
            return self.source.exclusions(self.table.name, day)
        return self.source.exclusions(self.table.name) if day == self.marketplace.first_day else ()


def _facts(checked: Checked, exclusions: Iterable[Exclusion]) -> dict[str, Any]:
    newest, oldest = checked.rows["known_at"].max(), checked.rows["occurred_at"].min()
    return {
        "delivered": checked.delivered,
        "quarantined": checked.quarantined.height,
        "reasons": checked.reasons,
        "collapsed": checked.collapsed,
        "unknown_columns": list(checked.unknown_columns),
        "filled_columns": list(checked.filled_columns),
        "newest_known_at": newest.isoformat() if isinstance(newest, datetime) else None,
        "oldest_occurred_at": oldest.isoformat() if isinstance(oldest, datetime) else None,
        "exclusions": [asdict(exclusion) for exclusion in exclusions],
    }
