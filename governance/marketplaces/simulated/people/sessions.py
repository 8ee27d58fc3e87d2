"""Visits and logins of people's own accord: who comes when, with which device and from which network."""

import numpy as np
import polars as pl

from governance.contracts.tables import SESSIONS
from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, SECOND, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import MEAN_ACTIVITY, Buyers
from governance.marketplaces.simulated.people.things import (
    home_network,
    names,
    next_after,
    public_network,
    relay,
    spare_of,
)
from governance.marketplaces.simulated.plans import VISITS
from governance.marketplaces.simulated.rows import Outbox

VISITS_PER_BUYER_AND_DAY = 0.05
GROWTH_PER_DAY = 0.1 / 280
SALE_VISITS = 1.6
SALE_DAY_OF_MONTH = 11
LOGINS = 0.4
"""Share of visits that begin with a login; the others go on with an older one."""

HOME, PUBLIC, RELAY, ELSEWHERE = 0, 1, 2, 3
"""Networks as an observer knows them apart: the account's own home, one that everybody uses, a relay, another home."""

RELAYED, ELSEWHERE_SHARE, RELAY_ABROAD = 0.03, 0.04, 0.6
WRONG_PASSWORDS = (0.93, 0.05, 0.02)
"""Shares of successful logins after no wrong password, one, and more."""

_SPARE, _NEW_DEVICE = 0.11, 0.03
_OUTCOMES = (0.97, 0.018, 0.012)
_OUTCOME = pl.Series(["succeeded", "wrong_password", "challenged"])
_KIND = pl.Series(["visit", "login"])
_WEEKDAYS = (1.05, 1.06, 1.05, 1.02, 0.98, 0.88, 0.96)
_MOST_VISITS = 4
_HOURS: Floats = np.array([np.cumsum(market.utc_hours()) for market in MARKETS])
MARKET_NAMES = pl.Series([market.name for market in MARKETS])
_ABROAD = ("US", "SG", "NL", "ES", "MY", "AE")
_COUNTRIES = pl.Series([*(market.name for market in MARKETS), *_ABROAD])


def rhythm(today: Today) -> float:
    """Visits of today against an ordinary day of the first year's beginning: week, growth, sale days."""
    sale = today.date.day == SALE_DAY_OF_MONTH and today.date.month % 2 == 1
    return _WEEKDAYS[today.date.weekday()] * (1 + GROWTH_PER_DAY * today.index) * (SALE_VISITS if sale else 1.0)


def visitors(buyers: Buyers, today: Today) -> tuple[Ints, Ints]:
    """Who comes today of their own accord, and which of their visits it is (0 for the first)."""
    draw = today.draw("visits")
    rate = VISITS_PER_BUYER_AND_DAY * rhythm(today) * buyers.activity / MEAN_ACTIVITY
    chance = draw.uniform(buyers.numbers)
    came = np.flatnonzero((chance < -np.expm1(-rate)) & buyers.present(today.index))
    more = np.minimum(draw.poisson(came, rate[came] / 2), _MOST_VISITS - 1)
    buyer = np.repeat(came, more + 1)
    first = np.repeat(np.cumsum(more + 1) - more - 1, more + 1)
    return buyer, np.arange(len(buyer)) - first


def moments(draw: Draw, key: Ints, market: Ints, today: Today) -> Ints:
    """Moments of today by the daily rhythm of each market (microseconds)."""
    hour = (draw.uniform(key)[:, None] > _HOURS[market]).sum(axis=1)
    within = draw.integers(key, 0, HOUR)
    at: Ints = np.minimum(today.start + np.minimum(hour, 23) * HOUR + within, today.start + DAY - 10 * MINUTE)
    return at


def countries_of(draw: Draw, key: Ints, market: Ints, abroad: Bools) -> pl.Series:
    """Countries of networks: the market's, or abroad one in which there is no market of ours."""
    return _COUNTRIES[np.where(abroad, len(MARKETS) + draw.integers(key, 0, len(_ABROAD)), market)]


