"""Who joins campaigns of sellers: at a steady rate while a campaign runs, and in place of members that were found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import Floats, Ints, Today, due
from governance.marketplaces.simulated.people.things import rented

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

PERIOD_DAYS = 240
"""All members of a campaign join within so many days at most; where it runs for longer, others follow at that rate."""

ESTABLISHED_DAYS = 30

_NUMBERS_PER_DEVICE = 80


@dataclass(frozen=True, slots=True)
class Joining:
    """How many join a campaign today: `keen` of their own accord, `moved` in the place of members that were found."""

    number: int
    campaign: Campaign
    keen: int
    moved: int


def rate(world: "World", campaign: Campaign) -> float:
    """Members that join a campaign in a day while it runs."""
    members = world.settings.campaigns.members(campaign, buyers=world.settings.buyers)
    return members / min(campaign.last_day - campaign.first_day + 1, PERIOD_DAYS)


def rates_today(world: "World", today: Today, kind: str, *, lead_days: int = 0) -> Floats:
    """What `rate` says of each campaign of a kind, 0 for those that do not run; an ideal observer knows that, too."""
    of_kind = world.settings.campaigns.of_kind(kind)
    running = [one.first_day - lead_days <= today.index <= one.last_day for _, one in of_kind]
    rates = [rate(world, one) * on for (_, one), on in zip(of_kind, running, strict=True)]
    return np.array(rates, dtype=np.float64)


def joining(world: "World", today: Today, kind: str, *, lead_days: int = 0) -> Iterator[Joining]:
    """Who joins the campaigns of a kind today; they recruit from `lead_days` before their first day on."""
    draw, standing = today.draw(f"{kind} recruits"), world.standing
    for number, campaign in world.settings.campaigns.of_kind(kind):
        since = today.index - (campaign.first_day - lead_days)
        if since < 0 or today.index > campaign.last_day:
            continue
        key = np.arange(due(rate(world, campaign), since), dtype=np.int64) + number * 100_000
        keen = int(draw.happens(key, float(standing.vigour[number])).sum())
        moved = int(standing.replacements[number])
        standing.replacements[number] = 0
        yield Joining(number, campaign, keen, moved)


def established(world: "World", today: Today, number: int, count: int) -> Ints:
    """Some sellers of standing, members of nothing, who are won for a campaign."""
    sellers = world.shops.sellers
    free = sellers.honest & (sellers.ring < 0) & sellers.open(today.index)
    candidates = np.flatnonzero(free & (sellers.joined < today.index - ESTABLISHED_DAYS))
    mark = today.draw(f"won for campaign {number}").uniform(candidates)
    return candidates[np.argsort(mark, kind="stable")[:count]]


def rent(world: "World", today: Today, chosen: Ints, share: Floats) -> None:
    """Some new members sign up on devices and networks that their campaign rents; rotation gives them new ones."""
    sellers = world.shops.sellers
    number = sellers.campaign[chosen]
    uses = today.draw("rented by sellers").happens(chosen, share)
    things = rented(number, world.standing.generation[number], chosen // _NUMBERS_PER_DEVICE)
    sellers.device[chosen] = np.where(uses, things, sellers.device[chosen])
    sellers.network[chosen] = np.where(uses, things, sellers.network[chosen])
