"""Today's sign-ups: ordinary people's, and those of accounts that a campaign makes for itself."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import DAY, NEVER, SECOND, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.arrivals import drawn_buyers
from governance.marketplaces.simulated.people.buyers import BUYER_DAYS, Buyers
from governance.marketplaces.simulated.people.recruiting import Recruiter, Registering, recruiters, signing_up, slot
from governance.marketplaces.simulated.people.sessions import moments, rhythm
from governance.marketplaces.simulated.people.things import first_of, home_network, public_network, rented
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.state import extended

VERIFIED, MEMBERS_VERIFIED = 0.8, 0.66
"""Share of sign-ups whose identity is checked at once."""

PHONE, MEMBERS_PHONE = (0.89, 0.08, 0.03), (0.62, 0.16, 0.22)
"""Shares of sign-ups with a telephone of their own, without one, and with one that others use too."""

INVITED, MEMBERS_INVITED = 0.10, 0.30
_BY_MEMBERS = 0.6

_SHOP_DEVICE = 0.05
_MEMBERS_ACTIVITY, _MEMBERS_STAY_DAYS = 0.35, 45.0
_KEPT = 0.7
_MARKET = pl.Series([market.name for market in MARKETS])


def honest_signups(settings: Settings, today: Today) -> int:
    """How many people sign up of their own accord today."""
    one = np.zeros(1, dtype=np.int64)
    return int(today.draw("new buyers").poisson(one, settings.buyers / BUYER_DAYS * rhythm(today))[0])


def newcomers(buyers: Buyers, settings: Settings, standing: Standing, today: Today) -> tuple[Buyers, pl.DataFrame]:
    """All buyers with today's new ones, and the sign-ups in the columns of `arrivals.put_accounts` and `campaign`."""
    honest = honest_signups(settings, today)
    playing = list(recruiters(settings.campaigns, buyers=settings.buyers))
    used = np.concatenate([np.ones(honest, np.bool_), *(signing_up(one, standing, today) for one in playing)])
    places = [honest, *(one.places for one in playing)]
    # The place of each account's campaign among those that play, -1 for honest people's accounts.
    group = np.repeat(np.arange(len(places)) - 1, places)
    number = len(buyers) + np.arange(len(group), dtype=np.int64)
    draw = today.draw("sign-ups")
    new = drawn_buyers(draw, number, np.full(len(number), float(today.index)))
    traces = ordinary_traces(buyers, new, number, today, size=settings.buyers)
    at = moments(draw, number, new.market, today)
    new.joined = today.index + (at - today.start) / DAY
    if playing:
        at = _as_members(buyers, new, number, group, at, traces, playing, standing, today, settings.buyers)
    new.invited_by[:] = traces["invited_by"]
    verified = np.where(group < 0, VERIFIED, MEMBERS_VERIFIED)
    signups = signed_up(new, number, at, traces, verified=verified, draw=draw).filter(pl.Series(used))
    # A place that is not used is an account that never is.
    new.joined[~used], new.leaves[~used], new.campaign[~used] = NEVER, 0.0, -1
    return extended(buyers, new), signups


