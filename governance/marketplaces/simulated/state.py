"""The state of the world on disk, so that it can go on later as if it had never stopped.

What one day hands to the next is made of dataclasses whose fields are parallel one-dimensional arrays, Polars frames,
dicts of frames, plain values, or such dataclasses again. Arrays of one dataclass become one Parquet file, and so does
each frame; plain values go into one JSON file. Fields with `metadata={"kept": False}` are given anew. Nothing is
pickled.
"""

import json
import shutil
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

_Arrays = TypeVar("_Arrays", bound=Any)
_VALUES = "values.json"
_ARRAYS = "arrays.parquet"


def extended(first: _Arrays, second: _Arrays) -> _Arrays:
    """Two dataclasses of parallel arrays as one; the second's rows are numbered after the first's.

    It is the first one that grows, array by array: a second copy of everything that is known of a million accounts
    would double the memory that a day needs.
    """
    for one in fields(first):
        setattr(first, one.name, np.concatenate([getattr(first, one.name), getattr(second, one.name)]))
    return first


def save(state: Any, folder: Path) -> None:
    """Write a dataclass and everything in it into a folder, in place of what may lie there."""
    shutil.rmtree(folder, ignore_errors=True)
    _save(state, folder)


def restore(state: Any, folder: Path) -> None:
    """Fill a dataclass of the same shape in place with what `save` wrote."""
    values = json.loads((folder / _VALUES).read_text(encoding="utf-8"))
    arrays = pl.read_parquet(folder / _ARRAYS) if (folder / _ARRAYS).exists() else pl.DataFrame()
    for one in _kept(state):
        held = getattr(state, one.name)
        if is_dataclass(held):
            restore(held, folder / one.name)
        elif isinstance(held, np.ndarray):
            setattr(state, one.name, arrays[one.name].to_numpy().copy())
        elif isinstance(held, pl.DataFrame):
            setattr(state, one.name, pl.read_parquet(folder / f"{one.name}.parquet"))
        elif isinstance(held, dict):
            paths = sorted((folder / one.name).glob("*.parquet"))
            setattr(state, one.name, {path.stem: pl.read_parquet(path) for path in paths})
        elif one.name in values:
            setattr(state, one.name, values[one.name])


def _save(state: Any, folder: Path) -> None:
    folder.mkdir(parents=True)
    values, arrays = {}, {}
    for one in _kept(state):
        held = getattr(state, one.name)
        if is_dataclass(held):
            _save(held, folder / one.name)
        elif isinstance(held, np.ndarray):
            arrays[one.name] = held
        elif isinstance(held, pl.DataFrame):
            held.write_parquet(folder / f"{one.name}.parquet")
        elif isinstance(held, dict):
            _save_frames(held, folder / one.name)
        elif isinstance(held, int | float | str | bool) or held is None:
            values[one.name] = held
        else:
            raise TypeError(f"{type(state).__name__}.{one.name} is a {type(held).__name__}, which cannot be kept")
    if arrays:
        pl.DataFrame(arrays).write_parquet(folder / _ARRAYS)
    (folder / _VALUES).write_text(json.dumps(values) + "\n", encoding="utf-8")


def _save_frames(frames: dict[str, pl.DataFrame], folder: Path) -> None:
    folder.mkdir()
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")


def _kept(state: Any) -> list[Field[Any]]:
    return [one for one in fields(state) if one.metadata.get("kept", True)]
