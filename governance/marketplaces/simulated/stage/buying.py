"""Creators who buy engagement, from click farms or in exchanges where people like each other's contents."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import DAY, MINUTE, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import numbers
from governance.marketplaces.simulated.stage.choosing import Urn, fill
from governance.marketplaces.simulated.stage.recruiting import recruits
from governance.marketplaces.simulated.stage.touches import EXCHANGED, Manner, Touches, drawn_manner
from governance.marketplaces.simulated.stage.viewers import Shelves

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KIND = "creator_cheating"
WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtEngagement(Manner):
    """The tactic of creators who buy engagement.

    A member buys in `weeks_share` of its weeks, as many as `a_day` looks a day, of which `from_farms` come from click
    farms as far as any work, and the rest from exchanges, whose people look in the manner that the rest tells.
    """

    weeks_share: float = 0.45
    a_day: float = 2.2
    from_farms: float = 0.6
    seconds: float = 14.0
    spread: float = 0.7
    like: float = 0.5
    follow: float = 0.14
    comment: float = 0.12
    click: float = 0.06


def running_buyers(world: "World", today: Today) -> list[tuple[int, Campaign, BoughtEngagement]]:
    """The campaigns of this kind that run today."""
    return world.settings.campaigns.running(KIND, today.index, BoughtEngagement)


def recruit_cheats(world: "World", today: Today) -> None:
    """Creators join the campaigns."""
    creators = world.stage.creators
    for number, campaign, _ in running_buyers(world, today):
        weight = (creators.open(today.index) & (creators.campaign < 0)).astype(np.float64)
        found = recruits(world.settings, world.standing, today, number, campaign, weight=weight)
        creators.campaign[found] = number


def settles(creator: Ints, day: int) -> Bools:
    """Whose week ends with the midnight that begins this day."""
    ends: Bools = (day - creator) % WEEK == 0
    return ends


def _chance(world: "World", today: Today) -> Floats:
    """A uniform number for each creator and its present week."""
    everybody = np.arange(len(world.stage.creators))
    steady = Today(today.seed, today.first_day, 0).draw("weeks of buying")
    return steady.uniform(joint(everybody, (today.index - everybody) // WEEK))


def bought(world: "World", today: Today) -> tuple[Floats, Ints]:
    """Looks that each creator buys today, and the campaign that it does so for (-1 where it buys none).

    Whether a member buys is drawn for its week from one settlement to the next.
    """
    creators = world.stage.creators
    a_day, campaign_of = np.zeros(len(creators)), np.full(len(creators), -1, dtype=np.int64)
    chance = _chance(world, today)
    for number, campaign, tactic in running_buyers(world, today):
        buys = (creators.campaign == number) & creators.open(today.index) & (chance < tactic.weeks_share)
        a_day[buys] = tactic.a_day * campaign.intensity * world.standing.vigour[number]
        campaign_of[buys] = number
    return a_day, campaign_of


def customers(world: "World", today: Today, a_day: Floats, campaign_of: Ints, shelf: Shelves) -> Urn:
    """The creators who buy from click farms, by market."""
    share = _from_farms(world, today)[campaign_of]
    seen = shelf.creators.total(np.arange(len(a_day))) > 0
    return fill(group=world.stage.creators.market, weight=a_day * share * seen, groups=len(shelf.markets.first) - 1)


def exchange_touches(
    world: "World", today: Today, visits: pl.DataFrame, shelf: Shelves, a_day: Floats, campaign_of: Ints
) -> Touches:
    """What people look at today in exchanges, in visits that they make anyway."""
    draw = today.draw("exchanges")
    mean = a_day * (1 - _from_farms(world, today)[campaign_of])
    creator = np.flatnonzero(mean > 0)
    creator = np.repeat(creator, draw.poisson(creator, mean[creator]))
    key = joint(creator, np.arange(len(creator)) - np.searchsorted(creator, creator))
    visitor = visits["buyer"].to_numpy()
    present = fill(
        group=world.people.buyers.market[visitor], weight=np.ones(len(visitor)), groups=len(shelf.markets.first) - 1
    )
    visit = present.pick(world.stage.creators.market[creator], draw.uniform(key))
    content = shelf.creators.pick(creator, draw.uniform(key))
    found = (visit >= 0) & (content >= 0)
    visit, key, campaign = visit[found], key[found], campaign_of[creator[found]]
    at = visits["at"].to_numpy()[visit] + draw.integers(key, 0, 8 * MINUTE)
    seconds, reactions = _manner(world, today, draw, key, campaign)
    return Touches(
        buyer=visitor[visit],
        content=content[found],
        at=np.minimum(at, today.start + DAY - 10 * MINUTE),
        device=numbers(visits["device"], seed=today.seed)[visit],
        network=numbers(visits["network"], seed=today.seed)[visit],
        hand=np.full(len(key), EXCHANGED, dtype=np.int64),
        campaign=campaign,
        seconds=seconds,
        reactions=reactions,
    )


def _from_farms(world: "World", today: Today) -> Floats:
    """For each campaign the share that comes from click farms; the last entry is for those who buy nothing."""
    shares = np.zeros(len(world.settings.campaigns.campaigns) + 1)
    for number, _, tactic in running_buyers(world, today):
        shares[number] = tactic.from_farms
    return shares


def exchanged_a_day(world: "World", today: Today) -> float:
    """Looks in exchanges that are to be expected on a day; how many creators are members is known."""
    creators, open_now = world.stage.creators, world.stage.creators.open(today.index)
    expected = 0.0
    for number, campaign, tactic in running_buyers(world, today):
        members = int((open_now & (creators.campaign == number)).sum())
        a_day = tactic.a_day * campaign.intensity * float(world.standing.vigour[number])
        expected += members * tactic.weeks_share * a_day * (1 - tactic.from_farms)
    return expected


def bought_from_farms(world: "World", today: Today) -> float:
    """The share of what creators buy that comes from click farms, over the campaigns that run."""
    creators, running = world.stage.creators, running_buyers(world, today)
    members = np.array([(creators.campaign == number).sum() for number, _, _ in running], dtype=np.float64)
    shares = np.array([tactic.from_farms for _, _, tactic in running])
    return float(shares @ members / members.sum()) if members.sum() else 0.5


def _manner(world: "World", today: Today, draw: Draw, key: Ints, campaign: Ints) -> tuple[Floats, Ints]:
    manners = {number: tactic for number, _, tactic in running_buyers(world, today)}
    size = len(world.settings.campaigns.campaigns)
    mean, spread, chances = np.zeros(size), np.zeros(size), np.zeros((size, 4))
    for number, manner in manners.items():
        mean[number], spread[number], chances[number] = np.log(manner.seconds), manner.spread, manner.chances
    return drawn_manner(draw, key, mean=mean[campaign], spread=spread[campaign], chances=chances[campaign])
