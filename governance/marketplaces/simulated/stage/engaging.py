"""Engagement: who looks at which content today, of their own accord or for money, and what comes of it."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Floats, Ints, Today
from governance.marketplaces.simulated.stage.buying import bought, customers, exchange_touches, recruit_cheats
from governance.marketplaces.simulated.stage.farms import farm_touches, recruit_hands
from governance.marketplaces.simulated.stage.hands import judge
from governance.marketplaces.simulated.stage.stage import Viewers, new_viewers
from governance.marketplaces.simulated.stage.touches import REACTIONS, Touches, put_engagements, rearranged
from governance.marketplaces.simulated.stage.viewers import Habits, Shelves, ordinary_touches, shelves
from governance.marketplaces.simulated.stage.weeks import note_bought
from governance.marketplaces.simulated.state import extended

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World


def engage(world: "World", today: Today, visits: pl.DataFrame) -> None:
    """People look at contents, in their visits or because they are paid to."""
    stage = world.stage
    stage.viewers = _grown(stage.viewers, len(world.people.buyers))
    recruit_hands(world, today)
    recruit_cheats(world, today)
    shelf = shelves(stage.contents, stage.creators, today)
    habits = Habits(stage.contents, stage.creators, Today(today.seed, today.first_day, 0))
    a_day, campaign_of = bought(world, today)
    touches = _touches(world, today, visits.filter(pl.col("campaign") < 0), shelf, habits, a_day, campaign_of)
    note_bought(world, touches, campaign_of)
    rows = put_engagements(world.outbox, today, stage.contents, touches)
    judge(world, today, touches, rows, shelf, habits)
    _follow(stage.viewers, stage.contents.creator, touches)


def _touches(
    world: "World",
    today: Today,
    visits: pl.DataFrame,
    shelf: Shelves,
    habits: Habits,
    a_day: Floats,
    campaign_of: Ints,
) -> Touches:
    """All of today's, by account and time."""
    paying = customers(world, today, a_day, campaign_of, shelf)
    ordinary = ordinary_touches(today, visits, world.people.buyers, world.stage.viewers.follows, shelf, habits)
    exchanged = exchange_touches(world, today, visits, shelf, a_day, campaign_of)
    return _together([ordinary, exchanged, *farm_touches(world, today, shelf, paying)])


def _together(parts: Sequence[Touches]) -> Touches:
    every = Touches(
        **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Touches)}
    )
    return rearranged(every, np.lexsort((every.at, every.buyer)))


def _follow(viewers: Viewers, creator_of: Ints, touches: Touches) -> None:
    """Who follows somebody looks at their contents more often from then on; the last one followed counts."""
    followed = touches.reacted()[:, REACTIONS.index("follow")]
    viewers.follows[touches.buyer[followed]] = creator_of[touches.content[followed]]


def _grown(viewers: Viewers, size: int) -> Viewers:
    new = size - len(viewers.follows)
    return extended(viewers, new_viewers(new)) if new else viewers
