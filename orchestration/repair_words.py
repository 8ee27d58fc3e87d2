"""What repairs say, in sentences: to the run's log in the UI and to the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from feature_repo.online import OnlineDifference, OnlineReport
from governance.labels.reload import LabelDifference, Reload
from governance.release.records import Pointer


def difference(found: OnlineDifference) -> str:
    """How a view online stands to offline."""
    if found.none:
        return f"{found.view}: online equals offline, {found.online_rows:,} keys"
    return (
        f"{found.view}: {found.online_rows:,} keys online, {found.expected_rows:,} offline; "
        f"{found.missing:,} missing, {found.stale:,} stale, {found.gone:,} no longer offline"
    )


def online(report: OnlineReport) -> str:
    """What was written of a view."""
    done = f"{report.rows_written:,} keys written, {report.rows_removed:,} removed"
    return f"{report.view}: {done}; online equals offline, {report.online_rows:,} keys"


def landing(day: date, tables: Mapping[str, Sequence[date]]) -> str:
    """What lands of a day."""
    if not tables:
        return f"{day}: raw rows are as delivered"
    return (
        f"{day}: delivered anew, to land: {', '.join(sorted(tables))}; what is made of them follows where rows differ"
    )


def withdrawal(day: date, rows: Mapping[str, int]) -> str:
    """What leaves with a day."""
    if not rows:
        return f"{day}: withdrawn already, or nothing has landed; the same delivery does not land"
    return f"{day}: {sum(rows.values()):,} raw rows put aside: {_listed(rows)}"


def restoration(day: date, rows: Mapping[str, int]) -> str:
    """What comes back with a day."""
    if not rows:
        return f"{day}: nothing lies aside that could come back"
    return f"{day}: {sum(rows.values()):,} raw rows brought back: {_listed(rows)}"


def following(stale: Mapping[tuple[str, ...], Sequence[date]]) -> str:
    """Which features and labels are written again."""
    if not stale:
        return "features and labels: nothing to write again"
    named = [f"{'/'.join(key)} {len(days)} day(s) from {days[0]}" for key, days in sorted(stale.items())]
    return f"to write again: {', '.join(named)}"


def reload(found: Reload) -> Iterator[str]:
    """What the ledger read anew says."""
    if found.unreadable:
        yield found.unreadable
    yield from (_label(one) for one in found.labels)
    if found.aside:
        yield f"The ledger was replaced; the old one is kept at {found.aside}"


def moved(model: str, pointer: Pointer, *, dry_run: bool) -> str:
    """Where a model's pointer went, or would go."""
    verb = "would go" if dry_run else "went"
    return f"{model}: {verb} to {pointer.champion[:12]} as of {pointer.as_of}, generation {pointer.generation}"


def _label(one: LabelDifference) -> str:
    same = f"{one.label}: {one.present:,} statements, digest {one.digest[:12]}"
    if one.first_day is None:
        return f"{same}, as the raw partitions say"
    return f"{same}; {one.missing:,} missing, {one.foreign:,} in no raw partition, the first of {one.first_day}"


def _listed(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{table} {count:,}" for table, count in sorted(rows.items()))
