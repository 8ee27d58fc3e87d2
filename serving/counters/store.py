"""What a store of real-time counters does, whatever it stands on."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from governance.counters.definition import Event

Asked = tuple[Mapping[str, str], datetime]
"""Keys by name, and the moment at which the windows end."""

Counting = Coroutine[Any, Any, list[Mapping[str, int]]]
"""Features of counters, one mapping for each who is asked about; they may be on their way before they are awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of events: accepted, known to have been counted before, too old for any window.

    `token` stands for the accepted ones: a decision that must not miss them passes it on (see `CounterStore.behind`).
    It is empty where they are counted already.
    """

    accepted: int
    repeated: int
    too_old: int
    token: str


class CounterStore(Protocol):
    """Counts events once each, and says what the windows hold."""

    async def record(self, events: Sequence[Event], *, now: datetime) -> Recorded:
        """Count events; one whose id was seen within the longest window changes nothing."""

    def read(self, asked: Sequence[Asked], *, deadline_seconds: float = ...) -> Counting:
        """For each, features of the counters whose key is named; StoreError where the answer comes late."""

    async def behind(self, token: str, *, deadline_seconds: float = ...) -> bool:
        """Whether events of this token are not counted yet; StoreError where no answer comes in time."""

    async def close(self) -> None:
        """Let go of connections; what was recorded stays."""
