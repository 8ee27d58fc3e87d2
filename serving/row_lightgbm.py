"""LightGBM's C API for one row: a booster whose buffers and settings are made once.

`Booster.predict` checks, copies and converts for 20 us before it predicts. The same library, loaded from the same
wheel, answers through `LGBM_BoosterPredictForMatSingleRowFast` (LightGBM, c_api.h) with the same bits.
"""

import ctypes
import weakref
from collections.abc import Iterable
from functools import cache
from importlib.metadata import files
from struct import Struct
from typing import Any

from governance.errors import StoreError

_FLOAT64, _NORMAL, _FIRST, _ALL = 1, 0, 0, -1
_SETTINGS = b"num_threads=1"


class RowBooster:
    """One booster and the memory of one row: for one thread at a time.

    Raises
    ------
    StoreError
        The library is not where its wheel puts it, or does not take the model.
    """

    def __init__(self, model: bytes, *, features: int) -> None:
        booster, settings = ctypes.c_void_p(), ctypes.c_void_p()
        weakref.finalize(self, _free, booster, settings)
        _do("LGBM_BoosterLoadModelFromString", model, ctypes.byref(ctypes.c_int()), ctypes.byref(booster))
        _do(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            *(booster, _NORMAL, _FIRST, _ALL, _FLOAT64, features, _SETTINGS, ctypes.byref(settings)),
        )
        self._settings = settings
        self._row = (ctypes.c_double * features)()
        self._pack = Struct(f"={features}d").pack_into
        self._length = ctypes.byref(ctypes.c_int64())
        self._answer = (ctypes.c_double * 1)()
        # Holding the interpreter for these 40 us is cheaper than letting go: to get it back from a busy thread takes
        # up to 5 ms.
        self._predict = ctypes.PyDLL(_path()).LGBM_BoosterPredictForMatSingleRowFast

    def predict(self, values: Iterable[float | None]) -> float:
        """The booster's answer to one row, NaN where a value is missing; struct.error where one is no number."""
        self._pack(self._row, 0, *values)
        return self.predict_packed(self._row)

    def predict_packed(self, row: Any) -> float:
        """The same of a row that lies in memory as C has it: an array or pointer of ctypes."""
        if self._predict(self._settings, row, self._length, self._answer):
            raise StoreError(_refused())
        return self._answer[0]


@cache
def _path() -> str:
    """Where the wheel keeps the library that the package itself loads."""
    found = [file for file in files("lightgbm") or () if file.stem == "lib_lightgbm" and file.suffix != ".lib"]
    if not found:
        raise StoreError("LightGBM's library is not among the files of its wheel")
    return str(found[0].locate())


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_path())
        library.LGBM_GetLastError.restype = ctypes.c_char_p
    except (OSError, AttributeError) as problem:
        raise StoreError(f"LightGBM's library cannot be used directly: {problem}") from problem
    return library


def _do(function: str, *arguments: Any) -> None:
    if getattr(_library(), function)(*arguments):
        raise StoreError(_refused())


def _refused() -> str:
    return f"LightGBM refuses: {_library().LGBM_GetLastError().decode(errors='replace')}"


def _free(booster: ctypes.c_void_p, settings: ctypes.c_void_p) -> None:
    if settings:
        _library().LGBM_FastConfigFree(settings)
    if booster:
        _library().LGBM_BoosterFree(booster)
