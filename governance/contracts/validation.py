"""What a delivery of a table must look like, and what becomes of rows and columns that do not.

======================================================  =====================================================
what was delivered                                      what happens
======================================================  =====================================================
a column that may not be null is missing                `ContractError`; nothing of that day lands
a column that may be null is missing                    filled with null, named in `filled_columns`
a column that the contract does not know                not landed, named in `unknown_columns`
another type, the value fits without loss               cast
another type, the value does not fit                    quarantined: `wrong type: <column>`
a time without a time zone                              quarantined: `wrong type: <column>`
null or NaN where none may be                           quarantined: `null: <column>`
below or above the bounds, or NaN                       quarantined: `out of bounds: <column>`
not one of the choices                                  quarantined: `not one of the choices: <column>`
known after its day or after now                        quarantined: `time in the future: known_at`
occurred after it was known                             quarantined: `time in the future: occurred_at`
known before its day                                    quarantined: `known before its day`
breaks a rule between columns                           quarantined: the rule, such as `parties do not sum to the total`
valid rows with one key, the same in every column       one stays, the others are counted in `collapsed`
differing rows with one key                             all quarantined: `duplicate key`
more quarantined than the marketplace allows            `ContractError` from `refuse_above`
======================================================  =====================================================

A quarantined row carries the first reason that applies, in this order and then in the order of the columns.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

import polars as pl

from governance.contracts.casting import cast_without_loss
from governance.contracts.rules import broken_rules
from governance.contracts.schema import Table
from governance.errors import ContractError

QUARANTINE_KEY = ("reason", "row")
QUARANTINE_SCHEMA = pl.Schema({"row": pl.String(), "reason": pl.String(), "table": pl.String(), "day": pl.Date()})

_MASK = "(personal)"
_DAY, _INDEX, _REASON = "(day)", "(index)", "(reason)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """One day's delivery of a table, sorted into rows that may land and rows that may not.

    `rows` has the contract's schema and column order, personal values as delivered. `quarantined`
    has `QUARANTINE_SCHEMA`: the row as JSON with personal values masked, and why.
    """

    table: str
    day: date
    rows: pl.DataFrame
    quarantined: pl.DataFrame
    collapsed: int
    unknown_columns: tuple[str, ...]
    filled_columns: tuple[str, ...]

    @property
    def delivered(self) -> int:
        """Rows in the delivery."""
        return self.rows.height + self.quarantined.height + self.collapsed

    @property
    def reasons(self) -> dict[str, int]:
        """Quarantined rows by reason."""
        return dict(sorted(Counter(self.quarantined["reason"]).items()))

    def refuse_above(self, quarantine_share_at_most: float) -> None:
        """Raise `ContractError` where more of the delivery is quarantined than the marketplace allows."""
        if self.quarantined.height > quarantine_share_at_most * self.delivered:
            listed = ", ".join(f"{reason} ({rows})" for reason, rows in self.reasons.items())
            raise ContractError(
                f"{self.table} of {self.day}: {self.quarantined.height} of {self.delivered} rows break the contract, "
                f"more than the share of {quarantine_share_at_most:g} that the marketplace allows: {listed}. "
                f"Look at quarantine/{self.table} and deliver the day again"
            )


Outcome: TypeAlias = Checked | ContractError
"""What checking one day gave."""


def check(table: Table, frame: pl.DataFrame, *, day: date, now: datetime) -> Checked:
    """Check one day's delivery of a table.

    Raises
    ------
    ContractError
        A column that may not be null is missing.
    """
    outcome = check_days(table, {day: frame}, now=now)[day]
    if isinstance(outcome, ContractError):
        raise outcome
    return outcome


def check_days(table: Table, frames: Mapping[date, pl.DataFrame], *, now: datetime) -> dict[date, Outcome]:
    """Check many days' deliveries in as few passes as their column types allow (Pandera costs 30 ms a pass).

    A day whose delivery lacks a required column has its error as the outcome; the others are unaffected.
    """
    alike: dict[tuple[tuple[str, pl.DataType], ...], list[date]] = {}
    for day, frame in frames.items():
        alike.setdefault(tuple(frame.schema.items()), []).append(day)
    outcomes: dict[date, Outcome] = {}
    for days in alike.values():
        outcomes |= _check_alike(table, {day: frames[day] for day in days}, now=now)
    return {day: outcomes[day] for day in frames}


def _check_alike(table: Table, frames: Mapping[date, pl.DataFrame], *, now: datetime) -> Mapping[date, Outcome]:
    """Check days whose deliveries have the same columns and types."""
    columns = next(iter(frames.values())).columns
    missing = [column.name for column in table.columns if column.name not in columns and not column.nullable]
    if missing:
        return {day: _missing_columns(table, missing, day=day) for day in frames}
    delivered = _stack(frames).drop([name for name in columns if name not in table.names])
    judged = _judge(table, delivered, now=now)
    quarantined = _quarantine(table, delivered, judged)
    rows = _by_day(_collapse(table, judged), drop=(_INDEX, _REASON))
    rejected = _by_day(quarantined, drop=())
    return {
        day: _checked(table, day, frame, rows=rows.get(day), quarantined=rejected.get(day))
        for day, frame in frames.items()
    }


def _missing_columns(table: Table, missing: list[str], *, day: date) -> ContractError:
    return ContractError(
        f"{table.name} of {day} lacks {', '.join(missing)}: deliver the column, or let {table.name}.sql make it"
    )


def _checked(
    table: Table, day: date, delivered: pl.DataFrame, *, rows: pl.DataFrame | None, quarantined: pl.DataFrame | None
) -> Checked:
    valid = table.empty() if rows is None else rows
    invalid = pl.DataFrame(schema=QUARANTINE_SCHEMA) if quarantined is None else quarantined
    return Checked(
        table=table.name,
        day=day,
        rows=valid,
        quarantined=invalid,
        collapsed=delivered.height - valid.height - invalid.height,
        unknown_columns=tuple(sorted(set(delivered.columns) - set(table.names))),
        filled_columns=tuple(name for name in table.names if name not in delivered.columns),
    )


def _stack(frames: Mapping[date, pl.DataFrame]) -> pl.DataFrame:
    """All days in one frame, each row with its day and its position."""
    dated = [frame.with_columns(pl.lit(day).alias(_DAY)) for day, frame in frames.items()]
    return pl.concat(dated).with_row_index(_INDEX)


def _by_day(rows: pl.DataFrame, *, drop: tuple[str, ...]) -> dict[date, pl.DataFrame]:
    days = rows.partition_by(_DAY, maintain_order=True, as_dict=True)
    return {day: frame.drop(_DAY, *drop) for (day,), frame in days.items()}


def _judge(table: Table, delivered: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Rows in the contract's types and column order, then day, position and the first broken rule (null for none)."""
    casts = {
        column.name: cast_without_loss(delivered[column.name], column.kind)
        for column in table.columns
        if column.name in delivered.columns
    }
    typed = delivered.select(
        *(
            casts[name].values if name in casts else pl.lit(None, dtype).alias(name)
            for name, dtype in table.schema.items()
        ),
        _DAY,
        _INDEX,
    )
    wrong_types = [
        pl.when(cast.failed).then(pl.lit(f"wrong type: {name}")) for name, cast in casts.items() if cast.failed.any()
    ]
    reason = pl.coalesce(*wrong_types, broken_rules(table, typed, day=_DAY, now=now))
    judged = typed.with_columns(reason.alias(_REASON))
    return judged.with_columns(pl.coalesce(_REASON, _conflicts(table, judged)).alias(_REASON))


