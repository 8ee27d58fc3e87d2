"""Columns as delivered turned into the types of the contract, without loss or not at all."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from governance.contracts.schema import Kind

_TEXT_TIME = "%Y-%m-%dT%H:%M:%S%.f%#z"


@dataclass(frozen=True, slots=True)
class Cast:
    """A column in its contract's type, and which rows held a value that does not fit (then null)."""

    values: pl.Series
    failed: pl.Series


def cast_without_loss(delivered: pl.Series, kind: Kind) -> Cast:
    """Cast a column; a value is kept only where the cast says the same thing as the original.

    Text is read as numbers, booleans (`true`, `false`) and ISO 8601 times with an offset; whole numbers
    become text; numbers become other numbers when casting back gives the original. A time without a
    time zone never fits, because nobody can say which instant it means.

    >>> cast_without_loss(pl.Series([1.0, 1.5, None]), Kind.INTEGER).failed.to_list()
    [False, True, False]
    """
    converted = _convert(delivered, kind)
    if converted is None:
        return Cast(pl.Series(delivered.name, [None] * len(delivered), dtype=kind.polars), delivered.is_not_null())
    lost = delivered.is_not_null() & converted.is_null()
    if delivered.dtype not in (pl.String, kind.polars):
        back = converted.cast(delivered.dtype, strict=False)
        lost |= (back != delivered).fill_null(value=False)
    return Cast(converted.set(lost, None) if lost.any() else converted, lost)


def _convert(delivered: pl.Series, kind: Kind) -> pl.Series | None:
    """The column in the wanted type, null where a value has no counterpart; None where the types are unrelated."""
    if delivered.dtype == kind.polars:
        return delivered
    if delivered.dtype == pl.Null:
        return delivered.cast(kind.polars)
    if delivered.dtype == pl.String:
        return _FROM_TEXT[kind](delivered)
    return delivered.cast(kind.polars, strict=False) if _related(delivered.dtype, kind) else None


def _related(delivered: pl.DataType, kind: Kind) -> bool:
    if kind is Kind.STRING:
        return delivered.is_integer() or isinstance(delivered, pl.Categorical | pl.Enum)
    if kind is Kind.TIMESTAMP:
        return isinstance(delivered, pl.Datetime) and delivered.time_zone is not None
    return delivered.is_numeric() or delivered == pl.Boolean


def _time_from_text(text: pl.Series) -> pl.Series:
    return text.str.replace(" ", "T", literal=True).str.to_datetime(
        _TEXT_TIME, time_unit="us", time_zone="UTC", strict=False
    )


def _boolean_from_text(text: pl.Series) -> pl.Series:
    return text.str.to_lowercase().replace_strict(
        ["true", "false"], [True, False], default=None, return_dtype=pl.Boolean
    )


_FROM_TEXT: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    Kind.STRING: lambda text: text,
    Kind.INTEGER: lambda text: text.str.to_integer(strict=False),
    Kind.FLOAT: lambda text: text.cast(pl.Float64, strict=False),
    Kind.BOOLEAN: _boolean_from_text,
    Kind.TIMESTAMP: _time_from_text,
}
