"""Creators: who they are, how they work, how large their audience is, and their account rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS
from governance.marketplaces.simulated.chance import DAY, MINUTE, SECOND, Bools, Floats, Ints, Today, due, micros
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.shops.categories import DEMAND
from governance.marketplaces.simulated.state import extended

CREATORS_PER_BUYER = 0.04
CREATOR_DAYS = 380.0
"""Mean time that creators stay, in days."""

_VERIFIED = 0.7
_CHECKED_LATER = 0.4
_NAMES = pl.Series([market.name for market in MARKETS])
_SHARES = [market.share for market in MARKETS]


@dataclass(slots=True)
class Creators:
    """Creators, one row each; the row's number is the account's.

    `audience` weighs what they publish, `pace` is contents a day, `live_share` how many of them are live rooms. What
    their audience is like: `lingering` (log of how long it stays) and `liking` (log-odds of a like), both 0 where
    ordinary. `rate` is their share of what they sell. `bank` counts the bank accounts that they have had.
    """

    market: Ints
    joined: Floats
    leaves: Floats
    category: Ints
    second_category: Ints
    audience: Floats
    pace: Floats
    live_share: Floats
    lingering: Floats
    liking: Floats
    rate: Floats
    bank: Ints
    campaign: Ints
    shut_until: Ints

    def __len__(self) -> int:
        return len(self.market)

    def open(self, day: int) -> Bools:
        """Who may publish on a day."""
        return (self.joined < day) & (day < self.leaves) & (self.shut_until <= day)


def first_creators(settings: Settings, today: Today, outbox: Outbox) -> Creators:
    """Those who are there on the first day, with the ages that a steady stream would give them."""
    number = np.arange(max(len(MARKETS), round(settings.buyers * CREATORS_PER_BUYER)))
    joined = -today.draw("ages of creators").exponential(number, CREATOR_DAYS) - 1e-3
    creators = _drawn(today, number, joined)
    signed_up = today.start + micros(joined)
    _put_accounts(outbox, today, creators, number, signed_up=signed_up, known_at=np.full(len(number), today.start))
    return creators


def new_creators(settings: Settings, today: Today, outbox: Outbox, creators: Creators) -> Creators:
    """All creators, today's new ones after the others."""
    size = due(settings.buyers * CREATORS_PER_BUYER / CREATOR_DAYS, today.index)
    number = len(creators) + np.arange(size)
    at = today.draw("sign-ups of creators").moment(number, today)
    new = _drawn(today, number, (at - today.start) / DAY + today.index)
    delay = today.draw("delays of creators' sign-ups").integers(number, 1, 90 * SECOND)
    _put_accounts(outbox, today, new, number, signed_up=at, known_at=at + delay)
    return extended(creators, new)


def _drawn(today: Today, number: Ints, joined: Floats) -> Creators:
    draw = today.draw("creators")
    anywhere = draw.pick(number, _SHARES)
    return Creators(
        market=np.where(number < len(MARKETS), number, anywhere),
        joined=joined,
        leaves=np.maximum(joined, 0) + draw.exponential(number, CREATOR_DAYS),
        category=draw.pick(number, DEMAND),
        second_category=draw.pick(number, DEMAND),
        audience=draw.lognormal(number, 1.0, 1.0),
        pace=0.03 + 0.045 * draw.gamma(number, 1.5),
        live_share=np.minimum(0.12 * draw.lognormal(number, 1.0, 0.9), 0.8),
        lingering=draw.normal(number, 0.0, 0.3),
        liking=draw.normal(number, 0.0, 0.5),
        rate=np.round(draw.uniform(number, 0.05, 0.16), 2),
        bank=np.zeros(len(number), dtype=np.int64),
        campaign=np.full(len(number), -1, dtype=np.int64),
        shut_until=np.full(len(number), -1, dtype=np.int64),
    )


def _put_accounts(
    outbox: Outbox, today: Today, creators: Creators, number: Ints, *, signed_up: Ints, known_at: Ints
) -> None:
    """Account rows of newly drawn creators, and a second version of those whose identity is checked later."""
    draw = today.draw("accounts of creators")
    verified = draw.happens(number, _VERIFIED)
    places = _NAMES[creators.market]
    frame = pl.DataFrame(
        {
            "account_id": identifiers("creator", number, seed=today.seed),
            "occurred_at": signed_up,
            "known_at": known_at,
            "market": places,
            "country": places,
            "signed_up_at": signed_up,
            "verified": verified,
        }
    ).with_columns_seq(role=pl.lit("creator"))
    checked = known_at + 30 * MINUTE + micros(draw.exponential(number, 9.0))
    later = frame.with_columns_seq(occurred_at=pl.Series(checked), known_at=pl.Series(checked), verified=pl.lit(True))
    outbox.put(ACCOUNTS, pl.concat([frame, later.filter(~verified & draw.happens(number, _CHECKED_LATER))]))
