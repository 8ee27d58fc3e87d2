"""What an account did on a day, and how likely the manner of each of its looks is for different kinds of people."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Floats, Ints, Today
from governance.marketplaces.simulated.stage.buying import running_buyers
from governance.marketplaces.simulated.stage.touches import FARMED, Manner, Touches
from governance.marketplaces.simulated.stage.viewers import Habits

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World


@dataclass(slots=True)
class AccountDays:
    """What each account did today: `first` is its first touch, `looks` and `rows` count, `of_touch` maps touches here.

    `farmed` and `campaign` are the truth, `paid` is an ideal observer's belief, and `by_itself` what it would believe
    if it did not know whose contents they were.
    """

    buyer: Ints
    first: Ints
    looks: Ints
    rows: Ints
    of_touch: Ints
    farmed: Bools
    campaign: Ints
    paid: Floats
    by_itself: Floats


def account_days(touches: Touches, rows: Ints) -> AccountDays:
    """Touches, sorted by account and time, gathered by account; nothing is believed yet."""
    buyer, first, of_touch, looks = np.unique(touches.buyer, return_index=True, return_inverse=True, return_counts=True)
    by_farm = np.where(touches.hand == FARMED, touches.campaign, -1)
    campaign = np.maximum.reduceat(by_farm, first) if len(first) else by_farm
    return AccountDays(
        buyer=buyer,
        first=first.astype(np.int64),
        looks=looks.astype(np.int64),
        rows=np.add.reduceat(rows, first) if len(first) else rows,
        of_touch=of_touch.astype(np.int64),
        farmed=campaign >= 0,
        campaign=campaign,
        paid=np.zeros(len(buyer)),
        by_itself=np.zeros(len(buyer)),
    )


@dataclass(frozen=True, slots=True)
class Manners:
    """Logs of how likely the manner of each touch is: of one's own accord, and in an exchange."""

    ordinary: Floats
    exchanged: Floats


def manners(world: "World", today: Today, touches: Touches, habits: Habits) -> Manners:
    """How likely the manner of each of today's touches is for those who are not paid by a click farm."""
    ordinary = likelihood(touches, *habits.at(touches.content, touches.buyer))
    known = [as_paid(touches, tactic) for _, _, tactic in running_buyers(world, today)]
    exchanged = np.logaddexp.reduce(known, axis=0) - np.log(len(known)) if known else ordinary
    return Manners(ordinary, exchanged)


def likelihood(touches: Touches, mean: Floats, spread: Floats, chances: Floats) -> Floats:
    """The log of how likely the manner of each touch is."""
    away = (np.log(touches.seconds) - mean) / spread
    reacted = touches.reacted()
    reactions: Floats = np.log(np.where(reacted, chances, 1 - chances)).sum(axis=1)
    return reactions - away**2 / 2 - np.log(spread)


def as_paid(touches: Touches, manner: Manner) -> Floats:
    """The log of how likely the manner of each touch is for somebody who is paid to have this one."""
    size = len(touches)
    chances = np.broadcast_to(manner.chances, (size, 4))
    return likelihood(touches, np.full(size, np.log(manner.seconds)), np.full(size, manner.spread), chances)
