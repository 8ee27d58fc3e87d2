"""What gives writers away a little: turns that some use more often than others, and what an ideal reader makes of them.

Each kind of text draws its turns first, with a `Draw` of its own, so a second `Draw` of the same day and purpose
finds the same turns again: that is how the oracle knows what stands in a text without reading it.
"""

import math
from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of phrase: how often the honest use it, and those whom it gives away a little."""

    if_honest: float
    if_not: float

    def taken(self, draw: Draw, key: Ints, dishonest: Bools) -> Bools:
        """Whose text has it."""
        return draw.happens(key, np.where(dishonest, self.if_not, self.if_honest))

    def log_odds(self, taken: Bools) -> Floats:
        """What having it, or not, adds to the log odds of being dishonest."""
        has, lacks = math.log(self.if_not / self.if_honest), math.log((1 - self.if_not) / (1 - self.if_honest))
        return np.where(taken, np.float64(has), np.float64(lacks))


def nobody(key: Ints) -> Bools:
    """Nobody is dishonest."""
    return np.zeros(len(key), dtype=np.bool_)
