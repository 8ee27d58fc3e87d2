"""The question for a key's counters, encoded in advance as far as it is the same for everybody."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from governance.counters.definition import WINDOWS, Counter
from serving.counters.scripts import READ

READ_DIGEST = hashlib.sha1(READ.encode(), usedforsecurity=False).hexdigest()
"""What Redis calls the script."""


def kind_of(counter: Counter) -> str:
    """How the scripts keep a counter."""
    return "member" if counter.measure == "distinct" else "amount"


class Plans:
    """What is asked, by the keys that a request names: these are few combinations, each encoded once.

    Parameters
    ----------
    prefix : what all keys of these counters begin with in Redis.
    """

    def __init__(self, counters: Sequence[Counter], *, prefix: str) -> None:
        self._counters, self._prefix = tuple(counters), prefix
        self._askable = tuple(dict.fromkeys(counter.asked_by for counter in counters))
        self._made: dict[tuple[str, ...], Plan] = {}

    def of(self, keys: Mapping[str, str]) -> "Plan":
        """The plan for a request with these keys."""
        present = tuple([name for name in self._askable if name in keys])
        plan = self._made.get(present)
        if plan is None:
            asked = [counter for counter in self._counters if counter.asked_by in present]
            plan = self._made[present] = Plan(asked, prefix=self._prefix)
        return plan


class Plan:
    """Reads all windows of some counters at one moment, by one call of the script `READ`."""

    def __init__(self, counters: Sequence[Counter], *, prefix: str) -> None:
        self.features = tuple(name for counter in counters for name in counter.features)
        self._keys = [(f"{prefix}{counter.name}:".encode(), counter.asked_by) for counter in counters]
        words = 3 + len(counters) + 1 + len(WINDOWS) + len(counters)
        self._head = b"*%d\r\n" % words + _bulks("EVALSHA", READ_DIGEST, str(len(counters)))
        self._kinds = _bulks(*map(kind_of, counters))

    def command(self, keys: Mapping[str, str], minute: int) -> bytes:
        """The call for these keys at a minute (since 1970), in Redis' protocol."""
        parts = [self._head]
        for prefix, asked_by in self._keys:
            key = prefix + keys[asked_by].encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(key), key))
        parts += (_windows(minute), self._kinds)
        return b"".join(parts)


@lru_cache(maxsize=1_024)
def _windows(minute: int) -> bytes:
    """The number of windows and the last minute before each."""
    return _bulks(str(len(WINDOWS)), *(str(minute - minutes) for minutes in WINDOWS.values()))


def _bulks(*words: str) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in map(str.encode, words))
