"""Personal values are replaced by their keyed hashes at the door, as they are when a day lands."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from governance.contracts.personal import KeyedHash
from governance.contracts.tables import TABLES
from serving.wire import DecisionRequest

PERSONAL = frozenset(column.name for table in TABLES.values() for column in table.columns if column.personal)
"""Columns of any table that hold personal data; names mean the same in all of them."""

Value = TypeVar("Value")


def pseudonymous(request: DecisionRequest, keyed_hash: KeyedHash) -> DecisionRequest:
    """The request with the hashes of its personal values in their place."""
    if PERSONAL.isdisjoint(request.keys) and PERSONAL.isdisjoint(request.context):
        return request
    return msgspec.structs.replace(
        request, keys=_hashed(request.keys, keyed_hash), context=_hashed(request.context, keyed_hash)
    )


def _hashed(values: Mapping[str, Value], keyed_hash: KeyedHash) -> dict[str, Value | str]:
    return {
        name: keyed_hash.text(value) if name in PERSONAL and isinstance(value, str) else value
        for name, value in values.items()
    }
