"""Which listings people have in mind who know beforehand what they will order."""

from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World


def chosen_listings(world: "World", today: Today, key: Ints, market: Ints, draw: Draw, *, dearness: float) -> Ints:
    """A listing of its market for each key, -1 where there is none.

    Parameters
    ----------
    dearness
        Listings are weighted by their price to this power: above 0 for those who resell, below for those who only
        want a coupon's bonus.
    """
    shops = world.shops
    listings = shops.listings
    open_now = listings.offered(shops.sellers, today.index)
    mark = draw.uniform(key)
    found = np.full(len(key), -1, dtype=np.int64)
    for place in range(len(MARKETS)):
        mine = np.flatnonzero(market == place)
        if len(mine):
            found[mine] = _picked(
                listings.price_minor, listings.appeal, open_now & (listings.market == place), mark[mine], dearness
            )
    return found


def _picked(price: Ints, appeal: Floats, eligible: Bools, mark: Floats, dearness: float) -> Ints:
    rows = np.flatnonzero(eligible)
    if not len(rows):
        return np.full(len(mark), -1, dtype=np.int64)
    running = np.cumsum(appeal[rows] * price[rows].astype(np.float64) ** dearness)
    chosen: Ints = rows[np.minimum(np.searchsorted(running, mark * running[-1], side="right"), len(rows) - 1)]
    return chosen
