"""Buyers and sellers of the simulated world: who they are, what they are like, and their account rows.

Everybody is a row of parallel arrays; ids are the row numbers. People come at a steady rate and leave after
exponential times, and those who were there before the first day have the ages that such a stream would give them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS
from governance.marketplaces.simulated.categories import CATEGORIES, DEMAND
from governance.marketplaces.simulated.chance import DAY, MINUTE, NEVER, SECOND, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.markets import CARRIERS, MARKETS
from governance.marketplaces.simulated.rows import Outbox, identifier

BUYER_DAYS = 500.0
SELLER_DAYS = 420.0
"""Mean time that people stay, in days."""

_BAD_SELLERS = 0.14
_SHARED_HOUSEHOLDS = 0.12
_NAMES = np.array([market.name for market in MARKETS])
_SHARES: Floats = np.array([market.share for market in MARKETS])


@dataclass(slots=True)
class Buyers:
    """Buyers; `complaint` is how readily one complains (1 is ordinary), `household` shares address and device."""

    market: Ints
    latitude: Floats
    longitude: Floats
    joined: Floats
    leaves: Floats
    activity: Floats
    complaint: Floats
    favourite: Ints
    second_favourite: Ints
    household: Ints

    def __len__(self) -> int:
        return len(self.market)

    def present(self, day: int) -> Bools:
        """Who may buy on a day."""
        return (self.joined < day) & (day < self.leaves)


@dataclass(slots=True)
class Sellers:
    """Sellers. Latent: `slowness`, `defects`, troubles, tactic and its days. Days are counted from the first day.

    A seller with `shut_until` after a day takes no orders on it; `lure` multiplies what its listings attract;
    `price_factor` applies to all its listings until `price_until`.
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
    lure: Floats
    tactic: Ints
    turns: Ints
    found: Ints
    recent_lines: Floats
    recent_cases: Floats

    def __len__(self) -> int:
        return len(self.market)

    def open(self, day: int) -> Bools:
        """Who may sell on a day."""
        return (self.joined < day) & (day < self.leaves) & (self.shut_until <= day)

    @property
    def honest(self) -> Bools:
        """Who is no member of the campaign."""
        return self.tactic < 0


def earlier_joins(chance: np.random.Generator, size: int, mean_days: float) -> Floats:
    """Sign-up days before day 0 of people who stay for exponential times."""
    return -chance.exponential(mean_days, size) - 1e-3


def draw_buyers(chance: np.random.Generator, joined: Floats, *, first_number: int) -> Buyers:
    """New buyers, one for each sign-up day."""
    size = len(joined)
    market = _markets(chance, size)
    latitude, longitude = _places(chance, market, spread=0.6)
    household = first_number + np.arange(size)
    shares = (chance.random(size) < _SHARED_HOUSEHOLDS) & (np.arange(size) > 0)
    neighbour = np.maximum(np.arange(size) - 1, 0)
    household = np.where(shares & (market == market[neighbour]), household[neighbour], household)
    home = household - first_number
    return Buyers(
        market=market,
        latitude=latitude[home],
        longitude=longitude[home],
        joined=joined,
        leaves=np.maximum(joined, 0) + chance.exponential(BUYER_DAYS, size),
        activity=chance.gamma(1.3, 1.0, size),
        complaint=np.exp(chance.normal(-0.6, 1.1, size)),
        favourite=_categories(chance, size),
        second_favourite=_categories(chance, size),
        household=household,
    )


