"""JSON documents of the registry: written canonically, read back as input that nobody vouches for."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from governance.errors import InputError, StoreError

FieldTypes = Mapping[str, tuple[type, ...]]


class Untrusted(StoreError):  # noqa: N818 - reads as what was found
    """What was read back is not what this registry writes there: damaged, moved or tampered with."""


def encode(document: Mapping[str, Any]) -> bytes:
    """Canonical, readable JSON: equal documents give equal bytes. Dates become ISO text; floats are exact.

    Raises
    ------
    InputError
        A value is not a number (NaN), infinite, or nothing that JSON has: a figure is computed or absent (None).
    """
    try:
        text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_iso)
        return f"{text}\n".encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"this cannot be recorded as JSON: {error}") from error


def decode(data: bytes, *, what: str, fields: FieldTypes, optional: FieldTypes | None = None) -> dict[str, Any]:
    """The document's fields, exactly those named and each of one of its types.

    Parameters
    ----------
    what
        The document's key, for the message.
    optional
        Fields that may be absent.

    Raises
    ------
    Untrusted
        It is no JSON object, or fields are missing, unknown or of another type.
    """
    try:
        document = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Untrusted(f"{what} is not JSON: {error}") from error
    present = {
        name: types for name, types in (optional or {}).items() if isinstance(document, dict) and name in document
    }
    return checked(document, what=what, fields={**fields, **present})


def checked(document: Any, *, what: str, fields: FieldTypes) -> dict[str, Any]:
    """The same mapping when it has exactly these fields and types; Untrusted otherwise."""
    if not isinstance(document, dict) or document.keys() != fields.keys():
        raise Untrusted(f"{what} has not the fields {', '.join(sorted(fields))}")
    for name, types in fields.items():
        # The exact type: to isinstance, True is an integer.
        if type(document[name]) not in types:
            raise Untrusted(f"{what}: {name} is {document[name]!r:.60}")
    return document


def read_date(text: str, *, what: str) -> date:
    """An ISO date; Untrusted where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Untrusted(f"{what}: {error}") from error


def read_time(text: str, *, what: str) -> datetime:
    """An ISO time with its offset; Untrusted where it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Untrusted(f"{what}: {error}") from error
    if time.tzinfo is None:
        raise Untrusted(f"{what}: {text} names no time zone")
    return time


def _iso(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r:.60} is a {type(value).__name__}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
