"""A creator's week: what is counted of it, and what an ideal observer makes of it by the time it is settled.

An approximation: a week says nothing by how much engagement there is, only by what that is like, how much of it may
have been bought is one of `SHARES_BOUGHT`, and whether a creator buys at all is carried on as a probability.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from governance.marketplaces.simulated.chance import Floats, Ints, Today
from governance.marketplaces.simulated.stage.account_days import AccountDays, Manners
from governance.marketplaces.simulated.stage.buying import bought_from_farms, running_buyers
from governance.marketplaces.simulated.stage.farms import running_farms
from governance.marketplaces.simulated.stage.touches import ORDINARY, REACTIONS, Touches

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

SHARES_BOUGHT = (0.15, 0.4, 0.7)
"""How much of a week's engagement may have been bought, one for each sum of evidence in the books."""

_BELIEF_AT_LEAST = 0.5
_PAID_AT_LEAST = 0.005
_FORGETS = 0.97


def count_week(world: "World", today: Today, touches: Touches, days: AccountDays, manner: Manners) -> None:
    """Add today's touches to the books.

    Looks of click farms come to everybody, for camouflage, so that even a sure one proves little.
    """
    books, size = world.stage.books, len(world.stage.books.views)
    creator = world.stage.contents.creator[touches.content]
    books.views += np.bincount(creator, minlength=size)
    liked = touches.reacted()[:, REACTIONS.index("like")]
    books.likes += np.bincount(creator, weights=liked, minlength=size).astype(np.int64)
    paid = np.clip(days.by_itself[days.of_touch], 1e-9, 1 - 1e-9)
    usual = float(np.clip(paid.mean(), _PAID_AT_LEAST, 0.5)) if len(paid) else _PAID_AT_LEAST
    farmed = paid / (1 - paid) * (1 - usual) / usual
    hidden = usual * _camouflage(world, today)
    from_farms = bought_from_farms(world, today)
    exchanged = np.exp(np.clip(manner.exchanged - manner.ordinary, -20, 20))
    ratio = (from_farms * farmed + (1 - from_farms) * exchanged) / (1 - hidden + hidden * farmed)
    for sums, share in zip((books.slight, books.even, books.heavy), SHARES_BOUGHT, strict=True):
        sums += np.bincount(creator, weights=np.log(1 - share + share * ratio), minlength=size)


def _camouflage(world: "World", today: Today) -> float:
    """The share of what click farms do that goes to those who do not pay."""
    shares = [tactic.camouflage for _, _, tactic in running_farms(world, today)]
    return float(np.mean(shares)) if shares else 0.0


def note_bought(world: "World", touches: Touches, campaign_of: Ints) -> None:
    """Keep for whom engagement came today that was paid for; `campaign_of` is -1 for creators who buy none."""
    creator = world.stage.contents.creator[touches.content[touches.hand != ORDINARY]]
    buyer = creator[campaign_of[creator] >= 0]
    world.stage.books.bought_for[buyer] = campaign_of[buyer]


def buying_belief(world: "World", today: Today) -> Floats:
    """The chance that each creator buys engagement in its present week, given all that was seen of it so far."""
    member, share = buying_member(world, today)
    books = world.stage.books
    if not share:
        return np.zeros(len(member))
    evidence = logsumexp([books.slight, books.even, books.heavy], axis=0) - np.log(len(SHARES_BOUGHT))
    prior = member * share
    log_odds = np.log(prior) - np.log1p(-prior) + evidence
    belief: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return belief


def buying_member(world: "World", today: Today) -> tuple[Floats, float]:
    """The chance that each creator belongs to those who buy, and in how many of their weeks these do."""
    creators = world.stage.creators
    running = running_buyers(world, today)
    here = creators.open(today.index)
    members = np.array([(here & (creators.campaign == number)).sum() for number, _, _ in running])
    if not members.sum():
        return np.zeros(len(creators)), 0.0
    base = min(float(members.sum() / here.sum()), 0.5)
    share = float(np.average([tactic.weeks_share for _, _, tactic in running], weights=members))
    return np.clip(world.stage.books.cheats, base * _BELIEF_AT_LEAST, 0.999), share


def begin_week(world: "World", today: Today, creator: Ints) -> None:
    """Close the week of these creators: keep what it tells of them, and begin to count anew."""
    books = world.stage.books
    bought = buying_belief(world, today)[creator]
    member, share = buying_member(world, today)
    buys = member[creator] * share
    books.cheats[creator] = _FORGETS * (bought + (1 - bought) * (member[creator] - buys) / (1 - buys))
    for sums in (books.owed, books.views, books.likes, books.slight, books.even, books.heavy):
        sums[creator] = 0
    books.bought_for[creator] = -1
