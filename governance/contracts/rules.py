"""The rules that a row can break on its own: nulls, bounds and choices (Pandera), times, sums."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import polars as pl

from governance.contracts.schema import Column, Table

_ROW_RULES: dict[str, tuple[str, pl.Expr]] = {
    "outcomes": (
        "parties do not sum to the total",
        pl.sum_horizontal("buyer_minor", "seller_minor", "logistics_minor", "platform_minor") == pl.col("total_minor"),
    ),
}
"""Rules between the columns of one row: what is wrong where the expression does not hold."""

_PANDERA_REASONS = {"not_nullable": "null", "isin": "not one of the choices"}


def broken_rules(table: Table, typed: pl.DataFrame, *, day: str, now: datetime) -> pl.Series:
    """The first rule that each row breaks, null for none.

    `typed` has the contract's columns in the contract's types, and the row's day in the column `day`.
    """
    found = _pandera_reasons(table, typed.select(table.names))
    reason = pl.coalesce(found, *_time_reasons(pl.col(day), now), _row_rule(table))
    return typed.select(reason.alias("reason")).to_series()


def _time_reasons(day: pl.Expr, now: datetime) -> list[pl.Expr]:
    starts = day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    known_at, occurred_at = pl.col("known_at"), pl.col("occurred_at")
    in_the_future = (known_at >= starts.dt.offset_by("1d")) | (known_at > pl.lit(now.astimezone(UTC)))
    return [
        pl.when(in_the_future).then(pl.lit("time in the future: known_at")),
        pl.when(occurred_at > known_at).then(pl.lit("time in the future: occurred_at")),
        pl.when(known_at < starts).then(pl.lit("known before its day")),
    ]


def _row_rule(table: Table) -> pl.Expr:
    if table.name not in _ROW_RULES:
        return pl.lit(None, pl.String)
    broken, holds = _ROW_RULES[table.name]
    return pl.when(~holds).then(pl.lit(broken))


def _pandera_reasons(table: Table, rows: pl.DataFrame) -> pl.Series:
    """What Pandera finds in each row: the first broken rule in the order of the columns, null for none."""
    import pandera.polars as pa

    try:
        _pandera_schema(table).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _reason_by_row(table, errors.failure_cases, height=rows.height)
    return pl.Series([None] * rows.height, dtype=pl.String)


def _reason_by_row(table: Table, failures: pl.DataFrame, *, height: int) -> pl.Series:
    order = pl.DataFrame({"column": table.names}).with_row_index("position")
    first = (
        failures.join(order, on="column", how="left")
        .sort("position", "check_number", nulls_last=False, maintain_order=True)
        .unique("index", keep="first", maintain_order=True)
        .select("index", _pandera_reason())
    )
    positions = pl.DataFrame({"index": range(height)}, schema={"index": failures.schema["index"]})
    return positions.join(first, on="index", how="left", maintain_order="left")["reason"]


def _pandera_reason() -> pl.Expr:
    rule = pl.col("check").str.extract(r"^(\w+)").replace_strict(_PANDERA_REASONS, default="out of bounds")
    return pl.format("{}: {}", rule, "column").alias("reason")


@cache
def _pandera_schema(table: Table) -> Any:
    """The Pandera schema of a table, built once; imported here because Pandera brings pandas along."""
    import pandera.polars as pa

    return pa.DataFrameSchema({column.name: _pandera_column(column) for column in table.columns}, strict=True)


def _pandera_column(column: Column) -> Any:
    import pandera.polars as pa

    checks = []
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most))
    if column.one_of:
        checks.append(pa.Check.isin(column.one_of))
    return pa.Column(column.kind.polars, checks=checks, nullable=column.nullable)
