"""The risk campaign: merchants that stop shipping. Who turns, when, how, and when somebody finds out."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import NEVER, Bools, Floats, Ints, Today, due
from governance.marketplaces.simulated.people import Sellers

PERIOD_DAYS = 240
"""Prevalence is stated per this many days."""

STRAIN_DAYS = 14
"""An established merchant that will turn gets slower during this time, as one in honest trouble does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """How many merchants turn.

    `natural_prevalence` is the share of all sellers trading at some time within 240 days who turn in them;
    `oversampling` multiplies it, so that a world of ordinary size has enough of them to learn from. Figures
    that depend on prevalence are to be reweighted by that factor. `first_day` is the first day on which anybody turns.
    """

    natural_prevalence: float = 0.01
    oversampling: float = 20.0
    first_day: int = 40
    found_share: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tactic:
    """One way of stopping to ship.

    `withholds` is the share of lines never handed over once it is in full swing, `fakes` the share of those with a
    hand-over scan all the same; it is found `found_days` (median) after the turn, with a log spread of `found_spread`.
    """

    name: str
    share: float
    new_account: bool
    warm_up_days: tuple[int, int]
    price_factor: tuple[float, float]
    lure: float
    withholds: float
    fakes: float
    new_listings: int
    found_days: float
    found_spread: float


TACTICS = (
    Tactic(
        name="new_shop",
        share=0.55,
        new_account=True,
        warm_up_days=(2, 8),
        price_factor=(0.62, 0.85),
        lure=1.1,
        withholds=0.8,
        fakes=0.25,
        new_listings=0,
        found_days=15.0,
        found_spread=0.35,
    ),
    Tactic(
        name="exit",
        share=0.30,
        new_account=False,
        warm_up_days=(STRAIN_DAYS, STRAIN_DAYS),
        price_factor=(0.65, 0.88),
        lure=1.1,
        withholds=0.75,
        fakes=0.2,
        new_listings=3,
        found_days=16.0,
        found_spread=0.4,
    ),
    Tactic(
        name="fade",
        share=0.15,
        new_account=False,
        warm_up_days=(STRAIN_DAYS, STRAIN_DAYS),
        price_factor=(0.95, 1.0),
        lure=1.0,
        withholds=0.6,
        fakes=0.3,
        new_listings=0,
        found_days=23.0,
        found_spread=0.35,
    ),
)

_WITHHOLDS: Floats = np.array([tactic.withholds for tactic in TACTICS])
_FAKES: Floats = np.array([tactic.fakes for tactic in TACTICS])


def recruits(campaign: Campaign, today: Today, *, sellers_over_period: float) -> Ints:
    """Tactics (indices into `TACTICS`) of the merchants that decide today to turn soon."""
    since = today.index - (campaign.first_day - STRAIN_DAYS)
    if since < 0:
        return np.empty(0, dtype=np.int64)
    per_day = campaign.natural_prevalence * campaign.oversampling * sellers_over_period / PERIOD_DAYS
    shares = np.array([tactic.share for tactic in TACTICS])
    return today.chance("recruits").choice(len(TACTICS), due(per_day, since), p=shares / shares.sum()).astype(np.int64)


def turn_established(campaign: Campaign, today: Today, sellers: Sellers, tactics: Ints) -> None:
    """Make honest sellers of some standing members of the campaign."""
    chance = today.chance("established merchants turn")
    candidates = np.flatnonzero(sellers.honest & sellers.open(today.index) & (sellers.joined < today.index - 30))
    chosen = chance.permutation(candidates)[: len(tactics)]
    plan(campaign, today, sellers, chosen, tactics[: len(chosen)], chance)


def plan(
    campaign: Campaign, today: Today, sellers: Sellers, chosen: Ints, tactics: Ints, chance: np.random.Generator
) -> None:
    """Fix for the chosen sellers when they turn, and when they are found or vanish."""
    for seller, number in zip(chosen, tactics, strict=True):
        tactic = TACTICS[number]
        low, high = tactic.warm_up_days
        turns = max(today.index + int(chance.integers(low, high + 1)), campaign.first_day)
        found_after = max(5, round(tactic.found_days * float(np.exp(chance.normal(0.0, tactic.found_spread)))))
        vanishes_after = int(chance.integers(22, 46))
        found = bool(chance.random() < campaign.found_share)
        sellers.tactic[seller] = number
        sellers.turns[seller] = turns
        sellers.found[seller] = turns + found_after if found else NEVER
        sellers.leaves[seller] = NEVER if found else turns + vanishes_after


def withheld(sellers: Sellers, seller: Ints, today: Today, chance: np.random.Generator) -> Bools:
    """Which of today's lines (given by their sellers) are never handed over; it takes a week to get into full swing."""
    swing = np.clip((today.index - sellers.turns[seller] + 3) / 8, 0.0, 1.0)
    member = sellers.tactic[seller] >= 0
    share = np.where(member & (today.index >= sellers.turns[seller]), _WITHHOLDS[sellers.tactic[seller]] * swing, 0.0)
    return chance.random(len(seller)) < share


def faked(sellers: Sellers, seller: Ints, chance: np.random.Generator) -> Bools:
    """Which of the withheld lines get a hand-over scan without a parcel."""
    return chance.random(len(seller)) < _FAKES[sellers.tactic[seller]]


def strained(sellers: Sellers, day: int) -> Bools:
    """Members whose shop runs badly because they are about to turn."""
    return (sellers.tactic >= 0) & (day < sellers.turns) & (day >= sellers.turns - STRAIN_DAYS)
