"""What keeps one caller, or all of them together, from taking more than there is."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from governance.errors import GovernanceError

_TICK_SECONDS = 0.005
_A_WHILE_SECONDS = 0.1
_FEW = 8


class TooMany(GovernanceError):  # noqa: N818 - the service's answer
    """A limit is reached; `retry_after_seconds` says when to come again."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class Overloaded(TooMany):
    """The service as a whole has no room left."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """A token bucket for each caller: `per_second` in the long run, `burst` at once.

    >>> limit = RateLimit(per_second=2.0, burst=2.0)
    >>> limit.take("shop", at=0.0), limit.take("shop", at=0.0)
    (0.0, 0.0)
    >>> limit.take("shop", at=0.0)
    0.5
    >>> limit.take("shop", at=0.5)
    0.0
    """

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str, *, at: float, cost: float = 1.0) -> float:
        """Take `cost` tokens at the monotonic time `at`; return 0, or the seconds to wait where too few are there."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(self._burst, at)
        else:
            bucket.tokens = min(self._burst, bucket.tokens + (at - bucket.filled_at) * self._per_second)
            bucket.filled_at = at
        if bucket.tokens >= cost:
            bucket.tokens -= cost
            return 0.0
        return (cost - bucket.tokens) / self._per_second


class InFlight:
    """How many requests are being worked on; a further one is turned away rather than queued without end.

    A burst may take all the room there is, and is worked off. Where `lasting` requests or more have been worked on for
    a while, more come than can be answered: room only makes everybody wait then. From there on `lasting` are worked on
    at once, as many as keep a worker busy, until nobody had to be turned away for the same while (after the controlled
    delay of Maurer, "Fail at Scale", ACM Queue 2015).
    """

    def __init__(self, at_most: int, *, lasting: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most, self._lasting, self._clock = at_most, min(lasting, at_most), clock
        self._crowded_since = self._crowded_until = 0.0
        self.count = 0

    def __enter__(self) -> None:
        """Count one request while it is worked on; Overloaded where there is no room."""
        if self.count >= self._lasting:
            self._require_room(self._clock())
        self.count += 1
        if self.count == self._lasting:
            self._crowded_since = self._clock()

    def __exit__(self, *_: object) -> None:
        """It is answered."""
        self.count -= 1

    def _require_room(self, now: float) -> None:
        lasts = now < self._crowded_until or now - self._crowded_since > _A_WHILE_SECONDS
        if lasts:
            self._crowded_until = now + _A_WHILE_SECONDS
        if lasts or self.count >= self._at_most:
            raise Overloaded(
                f"{self.count} requests are being worked on, which is all there is room for", retry_after_seconds=1
            )


class Backlog:
    """How far an event loop is behind: requests wait in it before anybody could count them as being worked on.

    The loop is asked to tick; as long as it has more to do than it can, the tick comes late, and so does everybody.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, seconds_at_most: float) -> None:
        self._loop, self._at_most = loop, seconds_at_most
        self._ticked, self._since = loop.time(), 0
        self._next = loop.call_later(_TICK_SECONDS, self._tick)

    def require_room(self) -> None:
        """Overloaded where the loop is too far behind: to refuse takes a hundredth of the time that to decide does."""
        self._since += 1
        behind = self._loop.time() - self._ticked - _TICK_SECONDS
        # A machine that stood still for a moment is late as well, but few requests wait then.
        if behind > self._at_most and self._since > _FEW:
            raise Overloaded(f"requests wait for {behind * 1000:.0f} ms before they are read", retry_after_seconds=1)

    def close(self) -> None:
        """Tick no more."""
        self._next.cancel()

    def _tick(self) -> None:
        self._ticked, self._since = self._loop.time(), 0
        self._next = self._loop.call_later(_TICK_SECONDS, self._tick)
