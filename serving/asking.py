"""The question: what a request asks about, and everything that is known about it when it is asked."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from governance.decisions.points import DecisionPoint
from governance.decisions.record import Value
from governance.errors import InputError, StoreError
from serving.parts import Counters, Features
from serving.wire import DecisionRequest

FEATURES, COUNTERS = "features", "counters"
_FIRST, _END = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_READING_SHARE = 0.6
"""Of a point's deadline, what reading may take; the rest is for scoring and remembering."""
_PAUSE_SECONDS = 0.002


class Question(Struct, frozen=True, kw_only=True):
    """A request at a decision point, by a caller, about a moment."""

    point: DecisionPoint
    request: DecisionRequest
    caller: str
    at: datetime
    started_ns: int

    @property
    def unit(self) -> str:
        """What traffic is split by."""
        return self.point.traffic_unit(self.request.entity_id, self.request.keys)

    @property
    def segment(self) -> str:
        """What the breaker watches apart."""
        return self.request.market or ""


class Seen(Struct, frozen=True):
    """What is known: features and counters by name, the times of the views, and the parts that could not be asked."""

    values: Mapping[str, Value]
    times: Mapping[str, datetime | None]
    degraded: tuple[str, ...]

    @property
    def blind(self) -> bool:
        """Whether features are missing, so that a score would be about somebody else."""
        return FEATURES in self.degraded


async def look(question: Question, *, features: Features, counters: Counters) -> Seen:
    """Read everything that is known of the question's entities; a store that fails is named instead."""
    request, seconds = question.request, question.point.deadline_ms / 1000 * _READING_SHARE
    until = time.monotonic() + seconds
    asked = ((counted_by(request.keys, request.context), question.at),)
    # Asked before features are waited for: on one connection both questions travel together.
    counting = None if request.after else counters.read(asked, deadline_seconds=seconds)
    degraded: list[str] = []
    try:
        (known,) = await features.read((request.keys,), deadline_seconds=seconds)
        values, times = dict(known.values), known.times
    except StoreError:
        values, times = {}, {}
        degraded.append(FEATURES)
    except BaseException:
        if counting:
            counting.close()
        raise
    try:
        if request.after and not await _caught_up(counters, request.after, until=until):
            degraded.append(COUNTERS)
        (counted,) = await (counting or counters.read(asked, deadline_seconds=seconds))
        values.update(counted)
    except StoreError:
        if COUNTERS not in degraded:
            degraded.append(COUNTERS)
    return Seen(values, times, tuple(degraded))


async def _caught_up(counters: Counters, token: str, *, until: float) -> bool:
    """Wait until the events of a token are counted, and say whether they are in time."""
    while await counters.behind(token, deadline_seconds=max(_PAUSE_SECONDS, until - time.monotonic())):
        if time.monotonic() + _PAUSE_SECONDS > until:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
    return True


def counted_by(keys: Mapping[str, str], context: Mapping[str, Value]) -> Mapping[str, str]:
    """What counters may go by: devices, instruments and networks are columns of the event, not keys of a profile."""
    return {**{name: value for name, value in context.items() if isinstance(value, str)}, **keys}


def require_keys(point: DecisionPoint, keys: Mapping[str, str]) -> None:
    """Refuse keys that the point does not know: a misspelt one would go unnoticed as an unknown entity."""
    if unknown := sorted(set(keys) - set(point.keys)):
        known = ", ".join(point.keys)
        raise InputError(f"{point.name} knows no key {unknown[0]!r}; its keys are {known}")


def event_time(occurred_at: datetime | None, *, now: datetime, tolerance: timedelta) -> datetime:
    """When an event happened, in a marketplace whose clock is the wall's.

    Raises
    ------
    InputError
        It lies further from now than `tolerance`: features as of now are not what was known then.
    """
    if occurred_at is None:
        return now
    if abs(occurred_at - now) > tolerance:
        raise InputError(
            f"occurred_at {occurred_at.isoformat()} lies more than {tolerance.total_seconds():.0f} s from now; "
            "a live decision is asked for when it happens"
        )
    return occurred_at.astimezone(UTC)


def played_time(occurred_at: datetime) -> datetime:
    """When an event happened, in a marketplace whose history is replayed or simulated: any time that can be one."""
    if not _FIRST <= occurred_at < _END:
        raise InputError(f"occurred_at {occurred_at.isoformat()} lies outside {_FIRST.year} to {_END.year}")
    return occurred_at.astimezone(UTC)
