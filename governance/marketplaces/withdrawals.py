"""Days that people withdrew: their raw partitions are kept aside, and the same delivery does not land again.

withdrawn/ledger/<day>.json                   what people said of a day, oldest first, appended by compare-and-set
withdrawn/<table>/<partition>/dt=<day>/...    a partition that was withdrawn, by the beginning of its fingerprint

Nothing is deleted: a day that is restored gets back the very partitions that were withdrawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from governance.errors import ConflictError, InputError
from governance.marketplaces.source import Source
from governance.release.documents import checked, decode, encode, read_time
from governance.storage.lake import Lake, Manifest
from governance.storage.objects import LocalObjects

_WORDS = {"words": (list,)}
_WORD = {"withdrawn": (bool,), "tables": (dict,), "who": (str,), "reason": (str,), "at": (str,)}
_DELIVERY = {"stamp": (str,), "content": (str,), "partition": (str, type(None))}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a table's day was when it was withdrawn.

    `stamp` knows its files by size and time, `content` by their bytes; `partition` is the fingerprint of what had
    landed, None where nothing had.
    """

    stamp: str
    content: str
    partition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person said of a day: `withdrawn` with its deliveries by table, or restored."""

    withdrawn: bool
    tables: Mapping[str, Delivery]
    who: str
    reason: str
    at: datetime


class Withdrawals:
    """The withdrawn days of a lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._ledger = LocalObjects(lake.root / "withdrawn" / "ledger")

    def words(self, day: date) -> tuple[Word, ...]:
        """All that was said of a day, oldest first."""
        return self._read(day)[0]

    def days(self) -> list[date]:
        """The days that are withdrawn now."""
        said = (date.fromisoformat(key.removesuffix(".json")) for key in self._ledger.list())
        return [day for day in said if self.standing(day)]

    def standing(self, day: date) -> tuple[Word, ...]:
        """The withdrawals of a day that are in force: those since it was last restored."""
        words = self.words(day)
        restored = max((number for number, word in enumerate(words) if not word.withdrawn), default=-1)
        return words[restored + 1 :]

    def holds_back(self, table: str, days: Sequence[date], source: Source) -> set[date]:
        """Those of the days whose present delivery is one that was withdrawn."""
        found = {day: [word.tables[table] for word in self.standing(day) if table in word.tables] for day in days}
        return {day for day, deliveries in found.items() if deliveries and _same(source, table, day, deliveries)}

    def plan(self, day: date, tables: Sequence[str], source: Source) -> dict[str, Delivery]:
        """The deliveries that withdrawing a day would add to those that are withdrawn already; empty where none."""
        standing = self.standing(day)
        present = {table: self._delivery(table, day, source) for table in tables}
        known = {table: {word.tables[table].content for word in standing if table in word.tables} for table in tables}
        fresh = any(one.content not in known[table] for table, one in present.items())
        return present if fresh else {}

    def withdraw(
        self, day: date, tables: Sequence[str], source: Source, *, who: str, reason: str, at: datetime
    ) -> dict[str, int]:
        """Put a day's partitions aside and return the rows by table that left; where it is withdrawn, change nothing.

        What a kill left undone, the next one does.

        Raises
        ------
        InputError
            Nobody signs for it.
        ConflictError
            Somebody spoke of this day at the same moment.
        """
        _require_signature(who, reason, at)
        if added := self.plan(day, tables, source):
            # Said before it is done: landing must not bring back what is on its way out.
            self._say(day, Word(withdrawn=True, tables=added, who=who, reason=reason, at=at))
        return self._put_aside(day)

    def restore(self, day: date, *, who: str, reason: str, at: datetime) -> dict[str, int]:
        """Bring back the partitions of a withdrawn day and return their rows by table; otherwise change nothing.

        Where another delivery has landed since, that one stays.
        """
        _require_signature(who, reason, at)
        standing = self.standing(day)
        if not standing:
            return {}
        moved = self._put_back(day, standing)
        # Said after it is done: a kill in between leaves a day that can be restored again.
        self._say(day, Word(withdrawn=False, tables={}, who=who, reason=reason, at=at))
        return moved

    def manifests_leaving(self, day: date, tables: Sequence[str], source: Source) -> dict[str, Manifest]:
        """By table the partitions that withdrawing a day would put aside."""
        added = self.plan(day, tables, source)
        return self._leaving(day, _asides(self.standing(day)) | _places(added))

    def manifests_aside(self, day: date) -> dict[str, Manifest]:
        """By table the partitions that restoring a day would bring back."""
        return {
            table: found
            for table, dataset in _asides(self.standing(day)).items()
            if (found := self._lake.manifest(dataset, day)) and self._lake.manifest(f"raw/{table}", day) is None
        }

    def _put_aside(self, day: date) -> dict[str, int]:
        leaving = self._leaving(day, _asides(self.standing(day)))
        for table, manifest in leaving.items():
            self._lake.move(f"raw/{table}", day, to=_aside(table, manifest.fingerprint))
        return {table: manifest.rows for table, manifest in leaving.items()}

    def _leaving(self, day: date, asides: Mapping[str, str]) -> dict[str, Manifest]:
        """The landed partitions that were withdrawn; one that landed since is another and stays."""
        return {
            table: found
            for table, dataset in asides.items()
            if (found := self._lake.manifest(f"raw/{table}", day)) and dataset == _aside(table, found.fingerprint)
        }

    def _put_back(self, day: date, standing: Sequence[Word]) -> dict[str, int]:
        moved = {table: manifest.rows for table, manifest in self.manifests_aside(day).items()}
        for table, dataset in _asides(standing).items():
            if table in moved:
                self._lake.move(dataset, day, to=f"raw/{table}")
        return moved

    def _delivery(self, table: str, day: date, source: Source) -> Delivery:
        landed = self._lake.manifest(f"raw/{table}", day)
        stamp, content = source.fingerprint(table, day), source.content(table, day)
        return Delivery(stamp, content, landed.fingerprint if landed else None)

    def _say(self, day: date, word: Word) -> None:
        said, etag = self._read(day)
        data = encode({"words": [_document(one) for one in (*said, word)]})
        try:
            if etag is None:
                self._ledger.put_new(f"{day}.json", data)
            else:
                self._ledger.replace(f"{day}.json", data, etag=etag)
        except ConflictError as conflict:
            raise ConflictError(
                f"somebody else withdrew or restored {day} at the same moment: look again"
            ) from conflict

    def _read(self, day: date) -> tuple[tuple[Word, ...], str | None]:
        stored = self._ledger.get(f"{day}.json")
        if stored is None:
            return (), None
        what = f"the withdrawals of {day}"
        entries = decode(stored.data, what=what, fields=_WORDS)["words"]
        return tuple(_word(entry, what=what) for entry in entries), stored.etag


