"""Columns in the bytes that Feast gives to single values: a protocol buffer for each, made a column at a time.

Feast builds a message for every value of every row, which is most of what its materialization costs. Here the
library encodes each distinct value once, and doubles, of which nearly every one is distinct, are laid out by numpy.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import numpy as np
import polars as pl
from feast import ValueType
from feast.infra.key_encoding_utils import serialize_entity_key_prefix
from feast.protos.feast.types.Value_pb2 import Value
from feast.protos.feast.types.Value_pb2 import ValueType as WireType
from feast.type_map import python_values_to_proto_values
from google.protobuf.timestamp_pb2 import Timestamp

from governance.contracts.epoch import microseconds

_LENGTH = struct.Struct("<I")
_LENGTHS = 64
_DOUBLE_BYTES = 8


def plain(value: Value) -> bytes:
    """A value as it stands alone."""
    packed: bytes = value.SerializeToString()
    return packed


def encoded_values(column: pl.Series, kind: ValueType, *, pack: Callable[[Value], bytes] = plain) -> list[bytes]:
    """Each value of a column as `pack` gives it; null and NaN are the value that is not set, as in Feast.

    Parameters
    ----------
    kind : ValueType
        The feature's type in the catalogue.
    pack : callable
        How one value is packed; a double's eight bytes must come last in it.
    """
    if kind == ValueType.DOUBLE:
        return _encoded_doubles(column, pack)
    distinct = column.drop_nulls().unique().to_list()
    values = python_values_to_proto_values(distinct, kind) if distinct else []
    packed = dict(zip(distinct, map(pack, values), strict=True)) | {None: pack(Value())}
    return [packed[value] for value in column.to_list()]


def encoded_time(number: int) -> bytes:
    """Microseconds since 1970 as a protocol buffer timestamp."""
    time = Timestamp()
    time.FromMicroseconds(number)
    packed: bytes = time.SerializeToString()
    return packed


def encoded_times(times: pl.Series) -> list[bytes]:
    """UTC microseconds as protocol buffer timestamps."""
    numbers = times.to_physical()
    packed = {number: encoded_time(number) for number in numbers.unique().to_list()}
    return [packed[number] for number in numbers.to_list()]


def decoded_times(packed: list[bytes]) -> list[int]:
    """Protocol buffer timestamps as microseconds since 1970."""
    numbers = {one: int(Timestamp.FromString(one).ToMicroseconds()) for one in set(packed)}
    return [numbers[one] for one in packed]


def utc_microseconds_of(time: datetime) -> int:
    """Microseconds since 1970; a time without a zone is UTC, as Feast means it."""
    return microseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def key_head(join_key: str) -> bytes:
    """What the keys of an entity with one string key begin with: everything before the length of the value."""
    head: bytes = serialize_entity_key_prefix([join_key])
    return head + _LENGTH.pack(WireType.STRING)


def encoded_keys(join_key: str, values: pl.Series) -> list[bytes]:
    """Entity keys with one string value, equal to Feast's `serialize_entity_key` (version 3)."""
    head = key_head(join_key)
    return [head + _LENGTH.pack(len(value)) + value for value in values.cast(pl.Binary).to_list()]


def key_values(join_key: str, entity_keys: Iterable[bytes]) -> list[bytes | None]:
    """The value in each entity key, None in one that is not whole or is of something else."""
    head = key_head(join_key)
    start = len(head) + _LENGTH.size
    # What stands before a value of so many bytes.
    before = [head + _LENGTH.pack(length) for length in range(_LENGTHS)]
    values: list[bytes | None] = []
    for key in entity_keys:
        length = len(key) - start
        expected = before[length] if 0 <= length < _LENGTHS else head + _LENGTH.pack(max(length, 0))
        values.append(key[start:] if key.startswith(expected) else None)
    return values


def _encoded_doubles(column: pl.Series, pack: Callable[[Value], bytes]) -> list[bytes]:
    values = column.cast(pl.Float64).to_numpy()
    before = pack(Value(double_val=1.0))[:-_DOUBLE_BYTES]
    cells = np.empty(len(values), dtype=[("before", f"V{len(before)}"), ("value", "<f8")])
    cells["before"], cells["value"] = np.void(before), values
    packed = cells.view(f"V{cells.itemsize}").astype(object)
    packed[np.isnan(values)] = pack(Value())
    return list(packed)
