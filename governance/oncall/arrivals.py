"""Deliveries: days that are missing or late, tables that fell silent, and quarantines that fill up."""

from dataclasses import dataclass
from datetime import date, timedelta

from governance.automation.deliveries import pending
from governance.contracts.calendar import days_between, midnight, valid_at
from governance.oncall.bands import USUAL_DAYS, band
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.freshness import Level, raw_age
from governance.oncall.kinds import Kind
from governance.oncall.look import PLATFORM, Look

LANDING = "landing"
_RECENT_DAYS = 7


def late_days(look: Look) -> list[Finding]:
    """One finding for all days that should have landed and have not, whatever the table."""
    first = look.workspace.marketplace.first_day
    wanted = [day for day in days_between(first, look.expected_day) if day not in look.dropped]
    lake = look.workspace.lake
    missing = {table: _without(wanted, lake.days(f"raw/{table}")) for table in look.workspace.marketplace.tables}
    if not any(missing.values()):
        return []
    arrived = _about_to_land(look)
    missing = {table: [day for day in days if (table, day) not in arrived] for table, days in missing.items()}
    missing = {table: days for table, days in missing.items() if days}
    return [_late(look, missing)] if missing else []


def silent_tables(look: Look) -> list[Finding]:
    """A finding for each table whose days land without new rows."""
    return [finding for table in look.workspace.marketplace.tables if (finding := _silent(look, table))]


def quarantines(look: Look) -> list[Finding]:
    """A finding for each table of whose rows nearly as many break their contract as a day may have."""
    return [finding for table in look.workspace.marketplace.tables if (finding := _quarantine(look, table))]


def _about_to_land(look: Look) -> set[tuple[str, date]]:
    """Days of tables that arrived so lately that they have their hours of grace still, by the clock on the wall.

    Where days pass when they are delivered, many at once are all late by that clock at the moment in which they arrive.
    """
    workspace = look.workspace
    if workspace.marketplace.clock == "wall" or not workspace.source_root.is_dir():
        return set()
    since = look.wall - timedelta(hours=look.bounds.late_hours)
    return {(one.table, one.day) for one in pending(workspace) if one.usable and one.arrived and one.arrived > since}


def _without(wanted: list[date], landed: list[date]) -> list[date]:
    there = set(landed)
    return [day for day in wanted if day not in there]


def _late(look: Look, missing: dict[str, list[date]]) -> Finding:
    first = min(days[0] for days in missing.values())
    days = sorted({day for found in missing.values() for day in found})
    table = next(table for table, found in missing.items() if found[0] == first)
    others = f" and {len(missing) - 1} more table(s)" if len(missing) > 1 else ""
    # A hole in the past is a ticket; a newest day that does not come stops everything behind it.
    bounds = look.bounds
    stops = days[-1] == look.expected_day and look.late_by(days[-1]) > timedelta(hours=bounds.very_late_hours)
    stops = stops or len(_newest_days(days, look.expected_day)) > 1
    return Finding(
        kind=Kind.LATE_DATA,
        subject=LANDING,
        severity=Severity.SEV2 if stops else Severity.SEV3,
        owner=PLATFORM,
        what="days that have not landed:",
        why=_why(look, table, first),
        first_action=look.govern("run"),
        figure=Figure(len(days), Unit.COUNT),
        since=valid_at(first),
        where=f"{table} of {first}{others}",
    )


def _newest_days(days: list[date], expected: date) -> list[date]:
    """Those days that reach without a gap up to the newest expected one."""
    return [day for offset, day in enumerate(reversed(days)) if day == expected - timedelta(days=offset)]


def _why(look: Look, table: str, day: date) -> str:
    workspace = look.workspace
    if workspace.lake.path(f"quarantine/{table}", day).exists():
        return f"{table} of {day} was refused: more of its rows broke their contract than may be quarantined"
    last = workspace.last_delivered_day()
    if last is None or day > last:
        return f"{table} of {day} has not been delivered"
    return f"{table} of {day} was delivered, or should have been, and has not landed"


def _silent(look: Look, table: str) -> Finding | None:
    age = raw_age(look.workspace.lake, table, look.now)
    behind = look.workspace.lake.days(f"raw/{table}", first=look.expected_day)
    if age is None or age.level is Level.FRESH or not behind:
        return None
    return Finding(
        kind=Kind.LATE_DATA,
        subject=f"raw/{table}",
        severity=Severity.SEV2 if age.level is Level.ERROR else Severity.SEV3,
        owner=PLATFORM,
        what="newest row is old:",
        why=f"days of {table} land without rows, unlike on any of the last weeks; ask its owner",
        first_action=look.govern("run --dry-run"),
        figure=Figure(age.age.days, Unit.DAYS),
        since=age.newest,
    )


@dataclass(frozen=True, slots=True)
class _Quarantined:
    """What was delivered and quarantined of a table on one day."""

    day: date
    delivered: int
    quarantined: int

    @property
    def share(self) -> float:
        return self.quarantined / self.delivered if self.delivered else 0.0


def _quarantine(look: Look, table: str) -> Finding | None:
    lake, bound = look.workspace.lake, look.workspace.marketplace.quarantine_share_at_most
    first = look.now.date() - timedelta(days=_RECENT_DAYS)
    if not lake.days(f"quarantine/{table}", first=first):
        return None
    days = _counted(look, table, look.now.date() - timedelta(days=_RECENT_DAYS + USUAL_DAYS))
    newest = [one for one in days if one.day >= first]
    delivered, quarantined = sum(one.delivered for one in newest), sum(one.quarantined for one in newest)
    if not delivered or quarantined / delivered < look.bounds.quarantine_near * bound:
        return None
    before = [one.share for one in days if one.day < first]
    worst = max(newest, key=lambda one: one.share)
    return Finding(
        kind=Kind.QUARANTINE,
        subject=f"raw/{table}",
        severity=Severity.SEV3,
        owner=PLATFORM,
        what=f"rows quarantined in {_RECENT_DAYS} days",
        why=f"a day lands while at most {100 * bound:g} % of its rows break their contract; {_reasons(look, table)}",
        first_action=look.govern("run --dry-run"),
        figure=Figure(quarantined / delivered, Unit.SHARE, band(before) if before else None),
        since=midnight(next(one.day for one in newest if one.quarantined)),
        where=f"worst on {worst.day}",
    )


def _counted(look: Look, table: str, first: date) -> list[_Quarantined]:
    lake = look.workspace.lake
    days = lake.days(f"raw/{table}", first=first, last=look.now.date())
    facts = [(day, found.facts) for day in days if (found := lake.manifest(f"raw/{table}", day))]
    return [_Quarantined(day, known.get("delivered", 0), known.get("quarantined", 0)) for day, known in facts]


def _reasons(look: Look, table: str) -> str:
    """What the rows of the newest quarantine broke."""
    lake = look.workspace.lake
    days = lake.days(f"quarantine/{table}")
    found = lake.manifest(f"quarantine/{table}", days[-1]) if days else None
    listed = sorted((found.facts.get("reasons") or {}).items()) if found else []
    return "; ".join(f"{reason}: {count}" for reason, count in listed[:3]) or "the quarantine says why"
