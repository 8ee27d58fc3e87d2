"""Time and chance: every draw is keyed by seed, day, purpose and entity, so that nothing else can change it.

More days change no earlier day, and what happens to one entity changes no draw of another: two worlds that
differ in one decision differ only in what follows from it.
"""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

from governance.contracts.calendar import midnight

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NEVER = 1_000_000
"""A day that no simulation reaches."""

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1
# Made once: a day mixes 1,600 times, mostly a few words, and making these took a quarter of it.
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_UNUSED_BITS = np.uint64(11)


@dataclass(frozen=True, slots=True)
class Today:
    """The day being simulated: `index` counts from the first day, which is day 0."""

    seed: int
    first_day: date
    index: int

    @property
    def date(self) -> date:
        """The day in the calendar."""
        return self.first_day + timedelta(days=self.index)

    @property
    def start(self) -> int:
        """The midnight that begins it, in microseconds since 1970 (UTC)."""
        return round(midnight(self.date).timestamp()) * SECOND

    def draw(self, purpose: str) -> "Draw":
        """Random numbers for one purpose on this day."""
        return Draw(self.seed, self.index, purpose)


class Draw:
    """Random numbers for entities, one stream for each.

    What an entity gets depends on the seed, the day, the purpose, the entity's key and on how many draws went
    before, never on which other entities are asked for or in which order. Keys are integers of any size: the number
    of an account, or several numbers made one by `joint`.

    The generator is the counter-based form of SplitMix64: the finaliser of a key and a counter (Steele, Lea and
    Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). NumPy's generators are keyed by the place
    in an array, not by the entity.

    >>> draw = Draw(7, 0, "example")
    >>> both = draw.uniform(np.array([3, 5]))
    >>> again = Draw(7, 0, "example").uniform(np.array([5, 3, 4]))
    >>> bool(both[0] == again[1] and both[1] == again[0])
    True
    """

    __slots__ = ("_entity", "_key", "_mixed_entity", "_step")

    def __init__(self, seed: int, day: int, purpose: str) -> None:
        key = _mixed((seed * _GOLDEN + day) & _WORD)
        self._key = _mixed(key ^ zlib.crc32(purpose.encode()))
        self._step = 0
        self._entity: Ints | None = None
        self._mixed_entity: Words = np.empty(0, dtype=np.uint64)

    def uniform(self, entity: Ints, low: float | Floats = 0.0, high: float | Floats = 1.0) -> Floats:
        """Numbers of [low, high), shape of `entity`."""
        return low + self._unit(entity) * (high - low)

    def _unit(self, entity: Ints) -> Floats:
        """Numbers of [0, 1)."""
        self._step += 1
        step = _mixed((self._key + self._step * _GOLDEN) & _WORD)
        words = mix(self._of(entity) ^ np.uint64(step))
        return (words >> _UNUSED_BITS).astype(np.float64) * 2.0**-53

    def _of(self, entity: Ints) -> Words:
        """The first half of the work, done once for draws that follow each other for the same entities."""
        if entity is not self._entity:
            self._mixed_entity = mix(entity.astype(np.uint64) + np.uint64(self._key))
            self._entity = entity
        return self._mixed_entity

    def happens(self, entity: Ints, share: float | Floats) -> Bools:
        """True with probability `share`."""
        return np.asarray(self._unit(entity) < share, dtype=np.bool_)

    def integers(self, entity: Ints, low: int | Ints, high: int | Ints) -> Ints:
        """Whole numbers of [low, high)."""
        return np.floor(self.uniform(entity, np.asarray(low, float), np.asarray(high, float))).astype(np.int64)

    def normal(self, entity: Ints, mean: float | Floats = 0.0, deviation: float | Floats = 1.0) -> Floats:
        """Normal numbers."""
        # Half a step above zero, so that the inverse is finite.
        standard: Floats = ndtri(self._unit(entity) + 2.0**-54)
        return mean + deviation * standard

    def lognormal(self, entity: Ints, median: float | Floats = 1.0, spread: float | Floats = 1.0) -> Floats:
        """`median` times e to a normal number of standard deviation `spread`."""
        return median * np.exp(self.normal(entity, 0.0, spread))

    def exponential(self, entity: Ints, mean: float | Floats = 1.0) -> Floats:
        """Exponential numbers."""
        return -np.log1p(-self._unit(entity)) * mean

    def gamma(self, entity: Ints, shape: float) -> Floats:
        """Gamma numbers of scale 1."""
        found: Floats = gammaincinv(shape, self._unit(entity))
        return found

    def pick(self, entity: Ints, shares: npt.ArrayLike) -> Ints:
        """A place in `shares`, each with its share of their sum; shares are (k,) for all or (n, k), one row each."""
        steps = np.cumsum(np.asarray(shares, dtype=np.float64), axis=-1)
        mark = self._unit(entity) * steps[..., -1]
        alike = steps.ndim == 1
        place = np.searchsorted(steps, mark, side="right") if alike else (mark[:, None] >= steps).sum(axis=1)
        found: Ints = np.minimum(place, steps.shape[-1] - 1).astype(np.int64)
        return found

    def poisson(self, entity: Ints, mean: float | Floats) -> Ints:
        """Poisson counts by inversion; meant for means below about a hundred."""
        mark = self._unit(entity)
        rate = np.broadcast_to(np.asarray(mean, dtype=np.float64), mark.shape)
        term = np.exp(-rate)
        total, count = term.copy(), np.zeros(mark.shape, dtype=np.int64)
        number = 0
        while (beyond := (mark >= total) & (number < rate + 12 * np.sqrt(rate) + 12)).any():
            number += 1
            count[beyond] = number
            term = term * rate / number
            total = total + term
        return count

    def moment(self, entity: Ints, today: Today) -> Ints:
        """Moments of today (microseconds), ten minutes before its end at the latest: what follows is still of today."""
        return today.start + self.integers(entity, 0, DAY - 10 * MINUTE)

    def working_time(self, entity: Ints, today: Today) -> Ints:
        """Moments between 07:00 and 19:00 UTC of today (microseconds)."""
        return today.start + 7 * HOUR + self.integers(entity, 0, 12 * HOUR)


