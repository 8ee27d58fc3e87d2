"""Counts the events of the stream: as many of these processes as one likes, each event once.

An entry is acknowledged in the step that counts it. What a dead consumer had been handed is claimed by the others.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from redis import Redis, exceptions

from governance.counters.definition import LONGEST_MINUTES, Counter, Event, additions, minute_of
from serving.counters.redis import KEPT_SECONDS, Names
from serving.counters.redis_plan import kind_of
from serving.counters.scripts import COUNT

ENTRIES_AT_ONCE = 500
WAIT_MILLISECONDS = 500
CLAIMED_AFTER_MILLISECONDS = 5_000
"""An entry that a consumer holds this long is taken from it: it is dead, or counting has become that slow."""

REFUSED_AT_MOST = 10_000
_PAUSE_SECONDS = 0.5
_log = logging.getLogger("governance.counting")

Entry = tuple[bytes, dict[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one step did: events counted, events that had been counted before, entries that are no events."""

    new: int = 0
    repeated: int = 0
    refused: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.new + other.new, self.repeated + other.repeated, self.refused + other.refused)


class Consumer:
    """One member of the group, with a name of its own: two at once must not share it."""

    def __init__(self, client: Redis, counters: Sequence[Counter], *, project: str, name: str) -> None:
        # Its types are those of both kinds of client at once.
        self._client: Any = client
        self._counters = tuple(counters)
        self._names, self._name = Names(project), name
        self._count = client.register_script(COUNT)

    def start(self) -> Counted:
        """Join the group, and first count what this name was handed before it died."""
        try:
            self._client.xgroup_create(self._names.stream, self._names.group, id="0", mkstream=True)
        except exceptions.ResponseError as problem:
            if not str(problem).startswith("BUSYGROUP"):
                raise
        done = Counted()
        while held := self._handed("0", wait_milliseconds=None):
            done += self._apply(held)
        return done

    def step(self, *, wait_milliseconds: int = WAIT_MILLISECONDS) -> Counted:
        """Count what a dead consumer left and what has come, waiting a moment for it; drop what all are done with."""
        _, left, *_ = self._client.xautoclaim(
            self._names.stream,
            self._names.group,
            self._name,
            CLAIMED_AFTER_MILLISECONDS,
            count=ENTRIES_AT_ONCE,
        )
        done = self._apply(left) + self._apply(self._handed(">", wait_milliseconds=wait_milliseconds))
        self._trim()
        return done

    def run(self, *, going_on: Callable[[], bool]) -> Counted:
        """Count until told to stop; what was handed out is counted before this returns.

        A Redis that goes away is waited for: what it holds is counted when it is back.
        """
        total = Counted()
        step = self.start
        while going_on():
            try:
                total, step = total + step(), self.step
            except (exceptions.ConnectionError, exceptions.TimeoutError) as problem:
                _log.warning("Redis does not answer, trying again: %s", problem)
                time.sleep(_PAUSE_SECONDS)
                step = self.start
        return total

    def _handed(self, after: str, *, wait_milliseconds: int | None) -> list[Entry]:
        found = self._client.xreadgroup(
            self._names.group,
            self._name,
            {self._names.stream: after},
            count=ENTRIES_AT_ONCE,
            block=wait_milliseconds,
        )
        return found[0][1] if found else []

    def _apply(self, entries: Iterable[Entry]) -> Counted:
        read = [(entry, _event(fields)) for entry, fields in entries]
        refused = [(entry, why) for entry, why in read if isinstance(why, str)]
        for entry, why in refused:
            self._refuse(entry, why)
        events = [(entry, event) for entry, event in read if isinstance(event, Event)]
        with self._client.pipeline(transaction=False) as pipe:
            for entry, event in events:
                self._count(
                    keys=[self._names.stream, self._names.counted(event.table, event.event_id)],
                    args=self._arguments(entry, event),
                    client=pipe,
                )
            new = sum(pipe.execute()) if events else 0
        return Counted(new, len(events) - new, len(refused))

    def _arguments(self, entry: bytes, event: Event) -> list[Any]:
        minute = minute_of(event.occurred_at)
        found: list[Any] = [self._names.group, entry, KEPT_SECONDS, minute - LONGEST_MINUTES]
        for addition in additions(event, self._counters):
            member = addition.counter.measure == "distinct"
            name = self._names.counter(addition.counter, addition.key)
            found += [kind_of(addition.counter), name, minute, addition.member if member else addition.amount]
        return found

    def _refuse(self, entry: bytes, why: str) -> None:
        """Put an entry that is no event aside, with the reason, so that it does not come back for ever."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xadd(self._names.refused, {"entry": entry, "why": why}, maxlen=REFUSED_AT_MOST, approximate=True)
            pipe.xack(self._names.stream, self._names.group, entry)
            pipe.execute()

    def _trim(self) -> None:
        """Drop entries that every consumer has acknowledged; what still waits is never dropped."""
        oldest = self._client.xpending(self._names.stream, self._names.group)["min"]
        if oldest is None:
            groups = self._client.xinfo_groups(self._names.stream)
            oldest = next(one["last-delivered-id"] for one in groups if one["name"] == self._names.group.encode())
        self._client.xtrim(self._names.stream, minid=oldest, approximate=True)


def _event(fields: dict[bytes, bytes]) -> Event | str:
    """The event of an entry, or why it is none."""
    try:
        return msgspec.json.decode(fields.get(b"event", b""), type=Event)
    except (msgspec.DecodeError, ValueError) as problem:
        return str(problem)
