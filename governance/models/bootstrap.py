"""Bootstrap by group: whole sellers or buyers are drawn, never single rows of one, so intervals are honest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from governance.models.rows import Floats, Integers
from governance.release.evidence import Interval

_CELLS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resamples:
    """Seeded draws of groups with replacement; the same object always yields the same draws.

    `groups` numbers each row's group from 0.
    """

    groups: Integers
    replicates: int
    seed: int

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        """Yield arrays (some replicates, rows): how often each row was drawn."""
        rng = np.random.default_rng(self.seed)
        count = int(self.groups.max()) + 1
        step = max(1, _CELLS_AT_ONCE // len(self.groups))
        for start in range(0, self.replicates, step):
            draws = [
                np.bincount(rng.integers(0, count, count), minlength=count)
                for _ in range(min(step, self.replicates - start))
            ]
            yield np.stack(draws).astype(np.float64)[:, self.groups]


def interval(value: float, replicates: Floats) -> Interval | None:
    """A figure with the middle 95 % of its replicates; None where the figure itself is undefined.

    Replicates in which it is undefined (no positive was drawn) do not count.
    """
    defined = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(defined) == 0:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))
