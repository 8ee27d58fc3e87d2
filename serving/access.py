"""Who may come in: the key that a request carries, what it opens, and how much of it is left for this second."""

from collections.abc import Callable, Iterable
from datetime import datetime

from serving.keys import Key, KeyLedger, Scope
from serving.limits import RateLimit, TooMany
from serving.problems import Forbidden, Unauthenticated

_BEARER = b"bearer "


class Access:
    """The keys of a workspace as this worker last read them, and each caller's allowance.

    Parameters
    ----------
    now : the time of day, for expiry.
    monotonic : seconds that only go forward, for allowances.
    """

    def __init__(
        self, keys: KeyLedger, limit: RateLimit, *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._keys, self._limit, self._now, self._monotonic = keys, limit, now, monotonic
        self._version, self._ring = keys.version, keys.ring()

    def refresh(self) -> None:
        """Read the keys again where they have changed."""
        version = self._keys.version
        if version != self._version:
            self._ring, self._version = self._keys.ring(), version

    def admit(self, headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> Key:
        """The key of a request's headers.

        Raises
        ------
        Unauthenticated
            No key came with it, or one that is not valid: unknown, wrong, expired or revoked.
        Forbidden
            The key lacks the scope.
        TooMany
            The caller's allowance is used up.
        """
        token = _token(headers)
        key = self._ring.find(token, at=self._now()) if token else None
        if key is None:
            raise Unauthenticated("send a valid key as `Authorization: Bearer mg_...`; `govern keys add` makes one")
        if scope not in key.scopes:
            raise Forbidden(f"this key opens {', '.join(sorted(key.scopes))}, and this needs {scope}")
        self.charge(key, 1)
        return key

    def charge(self, key: Key, cost: float) -> None:
        """Take so much of a caller's allowance; TooMany where it is used up."""
        wait = self._limit.take(key.caller, at=self._monotonic(), cost=cost)
        if wait:
            raise TooMany(f"{key.caller} asks more often than its allowance", retry_after_seconds=wait)


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            try:
                return value[len(_BEARER) :].strip().decode("ascii")
            except UnicodeDecodeError:
                return None
    return None
