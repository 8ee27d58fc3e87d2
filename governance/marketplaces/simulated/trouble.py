"""What goes wrong without anybody's bad intent: sellers that fall ill or run out of stock, carriers on strike."""

from dataclasses import dataclass, field

import numpy as np

from governance.marketplaces.simulated.campaign import strained
from governance.marketplaces.simulated.chance import Floats, Today
from governance.marketplaces.simulated.markets import CARRIERS, MARKETS
from governance.marketplaces.simulated.people import Sellers

_SPELLS_PER_SELLER_AND_DAY = 0.004
_LONG_SPELLS = 0.3
_STRIKES_PER_CARRIER_AND_DAY = 0.004


@dataclass(slots=True)
class Strikes:
    """Until which day each carrier (market by number) is on strike."""

    until: Floats = field(default_factory=lambda: np.full((len(MARKETS), CARRIERS), -1.0))

    def begin(self, today: Today) -> None:
        """Strikes that start today; each lasts a few days."""
        chance = today.chance("strikes")
        starts = chance.random(self.until.shape) < _STRIKES_PER_CARRIER_AND_DAY
        lasts = chance.uniform(2.0, 6.0, self.until.shape)
        self.until = np.where(starts, today.index + lasts, self.until)


def begin_spells(today: Today, sellers: Sellers) -> None:
    """Sellers that cannot ship from today on, most for days, some for weeks: to others it looks like the campaign."""
    chance = today.chance("spells")
    size = len(sellers)
    starts = chance.random(size) < _SPELLS_PER_SELLER_AND_DAY
    long = chance.random(size) < _LONG_SPELLS
    lasts = np.where(long, chance.uniform(9.0, 21.0, size), chance.uniform(3.0, 9.0, size))
    begins = starts & (sellers.trouble_until <= today.index) & (sellers.turns > today.index)
    sellers.trouble_until = np.where(begins, today.index + lasts, sellers.trouble_until)


def slowness(today: Today, sellers: Sellers) -> Floats:
    """Slowness of every seller today; one that is about to turn already strains."""
    return sellers.slowness + 0.8 * strained(sellers, today.index)


def in_trouble(today: Today, sellers: Sellers) -> Floats:
    """Days for which every seller will not ship, 0 for most."""
    return np.maximum(sellers.trouble_until - today.index, 0.0)
