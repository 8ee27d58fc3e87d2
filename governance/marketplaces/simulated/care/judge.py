"""What an ideal judge makes of a case: the posterior of every cause, given all that can be seen, and of every party.

The judge knows the world's parameters, the habits of buyers and sellers, and every scan, word and photo. It recognises
how a photo was made, as an expert who holds the picture would, where models have its hash and measures. The tone of a
case it hears only as far as the text gives it away; by the deadline, after a conversation, it knows it. Given the
cause, traces are independent and their likelihoods exact. Approximations: where no delivery was scanned, the chance
that the parcel is still on its way is taken from the tails of handling and road, and a seller's suspicion stands
for its membership; how long a case waits says nothing unless it waits for the delivery.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.special import ndtr

from governance.marketplaces.simulated.care import traces
from governance.marketplaces.simulated.care.causes import (
    BLAME,
    CLAIMED_OF_ABUSED,
    NUMBER,
    SELLER,
    Habits,
    before,
    late_blame,
    late_hand_over,
    on_arrival,
    stacked,
    wait_density,
    when_late,
)
from governance.marketplaces.simulated.care.shipping import HANDLING_LOG_SPREAD, LOST_SHARE, ROAD_LOG_SPREAD
from governance.marketplaces.simulated.chance import DAY, Bools, Floats

FAKED_SHARE = 0.24
WITHHELD_BY_MEMBERS = 0.6
IN_TROUBLE_SHARE = 0.035
ROAD_TROUBLE_SHARE = 0.06
UNDECIDABLE_BELOW = 0.6
"""Where the likeliest party bears less of the expected blame than this, nobody can tell whose it is."""

_STORY = NUMBER["false_story"]
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class View:
    """What the judge knows of the cases beside their rows; arrays of one entry a case.

    `suspicion` is the probability that the seller is one that withholds, `usual_handling` and `usual_road` are median
    days, and `abuse` the expected number of false stories a day over that of ordinary orders, were the buyer known to
    be a member, times the probability that it is one.
    """

    of: Habits
    suspicion: Floats
    usual_handling: Floats
    usual_road: Floats
    abuse: Floats


@dataclass(frozen=True, slots=True)
class Belief:
    """Posterior of causes (n, causes)."""

    causes: Floats
    by_facts: Floats

    @property
    def false_story(self) -> Floats:
        """Probability that the buyer tells a false story."""
        return self.causes[:, _STORY]

    @property
    def parties(self) -> Floats:
        """Expected blame of each party (n, parties)."""
        late = self.causes[:, NUMBER["late"]]
        plain = self.causes @ np.where(np.arange(len(BLAME))[:, None] == NUMBER["late"], 0.0, BLAME)
        return np.asarray(plain + late[:, None] * self.by_facts, dtype=np.float64)

    @property
    def seller_bears_most(self) -> Floats:
        """Probability that more than half of the blame is the seller's."""
        most = (BLAME[:, SELLER] > 0.5).astype(np.float64)
        most[NUMBER["late"]] = 0.0
        late = self.causes[:, NUMBER["late"]] * (self.by_facts[:, SELLER] > 0.5)
        return np.asarray(self.causes @ most + late, dtype=np.float64)

    @property
    def decidable(self) -> Bools:
        """Whether anybody could tell who is to blame."""
        return np.asarray(self.parties.max(axis=1) >= UNDECIDABLE_BELOW, dtype=np.bool_)


def believe(cases: pl.DataFrame, view: View, seen: Floats) -> Belief:
    """The judge's belief about cases, given the log likelihood of what was seen (n, causes)."""
    with np.errstate(divide="ignore"):
        log_mass = np.log(masses(cases, view)) + seen
    log_mass -= log_mass.max(axis=1, keepdims=True)
    mass = np.exp(log_mass)
    return Belief(mass / mass.sum(axis=1, keepdims=True), _blame_by_facts(cases))


def abuse_ratio(cases: pl.DataFrame, view: View, seen: Floats) -> Floats:
    """Likelihood of the case as a false story over that of all honest causes together, were the buyer a member."""
    certain = replace(view, abuse=np.ones(cases.height))
    mass = masses(cases, certain) * np.exp(seen - seen.max(axis=1, keepdims=True))
    honest = np.delete(mass, _STORY, axis=1).sum(axis=1)
    return np.asarray(mass[:, _STORY] / np.maximum(honest, _LEAST), dtype=np.float64)


