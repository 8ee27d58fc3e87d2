"""Time and chance: every draw is keyed by seed, day and purpose, so that more days change no earlier day."""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from governance.contracts.calendar import midnight

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NEVER = 1_000_000
"""A day that no simulation reaches."""


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

    def chance(self, purpose: str) -> np.random.Generator:
        """A generator that depends on the seed, the day and the purpose only."""
        return np.random.default_rng([self.seed, self.index, zlib.crc32(purpose.encode())])

    def working_time(self, chance: np.random.Generator, size: int) -> Ints:
        """Moments between 07:00 and 19:00 UTC of this day, in microseconds."""
        return self.start + 7 * HOUR + chance.integers(0, 12 * HOUR, size)

    def any_time(self, chance: np.random.Generator, size: int) -> Ints:
        """Moments of this day, ten minutes before its end at the latest: what follows within minutes is known today."""
        return self.start + chance.integers(0, DAY - 10 * MINUTE, size)


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
    occurred: Ints, chance: np.random.Generator, *, minutes: float, late_share: float, late_hours: tuple[float, float]
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
    size = len(occurred)
    usual = chance.exponential(minutes, size) * MINUTE
    late = chance.uniform(*late_hours, size) * HOUR
    return occurred + np.where(chance.random(size) < late_share, late, usual).astype(np.int64)
