"""Sellers of the simulated world: who they are and what they are like, as parallel arrays; a seller is a row number."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS
from governance.marketplaces.simulated.chance import (
    DAY,
    MINUTE,
    NEVER,
    SECOND,
    Bools,
    Draw,
    Floats,
    Ints,
    Today,
    micros,
)
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import CARRIERS, MARKETS
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.categories import DEMAND

SELLERS_PER_BUYER = 0.065
SELLER_DAYS = 420.0
"""Mean time that sellers stay, in days."""

BAD_SELLERS = 0.14
BY_AGENCIES = 0.12
"""Share of shops that are run by an agency, on the devices of it that run other shops too."""

_OWN, _AGENCY = np.int64(1) << 44, np.int64(1) << 45
_NUMBERS_PER_AGENCY = 120
_CHECKED_LATER, _CHECKED_AFTER_DAYS = 0.45, 8.0
_NAMES = pl.Series([market.name for market in MARKETS])
_SHARES: Floats = np.array([market.share for market in MARKETS])
_CITIES = np.array([len(market.cities) for market in MARKETS])
_PLACES = np.zeros((len(MARKETS), int(_CITIES.max()), 2))
for _row, _market in enumerate(MARKETS):
    _PLACES[_row, : len(_market.cities)] = _market.cities


@dataclass(slots=True)
class Sellers:
    """Sellers, one entry each in every array. Days are counted from the first one.

    `slowness` (log of hand-over times against ordinary ones) and `defects` (1 is ordinary) are latent. A seller takes
    no orders before the day `shut_until`; `lure` multiplies what its listings attract; `price_factor` applies to all
    of them from the day `cut` until the day `price_until`. `campaign` is -1 or the number of the campaign that the
    account is a member of; such a merchant stops to ship on the day `turns`, keeping back the share `withholds` of its
    lines, of which the share `fakes` gets a scan all the same, and is found on the day `found`. `ring` is the brushing
    campaign that it buys orders from, -1 for none. `recent_lines` and `recent_cases` fade by the day; `removals` counts
    listings removed. `device`, `network`, `phone` and `bank` are numbers of things. `suspicion` is the probability that
    it has turned, to an ideal observer.
    """

    market: Ints
    latitude: Floats
    longitude: Floats
    joined: Floats
    leaves: Floats
    category: Ints
    second_category: Ints
    popularity: Floats
    slowness: Floats
    defects: Floats
    promise_days: Ints
    carrier: Ints
    trouble_until: Floats
    shut_until: Ints
    price_factor: Floats
    price_until: Ints
    cut: Ints
    lure: Floats
    campaign: Ints
    turns: Ints
    found: Ints
    withholds: Floats
    fakes: Floats
    ring: Ints
    recent_lines: Floats
    recent_cases: Floats
    removals: Ints
    device: Ints
    network: Ints
    phone: Ints
    bank: Ints
    verified: Bools
    suspicion: Floats

    def __len__(self) -> int:
        return len(self.market)

    def open(self, day: int) -> Bools:
        """Who may sell on a day."""
        return (self.joined < day) & (day < self.leaves) & (self.shut_until <= day)

    @property
    def honest(self) -> Bools:
        """Who is a member of no campaign."""
        return self.campaign < 0

    def shares_device(self) -> Bools:
        """Whose device others have signed up on too."""
        _, place, count = np.unique(self.device, return_inverse=True, return_counts=True)
        shared: Bools = count[place] > 1
        return shared

    @property
    def numbers(self) -> Ints:
        """The number of every seller."""
        return np.arange(len(self), dtype=np.int64)


def standing_sellers(buyers: int) -> int:
    """Sellers that a world for so many buyers has at any time."""
    return round(buyers * SELLERS_PER_BUYER)


def earlier_joins(draw: Draw, number: Ints) -> Floats:
    """Sign-up days before day 0 of sellers who stay for exponential times."""
    return -draw.exponential(number, SELLER_DAYS) - 1e-3


def drawn_sellers(draw: Draw, number: Ints, joined: Floats) -> Sellers:
    """New honest sellers with these numbers, one for each sign-up day; the first few give every market some."""
    size = len(number)
    market = np.where(number < len(MARKETS), number % len(MARKETS), draw.pick(number, _SHARES))
    latitude, longitude = _drawn_places(draw, number, market)
    bad = draw.happens(number, BAD_SELLERS)
    character = draw.normal(number)
    things = _things(draw, number, market)
    return Sellers(
        market=market,
        latitude=latitude,
        longitude=longitude,
        joined=joined,
        leaves=np.maximum(joined, 0) + draw.exponential(number, SELLER_DAYS),
        category=draw.pick(number, DEMAND),
        second_category=draw.pick(number, DEMAND),
        popularity=draw.lognormal(number, 1.0, 1.05),
        slowness=0.25 * character + 0.25 * draw.normal(number) + 0.8 * bad,
        defects=np.exp(0.45 * character + 0.5 * draw.normal(number, -0.5) + 0.9 * bad),
        promise_days=draw.pick(number, (0.35, 0.45, 0.2)) + 1,
        carrier=draw.integers(number, 0, CARRIERS),
        trouble_until=np.full(size, -1.0),
        price_factor=np.ones(size),
        lure=np.ones(size),
        withholds=np.zeros(size),
        fakes=np.zeros(size),
        recent_lines=np.zeros(size),
        recent_cases=np.zeros(size),
        device=things,
        network=things,
        phone=_OWN + number,
        bank=_OWN + number,
        verified=np.zeros(size, dtype=np.bool_),
        suspicion=np.zeros(size),
        **_innocent(size),
    )


def _innocent(size: int) -> dict[str, Ints]:
    """What is the same for all who have done nothing yet, good or bad."""
    never, not_yet = ("price_until", "turns", "found"), ("shut_until", "cut", "campaign", "ring")
    first = {name: _all(size, NEVER) for name in never} | {name: _all(size, -1) for name in not_yet}
    return first | {"removals": _all(size, 0)}


def put_accounts(
    outbox: Outbox, today: Today, sellers: Sellers, number: Ints, at: Ints | None, *, verified_share: Floats
) -> None:
    """Account rows of the sellers `number`, and a second version of those whose identity is checked later.

    Parameters
    ----------
    at
        When they sign up, in microseconds; None for those who were there before the first day.
    verified_share
        Chance of each to be verified at sign-up.
    """
    draw = today.draw("accounts of sellers")
    signed_up = today.start + micros(sellers.joined[number]) if at is None else at
    known = np.full(len(number), today.start) if at is None else at + draw.integers(number, 0, 90 * SECOND)
    sellers.verified[number] = draw.happens(number, verified_share)
    market = _NAMES[sellers.market[number]]
    frame = pl.DataFrame(
        {
            "account_id": identifiers("seller", number, seed=today.seed),
            "occurred_at": signed_up,
            "known_at": known,
            "market": market,
            "country": market,
            "signed_up_at": signed_up,
            "verified": sellers.verified[number],
            "device": names("device", sellers.device[number], seed=today.seed),
            "network": names("network", sellers.network[number], seed=today.seed),
            "phone": names("phone", sellers.phone[number], seed=today.seed),
        }
    ).with_columns_seq(role=pl.lit("seller"))
    later = known + 30 * MINUTE + micros(draw.exponential(number, _CHECKED_AFTER_DAYS))
    checked = frame.with_columns_seq(occurred_at=pl.Series(later), known_at=pl.Series(later), verified=pl.lit(True))
    again = ~frame["verified"] & pl.Series(draw.happens(number, _CHECKED_LATER))
    outbox.put(ACCOUNTS, pl.concat([frame, checked.filter(again)]))


def joined_today(today: Today, at: Ints) -> Floats:
    """Sign-up days of those who sign up at these moments of today."""
    return today.index + (at - today.start) / DAY


def _things(draw: Draw, number: Ints, market: Ints) -> Ints:
    """Devices of shops: most have their own, some are run by an agency that runs others in their market too."""
    agency = _AGENCY + (number // _NUMBERS_PER_AGENCY) * len(MARKETS) + market
    return np.where(draw.happens(number, BY_AGENCIES), agency, _OWN + number)


def _drawn_places(draw: Draw, key: Ints, market: Ints) -> tuple[Floats, Floats]:
    """Coarse coordinates (tenths of a degree) around the cities of each market."""
    city = np.floor(draw.uniform(key) ** 1.5 * _CITIES[market]).astype(np.int64)
    centre = _PLACES[market, city]
    north, east = draw.normal(key, 0.0, 0.4), draw.normal(key, 0.0, 0.4)
    return np.round(centre[:, 0] + north, 1), np.round(centre[:, 1] + east, 1)


def _all(size: int, value: int) -> Ints:
    return np.full(size, value, dtype=np.int64)
