"""Campaigns that sign up accounts of their own: how many a day, and what their members' sign-ups look like.

Each campaign has a fixed number of places a day in the numbering of accounts, used or not, so that pressing one
campaign shifts nobody else's number; an unused place is an account that never exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns
from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import Bools, Floats, Ints, Today, joint

_BURST_SHAPE = 1.5
_SPARE_PLACES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Registering:
    """How members sign up.

    As many as the campaign has members sign up within `recruited_in_days`, and so on until it ends. `fresh_device` of
    them use a device that was never seen, the others one of a rack that is renewed every `device_days`; of networks,
    `proxy` are rented and `public` shared with everybody, the others homes. `night` of them come at any hour.
    """

    recruited_in_days: float = 60.0
    fresh_device: float = 0.3
    accounts_per_device: float = 4.0
    device_days: int = 25
    proxy: float = 0.45
    accounts_per_network: float = 8.0
    public: float = 0.3
    night: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Farming(Registering):
    """How an incentive farm works: its accounts sign up, or are `bought` from people who no longer use theirs.

    Each member orders with a coupon on `orders_a_day` of the days until `working_days` after it joined. `drop` of the
    parcels go to one of the farm's own addresses, `pooled` of the payments come from one of its instruments.
    """

    bought: float = 0.55
    orders_a_day: float = 0.16
    working_days: int = 18
    drop: float = 0.55
    members_per_address: float = 4.0
    pooled: float = 0.4
    operated: float = 0.6


@dataclass(frozen=True, slots=True)
class Recruiter:
    """A campaign that recruits, with the numbers of its tactic and its members' number."""

    number: int
    campaign: Campaign
    tactic: Registering
    members: int

    @property
    def signing_up(self) -> float:
        """Share of its members that sign up, where others are bought."""
        return 1.0 - self.tactic.bought if isinstance(self.tactic, Farming) else 1.0

    @property
    def a_day(self) -> float:
        """Members recruited on an ordinary day."""
        return self.members * self.campaign.intensity / self.tactic.recruited_in_days

    @property
    def places(self) -> int:
        """Accounts that it could sign up on one day."""
        return int(np.ceil(4 * self.a_day * self.signing_up)) + _SPARE_PLACES

    def rack(self, accounts_each: float) -> int:
        """How many things it needs at a time for so many accounts each."""
        held = self.a_day * self.tactic.device_days * self.signing_up
        return max(1, round(held * (1 - self.tactic.fresh_device) / accounts_each))


def recruiters(campaigns: Campaigns, *, buyers: int) -> Iterator[Recruiter]:
    """The campaigns that sign up accounts."""
    for number, campaign in campaigns.of_kind("fake_registrations"):
        yield Recruiter(number, campaign, campaign.plays(Registering), campaigns.members(campaign, buyers=buyers))
    for number, campaign in campaigns.of_kind("incentive_farm"):
        yield Recruiter(number, campaign, campaign.plays(Farming), campaigns.members(campaign, buyers=buyers))


def recruited(recruiter: Recruiter, standing: Standing, today: Today, *, share: float, purpose: str) -> int:
    """How many members it gets today in one way: bursts of them, fewer when it is slow, more to replace the lost."""
    if not recruiter.campaign.runs(today.index):
        return 0
    one = np.array([recruiter.number], dtype=np.int64)
    draw = today.draw(purpose)
    burst = draw.gamma(one, _BURST_SHAPE) / _BURST_SHAPE
    wanted = int(draw.poisson(one, recruiter.a_day * share * burst)[0])
    return int(draw.happens(joint(one, np.arange(wanted)), standing.vigour[recruiter.number]).sum())


def signing_up(recruiter: Recruiter, standing: Standing, today: Today) -> Bools:
    """Which of a campaign's places of today are used."""
    count = recruited(recruiter, standing, today, share=recruiter.signing_up, purpose="recruits")
    extra = min(int(standing.replacements[recruiter.number]), recruiter.places - min(count, recruiter.places))
    if recruiter.campaign.runs(today.index):
        standing.replacements[recruiter.number] -= extra
        count += extra
    return np.arange(recruiter.places) < count


def expected_share(campaigns: Campaigns, today: Today, *, buyers: int, honest: float) -> float:
    """Share of today's sign-ups that one would expect to be members', knowing which campaigns run."""
    playing = [one for one in recruiters(campaigns, buyers=buyers) if one.campaign.runs(today.index)]
    # Campaigns that move recruit about as many again as they lose.
    again = {"move": 2.5}
    members: float = sum(one.a_day * one.signing_up * again.get(one.campaign.adapts, 1.0) for one in playing)
    return max(members / (members + honest), 1e-4)


def slot(draw: Floats, count: int | Floats) -> Ints:
    """One of `count` things of a rack for each uniform number."""
    return np.floor(draw * count).astype(np.int64)
