"""Choosing among things by weight within groups, such as a content of a category in a market, for many at once."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Floats, Ints

NOTHING = -1
"""What is chosen where there is nothing to choose from."""


@dataclass(frozen=True, slots=True)
class Urn:
    """Things in groups: `order` lists them by group, `steps` sums their weights, `first` is where each group begins.

    >>> urn = fill(group=np.array([1, 0, 1]), weight=np.array([1.0, 5.0, 3.0]), groups=3)
    >>> urn.pick(np.array([1, 1, 0, 2]), np.array([0.2, 0.3, 0.9, 0.5])).tolist()
    [0, 2, 1, -1]
    """

    order: Ints
    steps: Floats
    first: Ints

    def total(self, group: Ints) -> Floats:
        """The weight of everything in each group asked for."""
        total: Floats = self.steps[self.first[group + 1]] - self.steps[self.first[group]]
        return total

    def pick(self, group: Ints, mark: Floats) -> Ints:
        """One thing of each group asked for, `NOTHING` from those without weight; `mark` is uniform on [0, 1)."""
        if not len(self.order):
            return np.full(len(group), NOTHING, dtype=np.int64)
        begin, end = self.first[group], self.first[group + 1]
        low, high = self.steps[begin], self.steps[end]
        place = np.searchsorted(self.steps, low + mark * (high - low), side="right") - 1
        place = np.clip(place, begin, np.maximum(end - 1, begin))
        return np.where(high > low, self.order[np.minimum(place, len(self.order) - 1)], NOTHING)


def fill(*, group: Ints, weight: Floats, groups: int) -> Urn:
    """An urn of the things 0, 1, …, each with its group (0 to `groups` - 1) and weight; weightless ones never come."""
    kept = np.flatnonzero(weight > 0)
    order = kept[np.argsort(group[kept], kind="stable")]
    steps = np.concatenate([np.zeros(1), np.cumsum(weight[order])])
    first = np.searchsorted(group[order], np.arange(groups + 1)).astype(np.int64)
    return Urn(order, steps, first)