def ordinary_traces(earlier: Buyers, new: Buyers, number: Ints, today: Today, *, size: int) -> dict[str, Ints]:
    """Devices, networks, telephones and inviters of ordinary sign-ups, by number.

    Parameters
    ----------
    earlier
        Those who may have invited somebody.
    new, number
        Those who sign up, and their numbers.
    """
    draw = today.draw("ordinary sign-ups")
    shop = rented(7, new.market, slot(draw.uniform(number) ** 1.5, size // 400 + 3))
    home = home_network(new.household, today.index)
    public = public_network(new.market, draw.uniform(number), buyers=size)
    phone = [first_of(number), np.full(len(number), -1), first_of(np.maximum(number - 1, 0))]
    friend = draw.integers(number, 0, len(earlier))
    known = draw.happens(number, INVITED) & (earlier.joined[friend] < new.joined)
    return {
        "device": np.where(draw.happens(number, _SHOP_DEVICE), shop, new.device),
        "network": np.where(draw.happens(number, new.public), public, home),
        "phone": np.choose(draw.pick(number, PHONE), phone),
        "invited_by": np.where(known, friend, -1),
    }


def signed_up(
    new: Buyers, number: Ints, at: Ints, traces: dict[str, Ints], *, verified: Floats, draw: Draw
) -> pl.DataFrame:
    """Sign-ups at some moments (microseconds) as a frame."""
    return pl.DataFrame(
        {
            "buyer": number,
            "occurred_at": at,
            "known_at": at + draw.integers(number, 0, 90 * SECOND),
            "market": _MARKET[new.market],
            "verified": draw.happens(number, verified),
            "campaign": new.campaign,
            **traces,
        }
    )


def _as_members(
    buyers: Buyers,
    new: Buyers,
    number: Ints,
    group: Ints,
    at: Ints,
    traces: dict[str, Ints],
    playing: list[Recruiter],
    standing: Standing,
    today: Today,
    size: int,
) -> Ints:
    """Make members of those in a group: their habits and traces are changed in place; the moments of the sign-ups."""
    rows = np.flatnonzero(group >= 0)
    mine, of, draw = number[rows], group[rows], today.draw("members sign up")
    campaign = np.array([one.number for one in playing])[of]
    at = at.copy()
    night = np.array([one.tactic.night for one in playing])[of]
    at[rows] = np.where(draw.happens(mine, night), draw.moment(mine, today), at[rows])
    new.joined[rows] = today.index + (at[rows] - today.start) / DAY
    new.leaves[rows] = new.joined[rows] + draw.exponential(mine, _MEMBERS_STAY_DAYS)
    new.activity[rows] *= _MEMBERS_ACTIVITY
    new.campaign[rows] = campaign
    racked = _rack(playing, of, mine, new.market[rows], new.device[rows], standing.generation[campaign], today, size)
    traces["invited_by"][rows] = _inviters(buyers, playing, of, traces["invited_by"][rows], mine, draw)
    for name, values in racked.items():
        traces[name][rows] = values
    # Most keep what they signed up with, so that later visits and orders come from the same rack.
    kept = draw.happens(mine, _KEPT)
    new.device[rows] = np.where(kept, racked["device"], new.device[rows])
    return at


def _rack(
    playing: list[Recruiter],
    of: Ints,
    number: Ints,
    market: Ints,
    own_device: Ints,
    generation: Ints,
    today: Today,
    size: int,
) -> dict[str, Ints]:
    """What members sign up with: devices, networks and telephones that their campaign has at a time."""
    draw = today.draw("racks")
    owner = np.array([one.number for one in playing])[of]
    epoch = today.index // np.array([one.tactic.device_days for one in playing])[of]
    devices = np.array([one.rack(one.tactic.accounts_per_device) for one in playing])[of]
    proxies = np.array([one.rack(one.tactic.accounts_per_network) for one in playing])[of]
    device, proxy = (np.floor(draw.uniform(number) * count).astype(np.int64) for count in (devices, proxies))
    networks = [
        rented(2, owner, generation, epoch, proxy),
        public_network(market, draw.uniform(number), buyers=size),
        home_network(draw.integers(number, 0, number), today.index),
    ]
    shares = np.array([_network_shares(one.tactic) for one in playing])[of]
    phones = [first_of(number), np.full(len(number), -1), rented(3, owner, generation, epoch, device)]
    fresh = draw.happens(number, np.array([one.tactic.fresh_device for one in playing])[of])
    return {
        "device": np.where(fresh, own_device, rented(1, owner, generation, epoch, device)),
        "network": np.choose(draw.pick(number, shares), networks),
        "phone": np.choose(draw.pick(number, MEMBERS_PHONE), phones),
    }


def _network_shares(tactic: Registering) -> tuple[float, float, float]:
    return tactic.proxy, tactic.public, max(1.0 - tactic.proxy - tactic.public, 0.0)


def _inviters(buyers: Buyers, playing: list[Recruiter], of: Ints, friend: Ints, number: Ints, draw: Draw) -> Ints:
    """By other members, by whoever else, or by nobody."""
    chosen, mark = draw.uniform(number), draw.uniform(number)
    for place, recruiter in enumerate(playing):
        earlier = np.flatnonzero(buyers.campaign == recruiter.number)
        if len(earlier):
            member = earlier[slot(mark, len(earlier))]
            friend = np.where((of == place) & (chosen < MEMBERS_INVITED * _BY_MEMBERS), member, friend)
    return np.where(chosen < MEMBERS_INVITED, friend, -1)
