"""SHA-256 of what rows and inputs say, never of how they were written."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl


def frame_digest(frame: pl.DataFrame, *, key: Sequence[str]) -> str:
    """SHA-256 of a frame's rows sorted by `key`: column names, types, nulls and values.

    Row order, chunking, encodings and file bytes make no difference; minus zero counts as zero.

    >>> a = pl.DataFrame({"k": ["x", "y"], "v": [1, None]})
    >>> frame_digest(a, key=["k"]) == frame_digest(a.reverse(), key=["k"])
    True
    """
    ordered = frame.sort(key, nulls_last=True, maintain_order=True).rechunk()
    digest = hashlib.sha256(f"{ordered.height}\n".encode())
    for series in ordered.iter_columns():
        digest.update(f"{series.name}:{series.dtype}\n".encode())
        _update(digest, series)
    return digest.hexdigest()


def _update(digest: "hashlib._Hash", series: pl.Series) -> None:
    digest.update(np.packbits(series.is_null().to_numpy()).tobytes())
    if series.dtype == pl.String:
        filled = series.fill_null("")
        digest.update(filled.str.len_bytes().cast(pl.Int64).to_numpy().tobytes())
        digest.update("".join(filled.to_list()).encode())
        return
    physical = series.to_physical()
    if physical.dtype == pl.Boolean:
        physical = physical.cast(pl.Int8)
    values = physical.fill_null(0).to_numpy()
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values + 0.0)
    digest.update(np.ascontiguousarray(values).tobytes())


def fingerprint(*parts: Any) -> str:
    """SHA-256 of values in canonical JSON: what an output was made from.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
