"""Tells an entity that nobody knows from a store that has lost everything: an empty Redis answers just as quickly."""

from collections import deque
from collections.abc import Mapping, Sequence

from governance.errors import StoreError
from serving.parts import Features, Known

_WITNESSES = 8
"""Entities that were known lately; of so many not all are removed for a good reason."""


class Witnessed:
    """A reader that does not believe that nothing at all is known, unless entities that were known still are.

    Before anything was ever found there is no witness, and the store is believed: new accounts are unknown everywhere.
    """

    def __init__(self, reader: Features) -> None:
        self._reader = reader
        self._witnesses: deque[Mapping[str, str]] = deque(maxlen=_WITNESSES)

    async def read(self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float) -> Sequence[Known]:
        """What the reader finds; StoreError where the store turns out to be empty."""
        found = await self._reader.read(requests, deadline_seconds=deadline_seconds)
        for request, known in zip(requests, found, strict=True):
            if _knows(known):
                self._witnesses.append(request)
                return found
        if self._witnesses and not await self._still_known(deadline_seconds):
            raise StoreError("the online store knows nothing any more, not even what it knew: govern repair online")
        return found

    async def _still_known(self, deadline_seconds: float) -> bool:
        return any(map(_knows, await self._reader.read([*self._witnesses], deadline_seconds=deadline_seconds)))


def _knows(known: Known) -> bool:
    return any(time is not None for time in known.times.values())