def opening(seen: pl.DataFrame) -> Floats:
    """Log likelihood (n, causes) of what is seen when a case is opened, beside its text."""
    with_photo = (seen["photos"] > 0).to_numpy()[:, None]
    return traces.weighed(traces.OPENING, seen) + np.where(with_photo, traces.weighed(traces.PHOTO, seen), 0.0)


def hearing(seen: pl.DataFrame) -> Floats:
    """Log likelihood (n, causes) of what is heard until the deadline, the tone of every word in it."""
    return traces.weighed((traces.TONE, *traces.HEARING), seen)


def masses(cases: pl.DataFrame, view: View) -> Floats:
    """Prior chance of each cause with the scans and the time of the case (n, causes), not normalised."""
    there = delivered(cases)
    arrived = _arrived(cases, view)
    return np.where(there[:, None], arrived, _underway(cases, view)) + _LEAST


def delivered(cases: pl.DataFrame) -> Bools:
    """Whether the delivery had been scanned when the case was opened."""
    found = ~cases["withheld"] & ~cases["lost"] & (cases["delivered"] <= cases["opened"])
    return np.asarray(found.to_numpy(), dtype=np.bool_)


def _arrived(cases: pl.DataFrame, view: View) -> Floats:
    late = when_late(view.of, cases["late_days"].to_numpy(), late_hand_over(cases))
    story = {"false_story": CLAIMED_OF_ABUSED * view.abuse}
    waited = np.maximum((cases["opened"] - cases["delivered"]).to_numpy() / DAY, 0.0)
    return stacked({**on_arrival(view.of), **late, **story}, cases.height) * wait_density(waited)


def _underway(cases: pl.DataFrame, view: View) -> Floats:
    """Chances where no delivery was scanned: withheld, lost, or still somewhere."""
    handed = _handed_over(cases)
    withheld = view.suspicion * WITHHELD_BY_MEMBERS * np.where(handed, FAKED_SHARE, 1 - FAKED_SHARE)
    overdue = np.maximum((cases["opened"] - cases["deliver_by"]).to_numpy() / DAY, 0.0) + 0.7
    late = when_late(view.of, overdue, np.where(handed, late_hand_over(cases), 1.0))
    still = _still_underway(cases, view, handed)
    chances = {
        "not_shipped": 0.72 * withheld,
        "lost": np.where(handed, 0.65 * LOST_SHARE, 0.0),
        "bad_label": np.where(handed, 0.15 * LOST_SHARE, 0.0),
        **{name: chance * still for name, chance in late.items()},
        **{name: chance * ~handed for name, chance in before(view.of, trouble=still * 0.5, withheld=withheld).items()},
    }
    return stacked(chances, cases.height) / 8


def _handed_over(cases: pl.DataFrame) -> Bools:
    found = (~cases["withheld"] | cases["faked"]) & (cases["handed_over"] <= cases["opened"])
    return np.asarray(found.to_numpy(), dtype=np.bool_)


def _still_underway(cases: pl.DataFrame, view: View, handed: Bools) -> Floats:
    """Probability that an honest parcel is not further than this so late."""
    placed, opened, left = (cases[name].to_numpy() for name in ("occurred_at", "opened", "handed_over"))
    at_seller = _tail((opened - placed) / DAY / view.usual_handling, HANDLING_LOG_SPREAD)
    on_road = _tail((opened - left) / DAY / view.usual_road, ROAD_LOG_SPREAD)
    return np.where(
        handed,
        ROAD_TROUBLE_SHARE * 0.5 + (1 - ROAD_TROUBLE_SHARE) * on_road,
        IN_TROUBLE_SHARE * 0.7 + (1 - IN_TROUBLE_SHARE) * at_seller,
    )


def _tail(relative: Floats, spread: float) -> Floats:
    return np.asarray(ndtr(-np.log(np.maximum(relative, 1e-6)) / spread), dtype=np.float64)


def _blame_by_facts(cases: pl.DataFrame) -> Floats:
    """Blame were the cause a delay, as far as scans tell: what nobody has handed over yet is the seller's."""
    shares = late_blame(cases)
    alone = np.zeros_like(shares)
    alone[:, SELLER] = 1.0
    return np.where(_handed_over(cases)[:, None], shares, alone)
