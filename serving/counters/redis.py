"""Counters on Redis, for production: events go to a stream, consumers count them, the service reads windows.

The stream keeps what nobody has counted yet, through the death of any process; a counted event is known by its id for
as long as the longest window, so that an event that is sent twice, or claimed from a dead consumer, counts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import hiredis
import msgspec

from feature_repo.redis_connection import Connection, Replying
from governance.counters.definition import LONGEST_MINUTES, SECONDS_A_MINUTE, Counter, Event, minute_of
from governance.errors import StoreError
from serving.counters.redis_plan import Plan, Plans
from serving.counters.scripts import READ
from serving.counters.store import Asked, Counting, Recorded

KEPT_SECONDS = (LONGEST_MINUTES + 60) * SECONDS_A_MINUTE
"""How long counters and ids outlive their last event: the longest window and an hour for clocks that differ."""

DEADLINE_SECONDS = 1.0
"""What an answer is waited for where the caller names no shorter time."""

WAITING_AT_MOST = 1_000_000
"""Events that may wait in the stream, about 300 MB. Beyond that producers are told to wait: Redis must not run full."""


@dataclass(frozen=True, slots=True)
class Names:
    """Keys of one project's counters in Redis."""

    project: str

    @property
    def stream(self) -> str:
        """Events that wait to be counted, and those counted lately."""
        return f"rt:{self.project}:events"

    @property
    def refused(self) -> str:
        """Entries that are no events, with the reason."""
        return f"rt:{self.project}:refused"

    @property
    def group(self) -> str:
        """The consumers that share the work."""
        return "counters"

    @property
    def prefix(self) -> str:
        """What the keys of all counters begin with."""
        return f"rt:{self.project}:"

    def counter(self, counter: Counter, key: str) -> str:
        """What holds the minutes or members of one key."""
        return f"{self.prefix}{counter.name}:{key}"

    def counted(self, table: str, event_id: str) -> str:
        """The word that an event was counted."""
        return f"rt:{self.project}:seen:{table}:{event_id}"


class RedisCounters:
    """A `CounterStore` on Redis: recording appends to the stream and does not wait for consumers (see `behind`)."""

    def __init__(self, connection: Connection, counters: Sequence[Counter], *, project: str) -> None:
        self._connection, self._names = connection, Names(project)
        self._plans = Plans(counters, prefix=self._names.prefix)

    async def record(self, events: Sequence[Event], *, now: datetime) -> Recorded:
        """Append events to the stream. Where it fails half-way, send all of them again: an event counts once.

        Raises
        ------
        StoreError
            Redis does not answer, or too many events wait already.
        """
        oldest = minute_of(now) - LONGEST_MINUTES
        recent = [event for event in events if minute_of(event.occurred_at) > oldest]
        if (await self._ask(("XLEN", self._names.stream)))[0] + len(recent) > WAITING_AT_MOST:
            raise StoreError(f"{WAITING_AT_MOST} events wait to be counted; see that `govern count` runs")
        adding = [("XADD", self._names.stream, "*", "event", msgspec.json.encode(event)) for event in recent]
        entries = await self._ask(*adding) if adding else []
        token = entries[-1].decode() if entries else ""
        return Recorded(accepted=len(recent), repeated=0, too_old=len(events) - len(recent), token=token)

    def read(self, asked: Sequence[Asked], *, deadline_seconds: float = DEADLINE_SECONDS) -> Counting:
        """Ask for all windows of all counters of all who are asked about; the question is on its way at once."""
        plans = [self._plans.of(keys) for keys, _ in asked]
        commands = [
            plan.command(keys, minute_of(at)) for plan, (keys, at) in zip(plans, asked, strict=True) if plan.features
        ]
        asking = self._send(commands, deadline_seconds) if commands else None
        return self._read(asking, plans, commands, deadline_seconds)

    async def behind(self, token: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> bool:
        """Whether an entry up to the token has not been handed out yet, or was and is not acknowledged."""
        if not token:
            return False
        wanted, stream, group = entry_order(token), self._names.stream, self._names.group
        try:
            # What was handed out first, then what of it is pending: the other way round, an entry that is handed out
            # in between would be in neither.
            questions = ("XINFO", "GROUPS", stream), ("XPENDING", stream, group)
            groups, pending = await self._ask(*questions, deadline_seconds=deadline_seconds)
        except StoreError as problem:
            if "NOGROUP" in str(problem):
                return True
            raise
        ours = next(found for found in map(_paired, groups) if found[b"name"] == group.encode())
        if entry_order(ours[b"last-delivered-id"].decode()) < wanted:
            return True
        return pending[1] is not None and entry_order(pending[1].decode()) <= wanted

    async def close(self) -> None:
        """Close the connection, also for others who share it."""
        await self._connection.close()

    async def _read(
        self, asking: Replying | None, plans: Sequence[Plan], commands: Sequence[bytes], deadline_seconds: float
    ) -> list[Mapping[str, int]]:
        try:
            replies = iter(await asking if asking else ())
        except StoreError as problem:
            # A server that was started anew has forgotten the script.
            if "NOSCRIPT" not in str(problem):
                raise
            await self._ask(("SCRIPT", "LOAD", READ))
            replies = iter(await self._send(commands, deadline_seconds))
        return [dict(zip(plan.features, next(replies), strict=True)) if plan.features else {} for plan in plans]

    async def _ask(self, *commands: tuple[Any, ...], deadline_seconds: float = DEADLINE_SECONDS) -> list[Any]:
        return await self._send([hiredis.pack_command(command) for command in commands], deadline_seconds)

    def _send(self, commands: Sequence[bytes], deadline_seconds: float) -> Replying:
        return self._connection.ask(b"".join(commands), len(commands), deadline_seconds)


def _paired(reply: Sequence[Any]) -> dict[bytes, Any]:
    return dict(zip(reply[::2], reply[1::2], strict=True))


def entry_order(entry: str) -> tuple[int, int]:
    """An entry's place in its stream.

    >>> entry_order("1526919030474-55") < entry_order("1526919030474-123")
    True
    """
    milliseconds, number = entry.split("-")
    return int(milliseconds), int(number)
