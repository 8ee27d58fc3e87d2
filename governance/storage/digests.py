"""SHA-256 of what rows and inputs say, never of how they were written."""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def frame_digest(frame: pl.DataFrame, *, key: Sequence[str]) -> str:
    """SHA-256 of a frame's rows sorted by `key`: column names, types, nulls and values.

    Row order, chunking, encodings and file bytes make no difference, nor does what lies beneath a null;
    minus zero counts as zero and every NaN as the same. Rows that share their key are ordered by their values.

    Raises
    ------
    TypeError
        A column is neither text, number, truth value nor time.

    >>> a = pl.DataFrame({"k": ["x", "y"], "v": [1, None]})
    >>> frame_digest(a, key=["k"]) == frame_digest(a.reverse(), key=["k"])
    True
    """
    header, plain = _reading(tuple(frame.schema.items()))
    digest = hashlib.sha256(f"{frame.height}\n{header}".encode())
    ordered = _ordered(frame.select(plain), key)
    digest.update(np.packbits(_columns(ordered.select(pl.all().is_null()))).tobytes())
    # Many columns in one call: a call a column costs far more than the bytes of a day's partition.
    digest.update(_columns(ordered.select(pl.col(pl.Int64).fill_null(0))).tobytes())
    digest.update(_canonical(_columns(ordered.select(pl.col(pl.Float64).fill_null(0.0)))).tobytes())
    text = ordered.select(pl.col(pl.String).fill_null(""))
    digest.update(_columns(text.select(pl.all().str.len_bytes().cast(pl.Int64))).tobytes())
    for joined in text.select(pl.all().str.join("")).row(0) if text.width else ():
        digest.update(joined.encode())
    return digest.hexdigest()


@lru_cache(maxsize=128)
def _reading(schema: tuple[tuple[str, pl.DataType], ...]) -> tuple[str, list[pl.Expr]]:
    """Names and types as text, and how to read the columns; the partitions of a dataset share both."""
    header = "".join(f"{name}:{dtype}\n" for name, dtype in schema)
    return header, [_plain(name, dtype) for name, dtype in schema]


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as text, 64-bit float or 64-bit integer."""
    column = pl.col(name)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if dtype.is_float():
        return column.cast(pl.Float64)
    if dtype == pl.UInt64:
        return column.reinterpret(signed=True)
    if dtype == pl.Boolean or dtype.is_integer() or dtype.is_temporal():
        return column.to_physical().cast(pl.Int64)
    raise TypeError(f"column {name} is {dtype}: digests know text, numbers, truth values and times")


def _ordered(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    ordered = frame.sort(key, nulls_last=True, maintain_order=True)
    if not ordered.select(key).is_duplicated().any():
        return ordered
    return frame.sort([*key, *(name for name in frame.columns if name not in key)], nulls_last=True)


def _columns(frame: pl.DataFrame) -> NDArray[Any]:
    """Columns of one type as the rows of an array, so that its bytes are column after column."""
    return np.ascontiguousarray(frame.to_numpy(order="fortran").T)


def _canonical(values: NDArray[Any]) -> NDArray[Any]:
    """Minus zero as zero, and every NaN in the same bits."""
    return np.where(np.isnan(values), np.nan, values + 0.0)


def fingerprint(*parts: Any) -> str:
    """SHA-256 of values in canonical JSON: what an output was made from.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
