"""What an ideal observer expects of an order line at checkout: the chance that it ends in a case.

It knows the habits of buyer and seller, the way, the price, the promises and the suspicion of the seller, but not how
long this parcel will take. The delay is integrated over: the road in closed form (it is log-normal), the handling over
a few of its quantiles. Approximations: a seller in trouble, a carrier on strike and a region's bad week are taken as
known once they have lasted for some days, and as improbable as ever before; the causes' chances are added where they
exclude each other; a case that becomes known later than the label's window counts all the same.
"""

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from governance.marketplaces.simulated.care import trouble
from governance.marketplaces.simulated.care.causes import CLAIMED_OF_ABUSED, Habits, before, on_arrival
from governance.marketplaces.simulated.care.judge import WITHHELD_BY_MEMBERS
from governance.marketplaces.simulated.care.shipping import (
    HANDLING_LOG_SPREAD,
    LOST_SHARE,
    ROAD_LOG_SPREAD,
    usual_handling,
    usual_road,
)
from governance.marketplaces.simulated.chance import DAY, Floats, Today
from governance.marketplaces.simulated.shops.sellers import Sellers

_QUANTILES: Floats = ndtri((np.arange(9) + 0.5) / 9)
_PAUSES: Floats = np.array([1.5, 2.5, 3.5, 5.0, 6.5, 8.5, 10.5, 13.5, 17.5])
"""Days until a seller in trouble ships again: quantiles of what is left of a spell, and the way to the carrier."""

_WORST_DAYS = 8.0
_SURPRISE_SHARE, _SURPRISE_DAYS = 0.025, 2.4
"""How often a carrier is slower than anybody can see yet, and by how much."""


def case_chance(today: Today, lines: pl.DataFrame, sellers: Sellers, of: Habits, abuse: Floats) -> Floats:
    """Probability of a case for each of today's lines; `abuse` is the probability of an order for a false story."""
    seller = lines["seller"].to_numpy()
    hidden = trouble.began_lately(today, sellers)[seller]
    paused = lines["in_trouble"].to_numpy() & ~hidden
    stands = np.where(paused, 1.0, trouble.SPELLS_PER_SELLER_AND_DAY * trouble.SEEN_AFTER_DAYS)
    withheld = sellers.suspicion[seller] * WITHHELD_BY_MEMBERS
    late = (1 - stands) * _late(lines, sellers, None) + stands * _late(lines, sellers, _PAUSES)
    arrives = (1 - withheld) * (1 - LOST_SHARE)
    chance = sum(before(of, trouble=stands, withheld=withheld).values()) + 0.72 * withheld + 0.8 * LOST_SHARE
    chance = chance + arrives * (sum(on_arrival(of).values()) + late * of.readily**0.6 + CLAIMED_OF_ABUSED * abuse)
    return np.asarray(np.minimum(chance, 0.9), dtype=np.float64)


def _late(lines: pl.DataFrame, sellers: Sellers, pauses: Floats | None) -> Floats:
    """Expected chance of a case about lateness of an ordinarily patient buyer, over all delays that may come."""
    seller = lines["seller"].to_numpy()
    usual = usual_handling(sellers, seller)[:, None]
    handling = np.clip(usual * np.exp(HANDLING_LOG_SPREAD * _QUANTILES), 0.05, 16.0) if pauses is None else pauses
    known = np.where(lines["excess_seen"], lines["road_excess_days"], 0.0)
    promised = (lines["deliver_by"] - lines["occurred_at"]).to_numpy() / DAY
    left = (promised - known)[:, None] - handling
    road = usual_road(lines["distance_km"].to_numpy())[:, None]
    surprised = _SURPRISE_SHARE * _when_left(left - _SURPRISE_DAYS, road)
    return np.asarray(((1 - _SURPRISE_SHARE) * _when_left(left, road) + surprised).mean(axis=1), dtype=np.float64)


def _when_left(left: Floats, road: Floats) -> Floats:
    """Expected chance when so many days are left for the road; that of a delay of d days is .04 + .05 min(d, 8)."""
    over, beyond = _excess(left, road), _excess(left + _WORST_DAYS, road)
    return np.asarray(0.04 * over[0] + 0.05 * (over[1] - beyond[1]), dtype=np.float64)


def _excess(left: Floats, road: Floats) -> tuple[Floats, Floats]:
    """Probability that a log-normal time on the road exceeds what is left, and its expected excess."""
    relative = np.log(np.maximum(left, 1e-6) / road) / ROAD_LOG_SPREAD
    exceeds = ndtr(-relative)
    mean = road * np.exp(ROAD_LOG_SPREAD**2 / 2)
    excess = np.where(left > 0, mean * ndtr(ROAD_LOG_SPREAD - relative) - left * exceeds, mean - left)
    return exceeds, excess