def _same(source: Source, table: str, day: date, deliveries: Sequence[Delivery]) -> bool:
    """Whether the source still delivers one of these; bytes are read only where a file's time or size differs."""
    stamp = source.fingerprint(table, day)
    if any(one.stamp == stamp for one in deliveries):
        return True
    content = source.content(table, day)
    return any(one.content == content for one in deliveries)


def _asides(standing: Sequence[Word]) -> dict[str, str]:
    """Where the newest withdrawn partition of each table lies."""
    return {table: place for word in standing for table, place in _places(word.tables).items()}


def _places(tables: Mapping[str, Delivery]) -> dict[str, str]:
    return {table: _aside(table, one.partition) for table, one in tables.items() if one.partition}


def _aside(table: str, partition: str) -> str:
    return f"withdrawn/{table}/{partition[:16]}"


def _word(entry: Any, *, what: str) -> Word:
    fields = checked(entry, what=what, fields=_WORD)
    tables = {name: Delivery(**checked(one, what=what, fields=_DELIVERY)) for name, one in fields["tables"].items()}
    return Word(**{**fields, "tables": tables, "at": read_time(fields["at"], what=what)})


def _document(word: Word) -> dict[str, Any]:
    tables = {name: asdict(delivery) for name, delivery in word.tables.items()}
    said = {"withdrawn": word.withdrawn, "who": word.who, "reason": word.reason}
    return {**said, "tables": tables, "at": word.at.astimezone(UTC)}


def _require_signature(who: str, reason: str, at: datetime) -> None:
    if not who.strip() or not reason.strip():
        raise InputError("withdrawing or restoring a day needs who does it and why; it is kept for ever")
    if at.tzinfo is None:
        raise InputError("at must carry its time zone")
