"""What a contract is made of: columns and tables as data. The tables themselves are in `tables`."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import polars as pl


class Kind(Enum):
    """The types that a contract knows; times are UTC microseconds."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"

    @property
    def polars(self) -> pl.DataType:
        """The Polars type of a column of this kind."""
        return _POLARS[self]


_POLARS: dict[Kind, pl.DataType] = {
    Kind.STRING: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.FLOAT: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.TIMESTAMP: pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its type, meaning, unit and bounds; `personal` values land as keyed hashes only."""

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    personal: bool = False
    unit: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: `row` says what a row is, `key` which columns identify it."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in contract order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def schema(self) -> pl.Schema:
        """The Polars schema of landed rows."""
        return pl.Schema({column.name: column.kind.polars for column in self.columns})

    @cached_property
    def personal(self) -> tuple[str, ...]:
        """Names of the columns that hold personal data."""
        return tuple(column.name for column in self.columns if column.personal)

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema=self.schema)
