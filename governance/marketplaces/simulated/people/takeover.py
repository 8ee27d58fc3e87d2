"""Account takeover: thieves who try stolen passwords on many accounts, get into some, change them and order in them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns
from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import DAY, HOUR, Bools, Draw, Ints, Today, joint
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import MEAN_ACTIVITY, Buyers
from governance.marketplaces.simulated.people.sessions import (
    RELAY,
    RELAY_ABROAD,
    countries_of,
    moments,
)
from governance.marketplaces.simulated.people.things import home_network, public_network, relay, rented

MEAN_CARELESS = 0.99
NTH = 16
"""A campaign's visits of an account are numbered from 16 times its number plus 1."""

_TRIES = 8
_BURST_SHAPE = 1.2
_FAILED = (0.82, 0.1, 0.08)
_OUTCOMES = pl.Series(["wrong_password", "challenged", "blocked", "succeeded"])
_MARKET = pl.Series([market.name for market in MARKETS])
_THEFT = {name: pl.Int64() for name in ("buyer", "campaign", "device", "since", "until", "found")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thieving:
    """How thieves work.

    As many accounts as the campaign has members are opened within `stolen_in_days`, each used for `held_days` (mean)
    on `active` of the days. `own_session` of them go on with a stolen session of the owner's device; the others use
    devices for `accounts_per_device` each. Networks are relays (`relayed`), public ones (`public`), the owner's own
    home, where a computer obeys the thief (`at_home`), or other people's homes. For each account opened there are
    `failures` that stay shut, `recognised` of them tried with a device that opens others. `clean`, `once` are the
    shares opened at the first and at the second password.
    """

    stolen_in_days: float = 60.0
    held_days: float = 3.0
    active: float = 0.6
    own_session: float = 0.4
    accounts_per_device: float = 1.5
    relayed: float = 0.25
    public: float = 0.4
    at_home: float = 0.2
    failures: float = 5.0
    recognised: float = 0.25
    clean: float = 0.8
    once: float = 0.12
    night: float = 0.5
    changes: float = 0.55
    orders_a_day: float = 0.5
    drop: float = 0.6

    @property
    def places(self) -> tuple[float, float, float, float]:
        """Shares of the networks: the owner's home, public ones, relays, other homes (`HOME` and so on)."""
        return self.at_home, self.public, self.relayed, max(1 - self.at_home - self.public - self.relayed, 0.0)


@dataclass(frozen=True, slots=True)
class Thief:
    """A campaign of takeovers with its number, tactic and size."""

    number: int
    campaign: Campaign
    tactic: Thieving
    members: int

    @property
    def a_day(self) -> float:
        """Accounts opened on an ordinary day."""
        return self.members * self.campaign.intensity / self.tactic.stolen_in_days

    @property
    def logins_a_day(self) -> float:
        """Logins on an ordinary day."""
        return self.a_day * (1 + self.tactic.active * self.tactic.held_days)


def thieves(campaigns: Campaigns, *, buyers: int) -> list[Thief]:
    """The campaigns of takeovers."""
    found = campaigns.of_kind("account_takeover")
    return [Thief(one, it, it.plays(Thieving), campaigns.members(it, buyers=buyers)) for one, it in found]


def no_thefts() -> pl.DataFrame:
    """No account is in a thief's hands. `found` is the day on which the owner got it back, -1 before."""
    return pl.DataFrame(schema=_THEFT)


def no_thief_logins() -> pl.DataFrame:
    """No thief has come today."""
    names = {"device": pl.String(), "network": pl.String()}
    return pl.DataFrame(schema={**{name: pl.Int64() for name in ("buyer", "nth", "at", "campaign")}, **names})


def stolen_today(buyers: Buyers, thief: Thief, standing: Standing, today: Today, *, size: int) -> pl.DataFrame:
    """The accounts that a campaign opens today; the careless and the active are likelier to be among them."""
    draw = today.draw(f"thefts of campaign {thief.number}")
    one = np.array([thief.number], dtype=np.int64)
    burst = draw.gamma(one, _BURST_SHAPE)[0] / _BURST_SHAPE
    rate = thief.a_day * standing.vigour[thief.number] * burst / size
    readiness = buyers.careless / MEAN_CARELESS * buyers.activity / MEAN_ACTIVITY
    opened = draw.uniform(buyers.numbers) < rate * readiness
    buyer = np.flatnonzero(opened & buyers.present(today.index) & (buyers.campaign < 0))
    held = np.ceil(draw.exponential(buyer, thief.tactic.held_days)).astype(np.int64)
    racks = max(1, round(6 * thief.a_day / thief.tactic.accounts_per_device))
    epoch, place = today.index // 6, draw.integers(buyer, 0, racks)
    rack = rented(11, thief.number, int(standing.generation[thief.number]), epoch, place)
    device = np.where(draw.happens(buyer, thief.tactic.own_session), buyers.device[buyer], rack)
    columns = [buyer, np.full(len(buyer), thief.number), device, np.full(len(buyer), today.index), today.index + held]
    return pl.DataFrame([*columns, np.full(len(buyer), -1)], schema=_THEFT)


def thief_sessions(
    buyers: Buyers, thief: Thief, thefts: pl.DataFrame, standing: Standing, today: Today, *, size: int
) -> pl.DataFrame:
    """Logins into stolen accounts and those that failed, in the columns of `sessions.ordinary_sessions`."""
    mine = thefts.filter(pl.col("campaign") == thief.number)
    draw = today.draw(f"logins of campaign {thief.number}")
    buyer, since = mine["buyer"].to_numpy(), mine["since"].to_numpy()
    ends = np.where(mine["found"].to_numpy() >= 0, mine["found"].to_numpy(), mine["until"].to_numpy())
    comes = (ends > today.index) & ((since == today.index) | draw.happens(buyer, thief.tactic.active))
    device = mine["device"].to_numpy()
    tried, with_device = _tried(buyers, thief, device, standing, draw, today)
    failed = np.repeat([False, True], [comes.sum(), len(tried)])
    days = np.concatenate([since[comes], np.full(len(tried), today.index)])
    everybody, devices = np.concatenate([buyer[comes], tried]), np.concatenate([device[comes], with_device])
    return _sessions(buyers, everybody, devices, days, failed, thief, draw, today, size)


def _tried(
    buyers: Buyers, thief: Thief, racks: Ints, standing: Standing, draw: Draw, today: Today
) -> tuple[Ints, Ints]:
    """Accounts whose passwords were other ones, and the devices that tried them, some of which open others."""
    one = np.array([thief.number], dtype=np.int64)
    rate = thief.a_day * thief.tactic.failures * standing.vigour[thief.number]
    count = int(draw.poisson(one, rate if thief.campaign.runs(today.index) else 0.0)[0])
    buyer = np.unique(draw.integers(joint(one, np.arange(count)), 0, len(buyers)))
    buyer = buyer[(buyers.joined[buyer] < today.index) & (buyers.leaves[buyer] > today.index)]
    known = draw.happens(buyer, thief.tactic.recognised if len(racks) else 0.0)
    device = rented(12, thief.number, today.index, buyer)
    if len(racks):
        device = np.where(known, racks[draw.integers(buyer, 0, len(racks))], device)
    return buyer, device


def _sessions(
    buyers: Buyers,
    buyer: Ints,
    device: Ints,
    since: Ints,
    failed: Bools,
    thief: Thief,
    draw: Draw,
    today: Today,
    size: int,
) -> pl.DataFrame:
    """Sessions of a thief: one each for the accounts that it opened, and for those that it tried in vain."""
    tactic, market = thief.tactic, buyers.market[buyer]
    place = draw.pick(buyer, tactic.places)
    abroad = (place == RELAY) & draw.happens(buyer, RELAY_ABROAD)
    awake = draw.happens(buyer, tactic.night)
    wrong = draw.pick(buyer, (tactic.clean, tactic.once, max(1 - tactic.clean - tactic.once, 0.0)))
    any_hour = today.start + draw.integers(buyer, 0, DAY - HOUR)
    return pl.DataFrame(
        {
            "buyer": buyer,
            "nth": NTH * (thief.number + 1) + failed * _TRIES,
            "at": np.where(awake, any_hour, moments(draw, buyer, market, today)),
            "device": device,
            "network": _networks(buyers, place, market, buyer, draw, today, size),
            "kind": pl.Series(["login"])[np.zeros(len(buyer), dtype=np.int64)],
            "outcome": _OUTCOMES[np.where(failed, draw.pick(buyer, _FAILED), len(_FAILED))],
            "country": countries_of(draw, buyer, market, abroad),
            "market": _MARKET[market],
            "wrong_passwords": np.where(failed, 1, wrong) + ((wrong == 2) | failed) * draw.integers(buyer, 0, 3),
            "campaign": np.full(len(buyer), thief.number),
            "place": place,
            "abroad": abroad,
            "since": since,
        }
    )


def _networks(buyers: Buyers, place: Ints, market: Ints, buyer: Ints, draw: Draw, today: Today, size: int) -> Ints:
    """The owners' homes, public networks, relays, and other people's homes, as `place` says."""
    networks = [
        home_network(buyers.household[buyer], today.index),
        public_network(market, draw.uniform(buyer), buyers=size),
        relay(draw.uniform(buyer), buyers=size),
        home_network(draw.integers(buyer, 0, len(buyers)), today.index),
    ]
    return np.choose(place, networks)


def drop_of(thief: Thief, generation: int, buyer: Ints) -> Ints:
    """The address that what is ordered in a stolen account goes to; thieves have a few at a time."""
    return rented(4, thief.number, generation, buyer % max(1, round(thief.members / 12)))
