"""What a counter is, and what one event adds to it.

A window of W minutes at a moment T holds the events of the minutes (minute of T - W, minute of T] that had reached us
before T. A late event counts from then on in the minute in which it happened.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from governance.contracts.epoch import microseconds

WINDOWS: Mapping[str, int] = MappingProxyType({"5m": 5, "1h": 60, "24h": 1440})
"""Minutes of the windows, by the suffix of their features, shortest first."""

LONGEST_MINUTES = max(WINDOWS.values())
SECONDS_A_MINUTE = 60

Measure = Literal["count", "sum", "distinct"]
Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Events of a contract table, counted by a key.

    Attributes
    ----------
    key : column whose value they are counted by; an event without it is not counted.
    known_as : what a decision calls that key, where the column has another name there.
    measure : `count` of events, `sum` of `of` (an amount in reference minor units), or `distinct` values of `of`.
    where : values that columns must have.
    same : two columns that must be equal.
    """

    name: str
    table: str
    key: str
    measure: Measure
    meaning: str
    of: str = ""
    known_as: str = ""
    where: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    same: tuple[str, str] | None = None

    @property
    def asked_by(self) -> str:
        """What a decision calls the key."""
        return self.known_as or self.key

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features, one for each window, shortest first."""
        return tuple(f"{self.name}_{suffix}" for suffix in WINDOWS)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Columns of the table that it looks at, beside the times."""
        amount = {self.of, "reference_rate"} if self.measure == "sum" else {self.of}
        return frozenset({self.key, *amount, *self.where, *(self.same or ())} - {""})


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a contract table as it happens.

    Personal values among `fields` are keyed hashes already, and times are microseconds since 1970.
    """

    table: str
    event_id: str
    occurred_at: datetime
    fields: Fields


@dataclass(frozen=True, slots=True)
class Addition:
    """What one event adds to one counter: an amount, or for a distinct counter a member."""

    counter: Counter
    key: str
    amount: int
    member: str = ""


def additions(event: Event, counters: Sequence[Counter]) -> Iterator[Addition]:
    """What an event adds to those of `counters` that count its table."""
    fields = {**event.fields, "occurred_at": microseconds(event.occurred_at)}
    for counter in counters:
        if counter.table != event.table or not _counts(counter, fields):
            continue
        key = str(fields[counter.key])
        if counter.measure == "distinct":
            if fields.get(counter.of) is not None:
                yield Addition(counter, key, 0, str(fields[counter.of]))
        else:
            yield Addition(counter, key, _amount(counter, fields))


def minute_of(moment: datetime) -> int:
    """Minutes since 1970.

    >>> from datetime import UTC
    >>> minute_of(datetime(1970, 1, 1, 1, 0, 59, tzinfo=UTC))
    60
    """
    return math.floor(moment.timestamp()) // SECONDS_A_MINUTE


def _counts(counter: Counter, fields: Fields) -> bool:
    if fields.get(counter.key) is None:
        return False
    if any(fields.get(name) not in values for name, values in counter.where.items()):
        return False
    return counter.same is None or fields.get(counter.same[0]) == fields.get(counter.same[1])


def _amount(counter: Counter, fields: Fields) -> int:
    if counter.measure == "count":
        return 1
    # Halves round up, as everywhere in this project.
    in_reference: float = fields[counter.of] * fields["reference_rate"]
    return math.floor(in_reference + 0.5)
