"""Click farms: accounts that look, like and follow for money, from few devices and networks or from their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, SECOND, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.people.sessions import moments
from governance.marketplaces.simulated.people.things import home_network, rented
from governance.marketplaces.simulated.stage.choosing import Urn
from governance.marketplaces.simulated.stage.recruiting import recruits
from governance.marketplaces.simulated.stage.touches import FARMED, Manner, Touches, drawn_manner
from governance.marketplaces.simulated.stage.viewers import Shelves

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World
    from governance.marketplaces.simulated.people.buyers import Buyers

KIND = "click_farm"
YOUNG_DAYS = 60

_MOST_TOUCHES = 40
_RENTED = rented(0) >> 41


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickFarm(Manner):
    """The tactic of a click farm.

    A member works on `work_share` of the days, with `touches` looks on average; `camouflage` of them go to contents
    that nobody pays for, and `night` of the work begins at any hour, the rest when everybody looks. On a working day it
    uses a device of the farm with chance `shared_device` and a network of the farm with chance `shared_network`, each
    for so many members. The rest is its manner of looking. Accounts younger than `YOUNG_DAYS` are recruited `young`
    times as readily as older ones.
    """

    work_share: float = 0.09
    touches: float = 2.6
    camouflage: float = 0.65
    night: float = 0.35
    shared_device: float = 0.08
    shared_network: float = 0.2
    members_per_device: float = 3.0
    members_per_network: float = 8.0
    seconds: float = 20.0
    spread: float = 0.7
    like: float = 0.26
    follow: float = 0.075
    comment: float = 0.07
    click: float = 0.12
    young: float = 3.0


def running_farms(world: "World", today: Today) -> list[tuple[int, Campaign, ClickFarm]]:
    """The click farms that work today."""
    return world.settings.campaigns.running(KIND, today.index, ClickFarm)


def readiness(buyers: "Buyers", tactic: ClickFarm, day: int) -> Floats:
    """How readily each buyer becomes a member, were it free: the active ones more; 0 for those who are not there."""
    here = buyers.present(day) * buyers.activity
    ready: Floats = here * np.where(buyers.joined > day - YOUNG_DAYS, tactic.young, 1.0)
    return ready


def recruit_hands(world: "World", today: Today) -> None:
    """Buyers join the click farms."""
    buyers = world.people.buyers
    for number, campaign, tactic in running_farms(world, today):
        weight = readiness(buyers, tactic, today.index) * (buyers.campaign < 0)
        found = recruits(world.settings, world.standing, today, number, campaign, weight=weight)
        buyers.campaign[found] = number


def work_share(world: "World", number: int, campaign: Campaign, tactic: ClickFarm) -> float:
    """The chance that a member works today."""
    return min(tactic.work_share * campaign.intensity * float(world.standing.vigour[number]), 0.9)


def farm_touches(world: "World", today: Today, shelf: Shelves, customers: Urn) -> Iterator[Touches]:
    """What members look at today for money; `customers` are the creators who pay, by market."""
    for number, campaign, tactic in running_farms(world, today):
        draw = today.draw(f"work of {campaign.name}")
        buyers = world.people.buyers
        member = np.flatnonzero((buyers.campaign == number) & buyers.present(today.index))
        member = member[draw.happens(member, work_share(world, number, campaign, tactic))]
        looks = np.minimum(1 + draw.poisson(member, tactic.touches - 1), _MOST_TOUCHES)
        start = _begins(draw, member, world.people.buyers.market[member], today, tactic)
        device, network = _things(world, today, number, campaign, draw, member)
        which = np.repeat(np.arange(len(member)), looks)
        nth = np.arange(len(which)) - np.repeat(np.cumsum(looks) - looks, looks)
        buyer, key = member[which], joint(member[which], nth)
        content = _content(draw, key, buyers.market[buyer], shelf, customers, camouflage=tactic.camouflage)
        seconds, reactions = _manner(draw, key, tactic)
        at = start[which] + (nth * 40 + draw.integers(key, 1, 40)) * SECOND
        found = content >= 0
        yield Touches(
            buyer=buyer[found],
            content=content[found],
            at=np.minimum(at, today.start + DAY - 10 * MINUTE)[found],
            device=device[which][found],
            network=network[which][found],
            hand=np.full(int(found.sum()), FARMED, dtype=np.int64),
            campaign=np.full(int(found.sum()), number, dtype=np.int64),
            seconds=seconds[found],
            reactions=reactions[found],
        )


def _begins(draw: Draw, member: Ints, market: Ints, today: Today, tactic: ClickFarm) -> Ints:
    """When the working day of each member begins."""
    any_hour = today.start + draw.integers(member, 0, DAY - HOUR)
    return np.where(draw.happens(member, tactic.night), any_hour, moments(draw, member, market, today))


def _things(
    world: "World", today: Today, number: int, campaign: Campaign, draw: Draw, member: Ints
) -> tuple[Ints, Ints]:
    """Device and network of each working member: the farm's, of its generation, or its own."""
    tactic, buyers = campaign.plays(ClickFarm), world.people.buyers
    members = world.settings.campaigns.members(campaign, buyers=world.settings.buyers)
    generation = int(world.standing.generation[number])
    rack = _group(member, members, tactic.members_per_device)
    room = _group(member, members, tactic.members_per_network)
    own_network = home_network(buyers.household[member], today.index)
    device = np.where(
        draw.happens(member, tactic.shared_device),
        rented(number, generation, 1, rack),
        buyers.device[member],
    )
    shared = draw.happens(member, tactic.shared_network)
    return device, np.where(shared, rented(number, generation, 2, room), own_network)


def _group(member: Ints, members: int, size: float) -> Ints:
    """In which group of about `size` each member is, for good."""
    groups = max(1, round(members / size))
    return (joint(member) & 0xFFFF_FFFF) % groups


def _content(draw: Draw, key: Ints, market: Ints, shelf: Shelves, customers: Urn, *, camouflage: float) -> Ints:
    """What is looked at: mostly contents of the creators who pay, and what everybody sees otherwise."""
    creator = customers.pick(market, draw.uniform(key))
    paid = shelf.creators.pick(np.maximum(creator, 0), draw.uniform(key))
    hidden = draw.happens(key, camouflage) | (creator < 0)
    return np.where(hidden, shelf.markets.pick(market, draw.uniform(key)), paid)


def _manner(draw: Draw, key: Ints, tactic: ClickFarm) -> tuple[Floats, Ints]:
    return drawn_manner(
        draw,
        key,
        mean=np.full(len(key), np.log(tactic.seconds)),
        spread=np.full(len(key), tactic.spread),
        chances=np.broadcast_to(tactic.chances, (len(key), 4)),
    )


def is_rented(thing: Ints) -> Bools:
    """Which devices or networks are neither a household's nor a public one, but had by somebody for a purpose."""
    is_so: Bools = thing >> 41 == _RENTED
    return is_so
