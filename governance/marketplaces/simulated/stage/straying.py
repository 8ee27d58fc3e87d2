"""Creators who sell what the listing does not say: what they do differently in the contents that stray."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import HOUR, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.categories import DEMAND
from governance.marketplaces.simulated.stage.contents import Contents, live_end
from governance.marketplaces.simulated.stage.recruiting import recruits

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KIND = "content_violation"
NIGHT_HOURS = 6
"""The first hours after the midnight of the market's own clock."""

RAMBLES, EVASIVE = 0.07, 0.05
"""How often innocent creators speak of goods of another category, and in words that evade."""

_OFFSET = np.array([market.utc_offset_hours for market in MARKETS])


@dataclass(frozen=True, slots=True)
class Straying:
    """The tactic of those who sell in a content what its listings do not say.

    A member strays in `contents_share` of its contents. Such a content is a live room with chance `live`, speaks of
    goods of another category with chance `rambles` and in evading words with chance `evasive`, begins at night with
    chance `night` whatever the market's rhythm, and lures with a giveaway with chance `giveaway`.
    """

    contents_share: float = 0.5
    live: float = 0.4
    rambles: float = 0.5
    evasive: float = 0.42
    night: float = 0.25
    giveaway: float = 0.15


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is spoken of in today's contents: goods of a category, which may be another than shown, `evasive` or not."""

    category: Ints
    evasive: Bools


def running_strays(world: "World", today: Today) -> list[tuple[int, Campaign, Straying]]:
    """The campaigns of this kind that run today."""
    return world.settings.campaigns.running(KIND, today.index, Straying)


def strays_share(world: "World", number: int, campaign: Campaign, tactic: Straying) -> float:
    """The share of a member's contents that stray today."""
    return min(tactic.contents_share * campaign.intensity * float(world.standing.vigour[number]), 1.0)


def recruit_strays(world: "World", today: Today) -> None:
    """Creators join the campaigns; whoever observes it knows how many, and that those of pace are asked first."""
    creators, books = world.stage.creators, world.stage.books
    for number, campaign, _ in running_strays(world, today):
        here = creators.open(today.index)
        weight = here * (creators.campaign < 0) * creators.pace
        found = recruits(world.settings, world.standing, today, number, campaign, weight=weight)
        creators.campaign[found] = number
        outside = (1 - books.strays) * creators.pace * here
        books.strays += np.minimum(len(found) * outside / max(float(outside.sum()), 1e-9), 0.9 * (1 - books.strays))


def stray(world: "World", today: Today, new: Contents) -> Spoken:
    """Turn some of today's contents of members into ones that stray; and what is spoken of in each content."""
    draw = today.draw("spoken")
    other = draw.pick(new.number, DEMAND)
    rambles, evasive = draw.uniform(new.number), draw.uniform(new.number)
    share, evades = np.full(len(new), RAMBLES), np.full(len(new), EVASIVE)
    for number, campaign, tactic in running_strays(world, today):
        draw = today.draw(f"straying of {campaign.name}")
        one = world.stage.creators.campaign[new.creator] == number
        one &= draw.happens(new.number, strays_share(world, number, campaign, tactic))
        new.campaign[one] = number
        new.live = np.where(one, draw.happens(new.number, tactic.live), new.live)
        new.giveaway = np.where(one, draw.happens(new.number, tactic.giveaway), new.giveaway)
        moved = one & draw.happens(new.number, tactic.night)
        new.started = np.where(moved, _night(today, new, draw.integers(new.number, 0, NIGHT_HOURS * HOUR)), new.started)
        new.ended = np.where(one, live_end(draw, new.number, new.started, new.live), new.ended)
        share[one], evades[one] = tactic.rambles, tactic.evasive
    return Spoken(np.where(rambles < share, other, new.category), evasive < evades)


def _night(today: Today, new: Contents, after_midnight: Ints) -> Ints:
    """Moments of today (UTC) so long after the local midnight."""
    local: Ints = after_midnight - _OFFSET[new.market] * HOUR
    return today.start + local % (24 * HOUR)


def night_share(hour: Ints, market: Ints) -> Floats:
    """How likely each hour (UTC) is for somebody who begins at night."""
    local = (hour + _OFFSET[market]) % 24
    return np.where(local < NIGHT_HOURS, 1 / NIGHT_HOURS, 0.0)