def ordinary_sessions(buyers: Buyers, today: Today, *, size: int) -> pl.DataFrame:
    """What people do of their own accord.

    Devices and networks are numbers. Beside the contract's columns: `buyer`, `nth`, `at` (microseconds), `campaign` and
    what an observer sees, `place` (`HOME` and so on), `abroad`, and `since`, the day on which the device was first
    seen on this account. People who come with a new device have it from now on.
    """
    buyer, nth = visitors(buyers, today)
    key = joint(buyer, nth)
    draw = today.draw("sessions")
    place, network, abroad = _places(buyers, buyer, key, draw, today, size)
    device, since = _devices(buyers, buyer, key, draw, today)
    market = buyers.market[buyer]
    login = draw.happens(key, LOGINS)
    wrong = draw.pick(key, WRONG_PASSWORDS)
    outcome = np.where(login, draw.pick(key, _OUTCOMES), 0)
    return pl.DataFrame(
        {
            "buyer": buyer,
            "nth": nth,
            "at": moments(draw, key, market, today),
            "device": device,
            "network": network,
            "kind": _KIND[login.astype(np.int64)],
            "outcome": _OUTCOME[outcome],
            "country": countries_of(draw, key, market, abroad),
            "market": MARKET_NAMES[market],
            "wrong_passwords": np.where(login, wrong + (wrong == 2) * draw.integers(key, 0, 3) + (outcome == 1), 0),
            "campaign": np.full(len(key), -1, dtype=np.int64),
            "place": place,
            "abroad": abroad,
            "since": since,
        }
    )


def put_sessions(outbox: Outbox, today: Today, sessions: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Put sessions as `ordinary_sessions` makes them into the outbox; the same frame with `number` and names of things.

    `number` is that of the session.
    """
    buyer, at = sessions["buyer"].to_numpy(), sessions["at"].to_numpy()
    number = order_numbers(today.index, buyer, sessions["nth"].to_numpy())
    late = (today.draw("sessions known").exponential(number, 20.0) * SECOND).astype(np.int64)
    frame = sessions.with_columns_seq(
        number=pl.Series(number),
        session_id=identifiers("session", number, seed=seed),
        account_id=identifiers("buyer", buyer, seed=seed),
        occurred_at=pl.Series(at),
        known_at=pl.Series(at + late),
        device_number="device",
        network_number="network",
        device=names("device", sessions["device"].to_numpy(), seed=seed),
        network=names("network", sessions["network"].to_numpy(), seed=seed),
    )
    outbox.put(SESSIONS, frame)
    return frame


def visits_of(sessions: pl.DataFrame) -> pl.DataFrame:
    """The visits of the shop that came of sessions as `put_sessions` returns them."""
    entered = sessions.filter(pl.col("outcome") == "succeeded")
    return entered.select_seq(pl.col(name).cast(kind) for name, kind in VISITS.items())


def _places(buyers: Buyers, buyer: Ints, key: Ints, draw: Draw, today: Today, size: int) -> tuple[Ints, Ints, Bools]:
    """From where they come: the kind of network, its number, and whether it is in another country."""
    trip = today.draw("trips").happens(buyer, buyers.travel[buyer])
    usual = np.where(draw.happens(key, buyers.public[buyer]), PUBLIC, HOME)
    other = draw.pick(key, (RELAYED, ELSEWHERE_SHARE, 1 - RELAYED - ELSEWHERE_SHARE))
    place = np.where(trip, PUBLIC, np.choose(other, [np.full(len(key), RELAY), np.full(len(key), ELSEWHERE), usual]))
    abroad = trip | ((place == RELAY) & draw.happens(key, RELAY_ABROAD))
    networks = [
        home_network(buyers.household[buyer], today.index),
        public_network(np.where(trip, len(MARKETS), buyers.market[buyer]), draw.uniform(key), buyers=size),
        relay(draw.uniform(key), buyers=size),
        home_network(draw.integers(key, 0, len(buyers)), today.index),
    ]
    return place, np.choose(place, networks), abroad


def _devices(buyers: Buyers, buyer: Ints, key: Ints, draw: Draw, today: Today) -> tuple[Ints, Ints]:
    """Their devices, and the day on which each was first seen on the account, today at the latest."""
    new = draw.happens(key, _NEW_DEVICE)
    buyers.device[buyer[new]] = next_after(buyers.device[buyer[new]], buyer[new])
    buyers.device_since[buyer[new]] = today.index
    spare = draw.happens(key, _SPARE) & ~new
    buyers.spare_since[buyer[spare]] = np.minimum(buyers.spare_since[buyer[spare]], today.index)
    device = np.where(spare, spare_of(buyer), buyers.device[buyer])
    return device, np.where(spare, buyers.spare_since[buyer], buyers.device_since[buyer])