def mix(words: Words) -> Words:
    """The finaliser of SplitMix64: a one-to-one map in which every bit of the input reaches every bit of the output."""
    words = (words ^ (words >> _SHIFTS[0])) * _FACTORS[0]
    words = (words ^ (words >> _SHIFTS[1])) * _FACTORS[1]
    return words ^ (words >> _SHIFTS[2])


def joint(*numbers: Ints | int) -> Ints:
    """One key for several numbers, such as a buyer and the count of its orders today; at least one must be an array."""
    key = np.zeros(1, dtype=np.uint64)
    for number in numbers:
        key = mix(key * np.uint64(3) + np.asarray(number).astype(np.uint64) + np.uint64(_GOLDEN))
    return key.view(np.int64)


def due(per_day: float, day: int) -> int:
    """How many of a steady stream fall on a day: fractions carry over, so that counts vary little.

    >>> [due(0.4, day) for day in range(5)]
    [0, 0, 1, 0, 1]
    """
    return int(per_day * (day + 1)) - int(per_day * day)


def micros(days: Floats) -> Ints:
    """Durations in days as whole microseconds."""
    return np.rint(days * DAY).astype(np.int64)


def known_after(
    occurred: Ints, entity: Ints, draw: Draw, *, minutes: float, late_share: float, late_hours: tuple[float, float]
) -> Ints:
    """When facts become known: minutes after they occurred, and for a share of them hours or days late.

    Parameters
    ----------
    occurred
        Microseconds since 1970.
    minutes
        Mean delay of a fact that comes in time.
    late_share, late_hours
        Share of the facts that come late, and the shortest and longest delay of those.
    """
    usual = draw.exponential(entity, minutes) * MINUTE
    late = draw.uniform(entity, *late_hours) * HOUR
    return occurred + np.where(draw.happens(entity, late_share), late, usual).astype(np.int64)


def _mixed(word: int) -> int:
    """`mix` of one number; NumPy would take ten times as long to begin."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)
