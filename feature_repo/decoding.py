"""Single values out of the bytes that Feast gives them: what `encoding` makes of columns, read back row by row."""

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from feast.protos.feast.types.Value_pb2 import Value as WireValue
from feast.type_map import feast_value_type_to_python_type
from google.protobuf.timestamp_pb2 import Timestamp

from governance.contracts.epoch import moment_of
from governance.contracts.schema import Kind
from governance.features.view import Feature

Value = float | int | str | bool | None
Cell = bytes | None
"""A value as it is stored; None where nobody has written one."""

_REMEMBERED_AT_MOST = 16_384
_DOUBLE = struct.Struct("<xd")
_DOUBLE_TAG = WireValue(double_val=1.0).SerializeToString()[:1]
_INTEGER_TAG = WireValue(int64_val=1).SerializeToString()[0]
_NO_DOUBLE = _DOUBLE_TAG + struct.pack("<d", float("nan"))


class _Remembered(dict[Cell, Any]):
    """What cells mean. Counts, names and midnights come again and again, so that most are found here."""

    def __missing__(self, cell: bytes) -> Any:
        if len(self) >= _REMEMBERED_AT_MOST:
            self.clear()
            self[None] = None
        value = self[cell] = self._read(cell)
        return value

    @staticmethod
    def _read(cell: bytes) -> Any:
        raise NotImplementedError


class _Values(_Remembered):
    @staticmethod
    def _read(cell: bytes) -> Any:
        if cell[:1] == _DOUBLE_TAG and len(cell) == _DOUBLE.size:
            return _DOUBLE.unpack(cell)[0]
        if cell and cell[0] == _INTEGER_TAG:
            return _integer(cell)
        return feast_value_type_to_python_type(WireValue.FromString(cell))


class _Times(_Remembered):
    @staticmethod
    def _read(cell: bytes) -> datetime:
        return moment_of(Timestamp.FromString(cell).ToMicroseconds())


_VALUES: dict[Cell, Any] = _Values({None: None})
_TIMES: dict[Cell, Any] = _Times({None: None})


def decoded_time(cell: Cell) -> datetime | None:
    """A protocol buffer timestamp."""
    found: datetime | None = _TIMES[cell]
    return found


class Columns:
    """Decodes rows of some features. `names` are in the order in which cells are wanted: floats first.

    Doubles, of which nearly every one is distinct, are unpacked at once; of everything else each distinct value is
    read once and remembered. NaN is None, as nothing here writes it.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        ordered = sorted(features, key=lambda feature: feature.kind is not Kind.FLOAT)
        self.names = tuple(feature.name for feature in ordered)
        self._floats = sum(feature.kind is Kind.FLOAT for feature in ordered)
        self._unpack = struct.Struct("<" + "xd" * self._floats).unpack
        self._tags = _DOUBLE_TAG * self._floats

    def decoded(self, cells: Sequence[Cell]) -> list[Value]:
        """The values of one row's cells, which stand in the order of `names`; further cells are left out."""
        floats = self._floats
        joined = b"".join([cell or _NO_DOUBLE for cell in cells[:floats]])
        if len(joined) == _DOUBLE.size * floats and joined[:: _DOUBLE.size] == self._tags:
            values = [None if value != value else value for value in self._unpack(joined)]
        else:
            # Another writer put a whole number where the catalogue has a float.
            values = list(map(_VALUES.__getitem__, cells[:floats]))
        values.extend(map(_VALUES.__getitem__, cells[floats : len(self.names)]))
        return values


def elements(packed: bytes) -> list[bytes]:
    """The cells in a `RepeatedValue`: each stands behind a tag and its length."""
    cells = []
    at, end = 0, len(packed)
    while at < end:
        length, at = packed[at + 1], at + 2
        if length > 127:
            length, at = _varint(packed, at - 1)
        cells.append(packed[at : at + length])
        at += length
    return cells


def _integer(cell: bytes) -> int:
    number, _ = _varint(cell, 1)
    return number - (1 << 64) if number >> 63 else number


def _varint(packed: bytes, at: int) -> tuple[int, int]:
    """A base-128 number and where it ends (protobuf.dev, encoding)."""
    number = shift = 0
    while True:
        byte = packed[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