def draw_sellers(chance: np.random.Generator, joined: Floats, *, first_number: int) -> Sellers:
    """New sellers, one for each sign-up day; the first few see to it that every market has some."""
    size = len(joined)
    number = first_number + np.arange(size)
    market = np.where(number < len(MARKETS), number % len(MARKETS), _markets(chance, size))
    latitude, longitude = _places(chance, market, spread=0.4)
    bad = chance.random(size) < _BAD_SELLERS
    character = chance.normal(0.0, 1.0, size)
    return Sellers(
        market=market,
        latitude=latitude,
        longitude=longitude,
        joined=joined,
        leaves=np.maximum(joined, 0) + chance.exponential(SELLER_DAYS, size),
        category=_categories(chance, size),
        second_category=_categories(chance, size),
        popularity=np.exp(chance.normal(0.0, 0.75, size)),
        slowness=0.25 * character + 0.25 * chance.normal(0.0, 1.0, size) + 0.8 * bad,
        defects=np.exp(0.45 * character + 0.5 * chance.normal(-0.5, 1.0, size) + 0.9 * bad),
        promise_days=chance.choice(3, size, p=(0.35, 0.45, 0.2)).astype(np.int64) + 1,
        carrier=chance.integers(0, CARRIERS, size),
        trouble_until=np.full(size, -1.0),
        shut_until=np.full(size, -1, dtype=np.int64),
        price_factor=np.ones(size),
        price_until=np.full(size, NEVER, dtype=np.int64),
        lure=np.ones(size),
        tactic=np.full(size, -1, dtype=np.int64),
        turns=np.full(size, NEVER, dtype=np.int64),
        found=np.full(size, NEVER, dtype=np.int64),
        recent_lines=np.zeros(size),
        recent_cases=np.zeros(size),
    )


def put_accounts(
    outbox: Outbox,
    today: Today,
    people: Buyers | Sellers,
    *,
    first_number: int,
    at: Ints | None,
    verified_share: Floats,
) -> None:
    """Account rows of newly drawn people, and a second version of those whose identity is checked later.

    Parameters
    ----------
    at
        When they signed up, in microseconds; None for those who were there before the first day.
    verified_share
        Chance of each to be verified at sign-up.
    """
    role = "seller" if isinstance(people, Sellers) else "buyer"
    size = len(people)
    chance = today.chance(f"accounts of {role}")
    signed_up = today.start + np.rint(people.joined * DAY).astype(np.int64) if at is None else at
    known = np.full(size, today.start) if at is None else at + chance.integers(0, 90 * SECOND, size)
    frame = pl.DataFrame(
        {
            "account_id": first_number + np.arange(size),
            "occurred_at": signed_up,
            "known_at": known,
            "market": _NAMES[people.market],
            "country": _NAMES[people.market],
            "signed_up_at": signed_up,
            "verified": chance.random(size) < verified_share,
        }
    ).with_columns(identifier(role, "account_id"), role=pl.lit(role))
    outbox.put(ACCOUNTS, frame)
    checked = known + 30 * MINUTE + (chance.exponential(8.0, size) * DAY).astype(np.int64)
    later = frame.with_columns(occurred_at=checked, known_at=checked, verified=pl.lit(True))
    outbox.put(ACCOUNTS, later.filter(~frame["verified"] & pl.Series(chance.random(size) < 0.45)))


def _markets(chance: np.random.Generator, size: int) -> Ints:
    return chance.choice(len(MARKETS), size, p=_SHARES / _SHARES.sum()).astype(np.int64)


def _categories(chance: np.random.Generator, size: int) -> Ints:
    return chance.choice(len(CATEGORIES), size, p=DEMAND / DEMAND.sum()).astype(np.int64)


def _places(chance: np.random.Generator, market: Ints, *, spread: float) -> tuple[Floats, Floats]:
    """Coarse coordinates (tenths of a degree) around the cities of each market."""
    size = len(market)
    draw = chance.random(size) ** 1.5
    cities = [MARKETS[row].cities for row in market]
    chosen = [here[int(share * len(here))] for here, share in zip(cities, draw, strict=True)]
    centre = np.array(chosen, dtype=np.float64).reshape(size, 2)
    near = np.round(centre + chance.normal(0.0, spread, (size, 2)), 1)
    return near[:, 0], near[:, 1]
