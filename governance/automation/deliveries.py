"""What has been delivered and not landed: new days, late ones, days delivered again, and files that were refused."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl

from governance.marketplaces.landing import CODE_VERSION, plan
from governance.marketplaces.marketplace import Marketplace
from governance.marketplaces.pace import Pace
from governance.marketplaces.source import Source
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake
from governance.workspace import Workspace

Kind = Literal["new", "late", "again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A day of a table that is not landed as it stands at the source.

    Attributes
    ----------
    kind
        `new`: no later day has landed. `late`: one has. `again`: the day itself has, from other files.
    arrived
        When its newest file was written, None where a file is missing.
    refused
        Just these files were refused before; they are not tried again until they are delivered again.
    mark
        Fingerprint of the files.
    """

    table: str
    day: date
    kind: Kind
    arrived: datetime | None
    refused: bool
    mark: str

    @property
    def usable(self) -> bool:
        """Whether landing it could succeed."""
        return self.arrived is not None and not self.refused


@dataclass(frozen=True, slots=True)
class Wave:
    """Deliveries that are to land together, or the sentence that says what they wait for."""

    deliveries: tuple[Delivery, ...] = ()
    waits: str = ""

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of it."""
        days = [one.day for one in self.deliveries]
        return min(days), max(days)


def pending(workspace: Workspace) -> list[Delivery]:
    """Everything that is not landed as it stands at the source, by day and table."""
    lake, market = workspace.lake, workspace.marketplace
    landed = {table: set(lake.days(f"raw/{table}")) for table in market.tables}
    files = {table: _files_of(market, table) for table in market.tables}
    newest = max((day for days in landed.values() for day in days), default=date.min)
    with workspace.source() as source:
        stale = plan(lake, market, source, workspace.days(), key_id=workspace.keyed_hash.key_id)
        found = [
            Delivery(
                table=table,
                day=day,
                kind="again" if day in landed[table] else "late" if day <= newest else "new",
                arrived=_arrived(source.root, market, files[table], day),
                refused=_refused(lake, table, day) == (mark := mark_of(source, table, day)),
                mark=mark,
            )
            for table, days in stale.items()
            for day in days
        ]
    return sorted(found, key=lambda one: (one.day, one.table))


def new_days(found: Iterable[Delivery], *, now: datetime, pace: Pace, closing: bool) -> Wave:
    """The new days that may land now, in order: the first one that is not whole holds back those behind it.

    Parameters
    ----------
    closing
        The hour has come at which days are closed: one that has not got whole within the patience of the
        marketplace lands as it is, so that it holds back nothing any more.
    """
    new = [one for one in found if one.kind == "new"]
    taken: list[Delivery] = []
    for day in sorted({one.day for one in new}):
        here = [one for one in new if one.day == day]
        missing = [one.table for one in here if one.arrived is None]
        since = min((one.arrived for one in new if one.day >= day and one.arrived), default=now)
        patient = now - since < timedelta(hours=pace.patience_hours)
        if missing and (patient or not closing):
            return _wave(taken, f"{day} lacks {_listed(missing)}: it is closed at {pace.daily_at}, until then it waits")
        if _arriving(here, now, pace):
            return _wave(taken, f"files of {day} are still arriving")
        taken += [one for one in here if one.usable]
    return Wave(tuple(taken))


def changed_days(found: Iterable[Delivery], *, now: datetime, pace: Pace) -> Wave:
    """The late days and those delivered again, all together, once their files have settled."""
    changed = [one for one in found if one.kind != "new" and one.usable]
    return (
        Wave(waits="files of older days are still arriving") if _arriving(changed, now, pace) else Wave(tuple(changed))
    )


def refused(found: Iterable[Delivery]) -> list[Delivery]:
    """What waits for its owner to deliver it again."""
    return [one for one in found if one.refused]


def remember_refusal(lake: Lake, table: str, day: date, *, mark: str, reason: str) -> None:
    """Note that these files were refused, and why."""
    frame = pl.DataFrame({"reason": [reason]})
    lake.write(_refusals(table), day, frame, key=["reason"], fingerprint=mark, facts={"reason": reason})


def forget_refusal(lake: Lake, table: str, day: date) -> None:
    """The day has landed after all."""
    lake.delete(_refusals(table), day)


def mark_of(source: Source, table: str, day: date) -> str:
    """What the files of a day are known by; another version of landing looks at them again."""
    return fingerprint(CODE_VERSION, source.fingerprint(table, day))


def _wave(taken: Sequence[Delivery], waits: str) -> Wave:
    return Wave(tuple(taken)) if taken else Wave(waits=waits)


def _arriving(deliveries: Iterable[Delivery], now: datetime, pace: Pace) -> bool:
    settled = now - timedelta(seconds=pace.settle_seconds)
    return any(one.arrived and one.arrived > settled for one in deliveries)


def _files_of(market: Marketplace, table: str) -> set[str]:
    """The names under which a table's SQL, and the SQL of tables that it reads, see the owner's files."""
    sql = market.sql(table)
    own = set(re.findall(r"\bsource\.(\w+)", sql)) & market.files.keys()
    below = set(re.findall(r"\bcontract\.(\w+)", sql)) & set(market.tables) - {table}
    return own.union(*(_files_of(market, each) for each in below))


def _arrived(root: Path, market: Marketplace, files: Iterable[str], day: date) -> datetime | None:
    paths = [root / market.files[name].replace("{day}", day.isoformat()) for name in files]
    times = [path.stat().st_mtime for path in paths if path.exists()]
    return datetime.fromtimestamp(max(times), UTC) if times and len(times) == len(paths) else None


def _refused(lake: Lake, table: str, day: date) -> str | None:
    manifest = lake.manifest(_refusals(table), day)
    return manifest.fingerprint if manifest else None


def _refusals(table: str) -> str:
    return f"refused/{table}"


def _listed(tables: Sequence[str]) -> str:
    return ", ".join(tables[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else "")
