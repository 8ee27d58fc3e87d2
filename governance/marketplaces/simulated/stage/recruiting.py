"""How campaigns find their members among accounts that are there."""

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import Floats, Ints, Today
from governance.marketplaces.simulated.settings import Settings

RECRUITING_DAYS = 25
"""A campaign has all its members after so many days."""


def recruits(
    settings: Settings, standing: Standing, today: Today, number: int, campaign: Campaign, *, weight: Floats
) -> Ints:
    """The accounts that join a campaign today, those with more `weight` more likely; replacements are taken off.

    Parameters
    ----------
    weight
        One for each account, 0 for those who cannot be asked.
    """
    if not campaign.runs(today.index):
        return np.zeros(0, dtype=np.int64)
    wanted = _wanted(settings, today.index, campaign) + int(standing.replacements[number])
    standing.replacements[number] = 0
    asked = np.flatnonzero(weight > 0)
    if not wanted or not len(asked):
        return np.zeros(0, dtype=np.int64)
    # The smallest of exponential times, each at the rate of its weight, are a weighted sample without replacement.
    waits = today.draw(f"recruits of {campaign.name}").exponential(asked) / weight[asked]
    return np.sort(asked[np.argsort(waits, kind="stable")[:wanted]])


def _wanted(settings: Settings, day: int, campaign: Campaign) -> int:
    """How many of the members that are planned join on a day."""
    members = settings.campaigns.members(campaign, buyers=settings.buyers)
    done = np.clip((np.array([day, day + 1]) - campaign.first_day) / RECRUITING_DAYS, 0.0, 1.0)
    before, after = np.ceil(members * done)
    return int(after - before)