def _repeated(table: Table, rows: pl.DataFrame) -> pl.Series:
    """Which rows share their day and their whole key with another."""
    key = rows.select(_DAY, *table.key)
    return key.is_duplicated() & ~key.select(pl.any_horizontal(pl.all().is_null())).to_series()


def _conflicts(table: Table, judged: pl.DataFrame) -> pl.Series:
    """`duplicate key` where another row that says something else has the same key.

    A row that breaks a rule says something else than a valid one, so it takes the valid one with it:
    which of the two is right, nobody here can know.
    """
    repeated = judged.filter(_repeated(table, judged))
    distinct = pl.concat([_collapse(table, repeated), repeated.filter(pl.col(_REASON).is_not_null())])
    conflicting = distinct.filter(_repeated(table, distinct)).select(_DAY, *table.key).unique()
    marked = judged.select(_DAY, *table.key).join(
        conflicting.with_columns(pl.lit("duplicate key").alias(_REASON)),
        on=[_DAY, *table.key],
        how="left",
        maintain_order="left",
    )
    return marked[_REASON]


def _collapse(table: Table, judged: pl.DataFrame) -> pl.DataFrame:
    """The rows without a broken rule; of identical ones the first."""
    valid = judged.filter(pl.col(_REASON).is_null())
    if not _repeated(table, valid).any():
        return valid
    return valid.unique([_DAY, *table.names], keep="first", maintain_order=True)


def _quarantine(table: Table, delivered: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The rows with a broken rule, as delivered, in `QUARANTINE_SCHEMA` and their day; of identical duplicates one."""
    broken = judged.filter(pl.col(_REASON).is_not_null())
    conflicting = pl.col(_REASON) == "duplicate key"
    once = broken.filter(conflicting).unique([_DAY, *table.names], keep="first", maintain_order=True)
    kept = pl.concat([broken.filter(~conflicting), once]).sort(_INDEX)
    rows = delivered[kept[_INDEX]].drop(_DAY, _INDEX)
    return kept.select(
        pl.Series("row", [_as_json(table, row) for row in rows.iter_rows(named=True)], dtype=pl.String),
        pl.col(_REASON).alias("reason"),
        pl.lit(table.name).alias("table"),
        pl.col(_DAY).alias("day"),
        _DAY,
    )


def _as_json(table: Table, row: dict[str, Any]) -> str:
    masked = {name: _MASK if name in table.personal and value is not None else value for name, value in row.items()}
    return json.dumps({name: _jsonable(value) for name, value in masked.items()}, default=str, ensure_ascii=False)


def _jsonable(value: Any) -> Any:
    """JSON has no words for NaN and the infinities."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
