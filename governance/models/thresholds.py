"""Where to act: the threshold with the least expected cost."""

from dataclasses import dataclass

import numpy as np

from governance.models.rows import Floats
from governance.models.spec import Costs

NEVER = 2.0
"""A threshold that no probability reaches: acting on nobody was cheapest."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Act where the probability is at least `value`; `cost_per_1000` decisions, in minor units, was measured there."""

    value: float
    cost_per_1000: float


def acting_cost(labels: Floats, amounts: Floats, costs: Costs) -> Floats:
    """What acting on each row costs, in minor units: a review, and a false alarm where the label is 0."""
    false_alarm = costs.false_alarm_minor + costs.false_alarm_share * amounts
    return costs.review_minor + (1 - labels) * false_alarm


def waiting_cost(labels: Floats, amounts: Floats, costs: Costs) -> Floats:
    """What leaving each row alone costs, in minor units: a miss where the label is 1."""
    return labels * (costs.miss_minor + costs.miss_share * amounts)


def choose_threshold(
    probabilities: Floats, labels: Floats, amounts: Floats, weights: Floats, *, costs: Costs
) -> Threshold:
    """Find the threshold that costs least on these rows; of equally cheap ones the one that acts least.

    The value lies halfway between the lowest probability acted on and the highest one left alone.
    All arrays have one entry per row.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    acting = weights * acting_cost(labels, amounts, costs)
    waiting = weights * waiting_cost(labels, amounts, costs)
    # Entry k is the cost of acting on the k highest rows; only the ends of tied runs can be told apart.
    totals = waiting.sum() + np.concatenate([[0.0], np.cumsum((acting - waiting)[order])])
    reachable = np.concatenate([[True], ranked[1:] < ranked[:-1], [True]])
    best = int(np.argmin(np.where(reachable, totals, np.inf)))
    return Threshold(_between(ranked, best), float(1000 * totals[best] / weights.sum()))


def _between(ranked: Floats, acted: int) -> float:
    if acted == 0:
        return NEVER
    below = ranked[acted] if acted < len(ranked) else 0.0
    middle = float((ranked[acted - 1] + below) / 2)
    # Between neighbouring floats the middle rounds to one of them, perhaps to the one to leave alone.
    return middle if middle > below or acted == len(ranked) else float(ranked[acted - 1])
