"""What a day's raw rows say about labels: rows of `labels`, and cases as statements of the case desk."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from governance.contracts.calendar import midnight
from governance.labels.definition import LabelDefinition
from governance.labels.ledger import SCHEMA, LabelLedger
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "1"


DATASET = "state/statements"
"""Remembers from which raw partitions the ledger was brought up to date, day by day."""


def record_days(
    lake: Lake,
    ledger: LabelLedger,
    definitions: Sequence[LabelDefinition],
    days: Sequence[date],
    *,
    on_day: Callable[[date, Manifest], None] | None = None,
) -> None:
    """Bring the ledger to what the raw partitions of `days` say, a day at a time."""
    expected = expected_fingerprints(lake, definitions, days)
    for day in days:
        start, end = midnight(day), midnight(day + timedelta(days=1))
        counted = [(one.name, _record(lake, ledger, one, day, start, end)) for one in definitions]
        frame = pl.DataFrame(counted, schema={"label": pl.String(), "statements": pl.Int64()}, orient="row")
        facts = {"statements": int(frame["statements"].sum())}
        manifest = lake.write(DATASET, day, frame, key=["label"], fingerprint=expected[day], facts=facts)
        if on_day:
            on_day(day, manifest)


def expected_fingerprints(lake: Lake, definitions: Sequence[LabelDefinition], days: Sequence[date]) -> dict[date, str]:
    """What each day's statements must have been read from."""
    tables = sorted({source_table(definition) for definition in definitions})
    raw = {table: lake.manifests(f"raw/{table}") for table in tables}
    names = sorted(definition.name for definition in definitions)
    return {
        day: fingerprint(
            CODE_VERSION, names, [found.digest if (found := raw[table].get(day)) else None for table in tables]
        )
        for day in days
    }


def stale_days(lake: Lake, definitions: Sequence[LabelDefinition], days: Sequence[date]) -> list[date]:
    """Days whose statements are not in the ledger, or were read from something else."""
    stored = lake.manifests(DATASET)
    expected = expected_fingerprints(lake, definitions, days)
    return [day for day in days if (found := stored.get(day)) is None or found.fingerprint != expected[day]]


def _record(
    lake: Lake, ledger: LabelLedger, definition: LabelDefinition, day: date, start: datetime, end: datetime
) -> int:
    said = stated(lake, definition, day)
    ledger.replace(definition.name, start=start, end=end, statements=said)
    return said.height


def stated(lake: Lake, definition: LabelDefinition, day: date) -> pl.DataFrame:
    """What the raw partitions of a day state of a label, in the columns of `ledger.SCHEMA`."""
    return _STATEMENTS.get(definition.name, _from_labels)(lake, definition, day)


def source_table(definition: LabelDefinition) -> str:
    """The raw table that states a label."""
    return "cases" if definition.name in _STATEMENTS else "labels"


def _from_labels(lake: Lake, definition: LabelDefinition, day: date) -> pl.DataFrame:
    rows = _read(lake, "labels", day)
    return SCHEMA.to_frame() if rows is None else _only(rows, definition)


def _only(rows: pl.DataFrame, definition: LabelDefinition) -> pl.DataFrame:
    return rows.filter(pl.col("label") == definition.name).select(SCHEMA.names())


def _claims(lake: Lake, definition: LabelDefinition, day: date) -> pl.DataFrame:
    """A case about a line names the line; a case about a whole order names the order."""
    rows = _read(lake, "cases", day)
    if rows is None:
        return SCHEMA.to_frame()
    stated = rows.select(
        label=pl.lit(definition.name),
        entity_id=pl.coalesce("order_line_id", "order_id"),
        occurred_at="occurred_at",
        labeler=pl.lit("case_desk"),
        known_at="known_at",
        value=pl.lit(1, pl.Int64),
        reason="kind",
    )
    key = ["entity_id", "occurred_at", "known_at"]
    return stated.sort(*key, "reason").unique(key, keep="first", maintain_order=True)


def _read(lake: Lake, table: str, day: date) -> pl.DataFrame | None:
    return lake.read(f"raw/{table}", [day]) if lake.path(f"raw/{table}", day).exists() else None


_STATEMENTS: Mapping[str, Callable[[Lake, LabelDefinition, date], pl.DataFrame]] = {"claim": _claims}
"""Labels that are not delivered in the table `labels`."""
