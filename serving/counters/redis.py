"""Counters on Redis, for production: events go to a stream, consumers count them, the service reads windows.

The stream keeps what nobody has counted yet, through the death of any process; a counted event is known by its id for
as long as the longest window, so that an event that is sent twice, or claimed from a dead consumer, counts once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import hiredis
import msgspec

from feature_repo.redis_connection import Address, Connection
from governance.counters.definition import LONGEST_MINUTES, SECONDS_A_MINUTE, WINDOWS, Counter, Event, minute_of
from governance.errors import StoreError
from serving.counters.scripts import READ
from serving.counters.store import Recorded

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

    def counter(self, counter: Counter, key: str) -> str:
        """What holds the minutes or members of one key."""
        return f"rt:{self.project}:{counter.name}:{key}"

    def counted(self, table: str, event_id: str) -> str:
        """The word that an event was counted."""
        return f"rt:{self.project}:seen:{table}:{event_id}"


def kind_of(counter: Counter) -> str:
    """How the scripts keep a counter."""
    return "member" if counter.measure == "distinct" else "amount"


class RedisCounters:
    """A `CounterStore` on Redis: recording appends to the stream and does not wait for consumers (see `behind`)."""

    def __init__(self, address: Address, *, project: str) -> None:
        self._connection, self._names = Connection(address), Names(project)

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

    async def read(
        self,
        counters: Sequence[Counter],
        keys: Mapping[str, str],
        *,
        at: datetime,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> dict[str, int]:
        """Read all windows of all counters in one round trip."""
        wanted = [counter for counter in counters if counter.asked_by in keys]
        if not wanted:
            return {}
        minute = minute_of(at)
        before = [minute - minutes for minutes in WINDOWS.values()]
        names = [self._names.counter(counter, keys[counter.asked_by]) for counter in wanted]
        arguments = [len(names), *names, len(before), *before, *map(kind_of, wanted)]
        try:
            found = await self._ask(("EVALSHA", _READ_DIGEST, *arguments), deadline_seconds=deadline_seconds)
        except StoreError as problem:
            # A server that was started anew has forgotten the script.
            if "NOSCRIPT" not in str(problem):
                raise
            found = await self._ask(("EVAL", READ, *arguments), deadline_seconds=deadline_seconds)
        return dict(zip((name for counter in wanted for name in counter.features), found[0], strict=True))

    async def behind(self, token: str) -> bool:
        """Whether an entry up to the token has not been handed out yet, or was and is not acknowledged."""
        if not token:
            return False
        wanted, stream, group = entry_order(token), self._names.stream, self._names.group
        try:
            # What was handed out first, then what of it is pending: the other way round, an entry that is handed out
            # in between would be in neither.
            groups, pending = await self._ask(("XINFO", "GROUPS", stream), ("XPENDING", stream, group))
        except StoreError as problem:
            if "NOGROUP" in str(problem):
                return True
            raise
        ours = next(found for found in map(_paired, groups) if found[b"name"] == group.encode())
        if entry_order(ours[b"last-delivered-id"].decode()) < wanted:
            return True
        return pending[1] is not None and entry_order(pending[1].decode()) <= wanted

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def _ask(self, *commands: tuple[Any, ...], deadline_seconds: float = DEADLINE_SECONDS) -> list[Any]:
        packed = b"".join(hiredis.pack_command(command) for command in commands)
        return await self._connection.ask(packed, len(commands), deadline_seconds)


_READ_DIGEST = hashlib.sha1(READ.encode(), usedforsecurity=False).hexdigest()
"""What Redis calls the script."""


def _paired(reply: Sequence[Any]) -> dict[bytes, Any]:
    return dict(zip(reply[::2], reply[1::2], strict=True))


def entry_order(entry: str) -> tuple[int, int]:
    """An entry's place in its stream.

    >>> entry_order("1526919030474-55") < entry_order("1526919030474-123")
    True
    """
    milliseconds, number = entry.split("-")
    return int(milliseconds), int(number)
