"""The label ledger read anew from the raw partitions: compared with the present one, and put in its place.

A ledger that was damaged or lost is the reason. What labelers said is all in the raw partitions; what was believed
before a delivery was corrected is only in the old ledger, which is therefore kept aside and never deleted.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from governance.contracts.calendar import midnight
from governance.labels.definition import LabelDefinition
from governance.labels.ledger import SCHEMA, LabelLedger
from governance.labels.statements import stated
from governance.storage.digests import frame_digest
from governance.storage.lake import Lake

_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDifference:
    """How the ledger differs from the raw partitions in one label.

    Attributes
    ----------
    present, rebuilt
        Statements that are believed, in the present ledger and in the one read anew.
    missing, foreign
        Statements that the present one lacks, and that no raw partition makes.
    first_day
        The first day of knowledge with a difference, None where there is none.
    digest
        Of the statements of the ledger read anew.
    """

    label: str
    present: int
    rebuilt: int
    missing: int
    foreign: int
    first_day: date | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """What reading the ledger anew found: differences by label, and why the present one cannot be read if so.

    `aside` is where the old ledger lies, None where it stays in place.
    """

    labels: tuple[LabelDifference, ...]
    unreadable: str | None
    aside: Path | None

    @property
    def differs(self) -> bool:
        """Whether the present ledger is not what the raw partitions say."""
        return self.unreadable is not None or any(one.first_day for one in self.labels)


def reload_ledger(
    lake: Lake,
    path: Path,
    definitions: Sequence[LabelDefinition],
    days: Sequence[date],
    *,
    before_swap: Callable[[LabelLedger, Reload], None] = lambda _ledger, _found: None,
    dry_run: bool = False,
) -> Reload:
    """Read the ledger at `path` anew; where it differs put the new one in its place, else change nothing.

    Readers find the old ledger or the new one. Nobody else may write labels meanwhile.

    Parameters
    ----------
    before_swap
        Does with the new ledger what depends on it: a kill in between then leaves the old one, and all is done again.
    """
    new = path.with_name(f"{path.name}.rebuilt")
    _remove(new)
    try:
        rebuilt = _read_anew(lake, new, definitions, days)
        present, unreadable = _present(path, definitions)
        labels = tuple(_difference(one.name, present[one.name], rebuilt[one.name]) for one in definitions)
        found = Reload(labels=labels, unreadable=unreadable, aside=None)
        if not found.differs or dry_run:
            return found
        before_swap(LabelLedger(new), found)
        return replace(found, aside=_swap(path, new, readable=unreadable is None))
    finally:
        _remove(new)


def _read_anew(
    lake: Lake, path: Path, definitions: Sequence[LabelDefinition], days: Sequence[date]
) -> dict[str, pl.DataFrame]:
    ledger = LabelLedger(path)
    for day in days:
        start, end = midnight(day), midnight(day + timedelta(days=1))
        for definition in definitions:
            ledger.replace(definition.name, start=start, end=end, statements=stated(lake, definition, day))
    return _believed(ledger, definitions)


def _present(path: Path, definitions: Sequence[LabelDefinition]) -> tuple[dict[str, pl.DataFrame], str | None]:
    nothing = {definition.name: SCHEMA.to_frame() for definition in definitions}
    if not path.exists():
        return nothing, f"there is no ledger at {path}"
    try:
        return _believed(LabelLedger(path), definitions), None
    except sqlite3.DatabaseError as error:
        return nothing, f"{path} cannot be read: {error}"


def _believed(ledger: LabelLedger, definitions: Sequence[LabelDefinition]) -> dict[str, pl.DataFrame]:
    return {one.name: ledger.between(one.name, start=_BEGINNING, end=_END) for one in definitions}


def _difference(label: str, present: pl.DataFrame, rebuilt: pl.DataFrame) -> LabelDifference:
    missing = rebuilt.join(present, on=SCHEMA.names(), how="anti", nulls_equal=True)
    foreign = present.join(rebuilt, on=SCHEMA.names(), how="anti", nulls_equal=True)
    first = pl.concat([missing, foreign])["known_at"].min()
    return LabelDifference(
        label=label,
        present=present.height,
        rebuilt=rebuilt.height,
        missing=missing.height,
        foreign=foreign.height,
        first_day=first.date() if isinstance(first, datetime) else None,
        digest=frame_digest(rebuilt, key=SCHEMA.names()),
    )


def _swap(path: Path, new: Path, *, readable: bool) -> Path | None:
    """Put the new ledger in the place of the old one and return where the old one is kept."""
    for book in (path, new) if readable else (new,):
        with closing(sqlite3.connect(book, timeout=60)) as connection:
            # A write-ahead log left beside the new file would be played into it.
            connection.execute("PRAGMA journal_mode=DELETE")
    aside = _keep_aside(path) if path.exists() else None
    new.replace(path)
    return aside


def _keep_aside(path: Path) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    aside = path.parent / "aside" / f"{path.stem}-{digest[:12]}{path.suffix}"
    aside.parent.mkdir(exist_ok=True)
    for suffix in ("-wal", "-shm"):
        if (log := path.with_name(path.name + suffix)).exists():
            log.replace(aside.with_name(aside.name + suffix))
    if not aside.exists():
        os.link(path, aside)
    return aside


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
