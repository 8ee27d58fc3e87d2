"""Ways to read one observed column: its value, whether it is there, when, how long, of which format and wording."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.contracts.schema import Column, Kind
from governance.marketplaces.observed import ROW, ROW_OF_DAY, column_of, is_identifier

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CATEGORIES_AT_MOST = 256
"""A text column with more values is read as text: by its length, its words and what is said twice."""

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Number:
    """A column read as a number, NaN where there is none."""

    name: str
    values: Floats


@dataclass(frozen=True, slots=True)
class Category:
    """A column read as one of several values, numbered from 0; -1 where there is none."""

    name: str
    codes: Ints


@dataclass(frozen=True, slots=True)
class Words:
    """A column read as the set of its words: a row of this table is a word in a row of the column."""

    name: str
    table: pl.DataFrame


Reading = Number | Category | Words


def read(rows: pl.DataFrame) -> Iterator[Reading]:
    """Every reading of every observed column of `observe`'s rows, and of the places of the rows."""
    for place in (ROW, ROW_OF_DAY):
        yield Number(place, _floats(rows[place]))
    yield from _times("occurred_at", rows["occurred_at"], rows["occurred_at"])
    for name in rows.columns:
        if "." in name:
            yield from _readings(name, rows[name], column_of(name), rows["occurred_at"])


def _readings(name: str, values: pl.Series, column: Column, decided: pl.Series) -> Iterator[Reading]:
    if values.null_count():
        yield Number(f"{name} missing", _floats(values.is_null()))
    if column.kind is Kind.TIMESTAMP:
        yield from _times(name, values, decided)
    elif column.kind is not Kind.STRING:
        yield Number(name, _floats(values))
    elif is_identifier(column):
        yield from _identifier(name, values)
    elif values.n_unique() <= CATEGORIES_AT_MOST:
        yield _category(name, values)
    else:
        yield from _text(name, values)


def _times(name: str, values: pl.Series, decided: pl.Series) -> Iterator[Reading]:
    at = _floats(values.dt.epoch("us")) / 1e6
    yield Number(name, at)
    yield Number(f"{name} time of day", at % _SECONDS_A_DAY)
    yield Number(f"{name} fraction of a second", _floats(values.dt.microsecond()))
    if values is not decided:
        yield Number(f"{name} before the decision", _floats(decided.dt.epoch("us")) / 1e6 - at)


def _identifier(name: str, values: pl.Series) -> Iterator[Reading]:
    yield Number(f"{name} order", _floats(values.rank("dense")))
    yield Number(f"{name} length", _floats(values.str.len_chars()))
    yield Number(
        f"{name} digits", _floats(values.str.replace_all(r"\D", "").str.tail(15).cast(pl.Float64, strict=False))
    )
    yield _category(f"{name} format", _format(values))


def _text(name: str, values: pl.Series) -> Iterator[Reading]:
    yield Number(f"{name} length", _floats(values.str.len_chars()))
    yield Category(f"{name} said twice", np.where(values.is_duplicated().to_numpy(), _codes(values), -1))
    words = values.str.to_lowercase().str.replace_all(r"\d+", "9").str.extract_all(r"[\p{L}9]+").list.unique()
    table = pl.DataFrame({"row": np.arange(len(values)), "word": words}).explode("word").drop_nulls()
    yield Words(f"{name} word", table)


def _format(values: pl.Series) -> pl.Series:
    """Numbers as 9, so that ids of one make look alike; hexadecimal ones where that leaves too many kinds."""
    digits = values.str.replace_all(r"\d+", "9")
    return digits.str.replace_all(r"[a-f]*9[a-f9]*", "9") if digits.n_unique() > CATEGORIES_AT_MOST else digits


def _category(name: str, values: pl.Series) -> Category:
    return Category(name, _codes(values))


def _codes(values: pl.Series) -> Ints:
    return values.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1


def _floats(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
