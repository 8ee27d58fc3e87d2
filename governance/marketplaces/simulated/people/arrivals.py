"""Who signs up: what new buyers are like, and their account rows."""

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS
from governance.marketplaces.simulated.chance import MINUTE, NEVER, Draw, Floats, Ints, Today, micros
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import BUYER_DAYS, USUAL_SUSPICION, Buyers
from governance.marketplaces.simulated.people.things import first_of, names
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.categories import DEMAND

_CHECKED_LATER, _CHECKED_AFTER_DAYS = 0.45, 8.0
_SHARED_HOUSEHOLDS = 0.12
_SPARE_KNOWN = 0.8
_SHARES: Floats = np.array([market.share for market in MARKETS])
_CITIES = np.array([len(market.cities) for market in MARKETS])
_PLACES = np.zeros((len(MARKETS), _CITIES.max(), 2))
for _row, _market in enumerate(MARKETS):
    _PLACES[_row, : len(_market.cities)] = _market.cities


def drawn_markets(draw: Draw, key: Ints) -> Ints:
    """A market for each key, by the markets' shares."""
    return draw.pick(key, _SHARES)


def drawn_places(draw: Draw, key: Ints, market: Ints, *, spread: float) -> tuple[Floats, Floats]:
    """Coarse coordinates (tenths of a degree) around the cities of each market, most of them near the first ones."""
    city = np.floor(draw.uniform(key) ** 1.5 * _CITIES[market]).astype(np.int64)
    centre = _PLACES[market, city]
    north, east = draw.normal(key, 0.0, spread), draw.normal(key, 0.0, spread)
    return np.round(centre[:, 0] + north, 1), np.round(centre[:, 1] + east, 1)


def drawn_buyers(draw: Draw, number: Ints, joined: Floats) -> Buyers:
    """New buyers with these numbers, one for each sign-up day. Some live with the one before them."""
    market = drawn_markets(draw, number)
    shares = draw.happens(number, _SHARED_HOUSEHOLDS)
    # Whoever shares a home takes the neighbour's market with it, and only from a neighbour with a home of their own.
    shares[:1] = False
    shares[1:] &= ~shares[:-1]
    home = np.where(shares, number - 1, number)
    row = home - number[0] if len(number) else number
    latitude, longitude = drawn_places(draw, number, market, spread=0.6)
    size = len(number)
    return Buyers(
        market=market[row],
        latitude=latitude[row],
        longitude=longitude[row],
        joined=joined,
        leaves=np.maximum(joined, 0) + draw.exponential(number, BUYER_DAYS),
        activity=draw.gamma(number, 1.3),
        complaint=draw.lognormal(number, float(np.exp(-0.6)), 1.1),
        favourite=draw.pick(number, DEMAND),
        second_favourite=draw.pick(number, DEMAND),
        household=home,
        device=first_of(home),
        device_since=np.floor(joined).astype(np.int64),
        spare_since=np.where((joined < 0) & draw.happens(number, _SPARE_KNOWN), -1, NEVER),
        phone=first_of(number),
        instrument=first_of(number),
        public=draw.uniform(number) ** 2 * 0.9,
        travel=draw.uniform(number) ** 4 * 0.12,
        careless=draw.lognormal(number, 0.6, 1.0),
        invited_by=np.full(size, -1, dtype=np.int64),
        suspicion=np.full(size, USUAL_SUSPICION),
        campaign=np.full(size, -1, dtype=np.int64),
        shut_until=np.full(size, -1, dtype=np.int64),
    )


def put_accounts(outbox: Outbox, today: Today, signups: pl.DataFrame, *, seed: int) -> None:
    """Account rows of sign-ups, and a second version of those whose identity is checked later.

    Parameters
    ----------
    signups
        `buyer`, `occurred_at` and `known_at` (microseconds), `market` (its name), `verified`, and by number, -1 for
        none, `device`, `network`, `phone` and `invited_by`.
    """
    draw = today.draw("accounts of buyers")
    number = signups["buyer"].to_numpy()
    frame = signups.with_columns_seq(
        account_id=identifiers("buyer", number, seed=seed),
        role=pl.lit("buyer"),
        country=pl.col("market"),
        signed_up_at=pl.col("occurred_at"),
        device=names("device", signups["device"].to_numpy(), seed=seed),
        network=names("network", signups["network"].to_numpy(), seed=seed),
        phone=_or_null("phone", signups["phone"].to_numpy(), seed),
        invited_by=_or_null("buyer", signups["invited_by"].to_numpy(), seed),
    )
    later = signups["known_at"].to_numpy() + 30 * MINUTE + micros(draw.exponential(number, _CHECKED_AFTER_DAYS))
    checked = frame.with_columns_seq(occurred_at=pl.Series(later), known_at=pl.Series(later), verified=pl.lit(True))
    again = ~signups["verified"] & pl.Series(draw.happens(number, _CHECKED_LATER))
    outbox.put(ACCOUNTS, pl.concat([frame, checked.filter(again)]))


def _or_null(prefix: str, numbers: Ints, seed: int) -> pl.Series:
    given = identifiers(prefix, np.maximum(numbers, 0), seed=seed)
    return pl.select(pl.when(pl.Series(numbers >= 0)).then(given)).to_series()
