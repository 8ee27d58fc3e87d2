"""What an ideal observer believes of sellers: has this one turned, is it about to, is it only in trouble?

A hidden Markov model for each seller, filtered day by day. States: ordinary, in trouble (cannot ship for some days),
waiting (a member that has not turned yet), turned. What is seen: lines without a hand-over scan some days after they
were due, of all that are as old; a price cut, which comes with most turns and with few promotions; at sign-up
identity checks and shared devices; that nobody has found it yet; and complaints about parcels that were scanned.

Lines are judged `promise_days + LAG_DAYS` after they were ordered, so that the filter runs that far behind and its
state is carried forward to today. Approximations: times in trouble and waiting (for established sellers) are taken as
geometric; cancelled lines count as never handed over; the carrier's part is left out.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtr

from governance.marketplaces.simulated.chance import Bools, Floats, Ints, Today
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.shops import merchant_fraud
from governance.marketplaces.simulated.shops.merchant_fraud import STRAIN_DAYS, StopsShipping
from governance.marketplaces.simulated.shops.products import PROMOTIONS_PER_SELLER_AND_DAY
from governance.marketplaces.simulated.shops.recruiting import rates_today
from governance.marketplaces.simulated.shops.sellers import BY_AGENCIES, SELLER_DAYS, Sellers, standing_sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LAG_DAYS = 2
VERIFIED, VERIFIED_MEMBERS = 0.85, 0.72
"""Share of sellers whose identity is checked at sign-up."""

_NEW_MEMBERS_TURN_WITHIN = 9
_TROUBLE, _RECOVERS = 0.004, 1 / 9
_UNSEEN_IN_TROUBLE, _UNSEEN_ANYHOW = 0.85, 0.045
_HANDLING_LOG_MEAN, _HANDLING_LOG_SPREAD, _STRAIN = -0.75, 0.45, 0.8
_NOT_FOUND_YET = 0.95
_COMPLAINT_IF_TURNED, _COMPLAINT_IF_NOT = 0.1, 0.012
_ORDINARY, _IN_TROUBLE, _WAITING, _TURNED = range(4)


@dataclass(slots=True)
class Beliefs:
    """One entry for each seller: the filter's `trouble`, `waiting` and `turned` (probabilities; the rest is ordinary),
    and `breaks_rules`, the probability that it is a member of those who list what is against the rules. `offset` says
    on which day of seven its decisions are labelled. Of its reviews so far, `seen` in number, `bought` is how many an
    ideal observer believes to be bought, and `noted` how many people said so of since it was last limited.
    """

    trouble: Floats
    waiting: Floats
    turned: Floats
    breaks_rules: Floats
    offset: Ints
    bought: Floats
    seen: Floats
    noted: Ints

    def states(self) -> Floats:
        """Probabilities of the four states, (sellers, 4)."""
        ordinary = 1 - self.trouble - self.waiting - self.turned
        return np.column_stack([ordinary, self.trouble, self.waiting, self.turned])


def beliefs_about(ids: pl.Series, *, waiting: Floats, breaks_rules: Floats) -> Beliefs:
    """What is believed of sellers at first."""
    none = np.zeros(len(ids))
    offset = np.array([hashlib.sha256(one.encode()).digest()[0] for one in ids], dtype=np.int64)
    return Beliefs(
        trouble=none,
        waiting=waiting,
        turned=none.copy(),
        breaks_rules=breaks_rules,
        offset=offset,
        bought=none.copy(),
        seen=none.copy(),
        noted=np.zeros(len(ids), dtype=np.int64),
    )


def waiting_at_sign_up(world: "World", today: Today, sellers: Sellers, number: Ints) -> Floats:
    """Probability that each seller that signs up today means to turn."""
    opened = standing_sellers(world.settings.buyers) / SELLER_DAYS
    tactics = list(merchant_fraud.tactics(world).values())
    joins = float(rates_today(world, today, merchant_fraud.KIND, lead_days=STRAIN_DAYS) @ _new(tactics))
    odds = Odds(np.full(len(number), joins / (joins + opened)))
    odds.saw(sellers.verified[number], if_member=VERIFIED_MEMBERS, if_honest=VERIFIED)
    rented = float(np.mean([one.on_rented for one in tactics] or [0.3]))
    odds.saw(sellers.shares_device()[number], if_member=rented, if_honest=BY_AGENCIES)
    return odds.posterior


def update(world: "World", today: Today, lines: Ints, unseen: Ints, complaints: Ints) -> None:
    """Take in a day; `sellers.suspicion` becomes the probability that each seller has turned by now.

    Parameters
    ----------
    lines, unseen
        For each seller, lines that are judged today, and those of them without a hand-over scan.
    complaints
        For each seller, complaints of today that something scanned never came.
    """
    sellers, beliefs = world.shops.sellers, world.shops.beliefs
    lag = sellers.promise_days + LAG_DAYS
    then = today.index - lag
    states = _step(world, today, beliefs.states(), then, cut=sellers.cut == then)
    states *= _seen(sellers, lines, unseen, complaints)
    alive = (sellers.joined < today.index) & (sellers.shut_until <= today.index)
    states[:, _TURNED] *= np.where(alive & (then > sellers.joined), _NOT_FOUND_YET, 1.0)
    # Before a seller is as old as the filter runs behind, there is nothing to take in.
    known = then >= np.floor(sellers.joined)
    total = states.sum(axis=1)
    beliefs.trouble, beliefs.waiting, beliefs.turned = (
        np.where(known, states[:, state] / total, old)
        for state, old in ((_IN_TROUBLE, beliefs.trouble), (_WAITING, beliefs.waiting), (_TURNED, beliefs.turned))
    )
    sellers.suspicion = _now(world, today, lag)[:, _TURNED]


def ahead(world: "World", today: Today, days: int, *, active: float) -> Floats:
    """Probability that each seller has turned, or will within so many days, given that it sold something lately.

    `active` is the share of all sellers that did; those who have turned do nearly always, for that is what they want.
    """
    lag = world.shops.sellers.promise_days + LAG_DAYS
    states = _now(world, today, lag)
    states[:, _TURNED] /= active
    states /= states.sum(axis=1, keepdims=True)
    # Members turn after a known time at most, so that who waits now will have turned by then.
    soon, later = min(days / STRAIN_DAYS, 1.0), max(days - STRAIN_DAYS, 0) * _established_rate(world, today)
    return np.clip(states[:, _TURNED] + states[:, _WAITING] * soon + states[:, _ORDINARY] * later, 0, 1)


def _now(world: "World", today: Today, lag: Ints) -> Floats:
    """The filter's states carried forward to today, by the price cuts that were seen since."""
    sellers, states = world.shops.sellers, world.shops.beliefs.states()
    for ago in range(int(lag.max()) - 1, -1, -1):
        day = np.full(len(sellers), today.index - ago)
        moved = _step(world, today, states, day, cut=sellers.cut == day)
        moved /= moved.sum(axis=1, keepdims=True)
        states = np.where(((ago < lag) & (day >= np.floor(sellers.joined)))[:, None], moved, states)
    return states


