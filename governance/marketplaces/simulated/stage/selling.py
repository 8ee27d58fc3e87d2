"""Which content sold an order line."""

from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.chance import MINUTE, Ints, Today
from governance.marketplaces.simulated.stage.choosing import fill
from governance.marketplaces.simulated.stage.contents import SHOWN

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_SOLD_BY_CONTENT = 0.8
"""Share of the lines that a content sold, of those whose listing one shows."""


def attribution(world: "World", today: Today, listing: Ints, at: Ints, line_key: Ints) -> tuple[Ints, Ints]:
    """The numbers of the creator and of the content that sold each line, -1 for none.

    Contents show listings of their own market, and sell them the better the more they draw today, once they have
    started. The rows of `listing`, `at` (microseconds) and `line_key` are the lines.
    """
    contents, draw = world.stage.contents, today.draw("attribution")
    shown = contents.shown().ravel()
    weight = np.repeat(contents.drawn(today.index, world.stage.creators), SHOWN) * (shown >= 0)
    urn = fill(group=np.maximum(shown, 0), weight=weight, groups=len(world.shops.listings))
    found = urn.pick(listing, draw.uniform(line_key))
    found = np.where(draw.happens(line_key, _SOLD_BY_CONTENT) & (found >= 0), found // SHOWN, -1)
    if not len(contents):
        return found, found.copy()
    found = np.where(contents.started[np.maximum(found, 0)] < at - MINUTE, found, -1)
    return np.where(found >= 0, contents.creator[found], -1), np.where(found >= 0, contents.number[found], -1)