def _step(world: "World", today: Today, states: Floats, day: Ints, *, cut: Bools) -> Floats:
    """States of a day from those of the day before, times the likelihood of the price cut or of its absence."""
    age = day - world.shops.sellers.joined
    new = age < _NEW_MEMBERS_TURN_WITHIN
    turns = np.where(new, np.where(age < 1, 0.0, 1 / np.maximum(_NEW_MEMBERS_TURN_WITHIN - age, 1.0)), 1 / STRAIN_DAYS)
    with_cut = np.where(new, 1.0, _cutting(world))
    promotes = np.where(cut, PROMOTIONS_PER_SELLER_AND_DAY, 1 - PROMOTIONS_PER_SELLER_AND_DAY)
    hazard = np.where(age > 30, _established_rate(world, today), 0.0)
    ordinary, trouble, waiting, turned = states.T
    return np.column_stack(
        [
            (ordinary * (1 - _TROUBLE - hazard) + trouble * _RECOVERS) * promotes,
            (ordinary * _TROUBLE + trouble * (1 - _RECOVERS)) * promotes,
            (waiting * (1 - turns) + ordinary * hazard) * promotes,
            turned * np.where(cut, 1e-6, 1.0) + waiting * turns * np.where(cut, with_cut, 1 - with_cut),
        ]
    )


def _seen(sellers: Sellers, lines: Ints, unseen: Ints, complaints: Ints) -> Floats:
    """Likelihood, in each state, of so many of the lines without a scan and so many complaints, (sellers, 4)."""
    usual = _overdue_share(sellers, np.zeros(len(sellers)))
    waiting = np.where(sellers.joined < 0, _overdue_share(sellers, np.full(len(sellers), _STRAIN)), usual)
    typical = StopsShipping()
    turned = typical.withholds * (1 - typical.fakes) * 0.8 + 0.3 * usual
    shares = np.column_stack([usual, np.full(len(sellers), _UNSEEN_IN_TROUBLE), waiting, np.minimum(turned, 0.95)])
    seen = shares ** unseen[:, None] * (1 - shares) ** (lines - unseen)[:, None]
    seen[:, _TURNED] *= (_COMPLAINT_IF_TURNED / _COMPLAINT_IF_NOT) ** complaints
    likelihood: Floats = seen
    return likelihood


def _overdue_share(sellers: Sellers, strain: Floats) -> Floats:
    """Share of a seller's lines without a scan some days after they were due, by its habits."""
    median = np.log(sellers.promise_days) + sellers.slowness + strain + _HANDLING_LOG_MEAN
    late = ndtr((median - np.log(sellers.promise_days + LAG_DAYS - 0.4)) / _HANDLING_LOG_SPREAD)
    share: Floats = np.clip(late + _UNSEEN_ANYHOW, 0.01, 0.9)
    return share


def _established_rate(world: "World", today: Today) -> float:
    """Chance of an established seller to become a member on a day."""
    rates = rates_today(world, today, merchant_fraud.KIND, lead_days=STRAIN_DAYS)
    new = _new(list(merchant_fraud.tactics(world).values()))
    return float(rates @ (1 - new)) / standing_sellers(world.settings.buyers)


def _cutting(world: "World") -> float:
    """Share of established members that cut prices far enough to be seen when they turn."""
    tactics = [one for one in merchant_fraud.tactics(world).values() if not one.new_account]
    return float(np.clip(np.mean([float(one.price_high < 1) for one in tactics] or [0.5]), 0.05, 0.95))


def _new(tactics: list[StopsShipping]) -> Floats:
    return np.array([one.new_account for one in tactics], dtype=np.float64)
