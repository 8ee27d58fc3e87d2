"""Who shares what with whom: how often others used the same thing lately, and what was thought of them."""

import numpy as np

from governance.marketplaces.simulated.chance import Floats, Ints


def times_used(recent: Ints, own: Ints) -> Ints:
    """How often each of `own` is among `recent`.

    >>> times_used(np.array([3, 3, 5]), np.array([3, 4])).tolist()
    [2, 0]
    """
    values, place = np.unique(np.concatenate([recent, own]), return_inverse=True)
    return np.bincount(place[: len(recent)], minlength=len(values))[place[len(recent) :]]


def thought_of(recent: Ints, suspicion: Floats, own: Ints) -> Floats:
    """Sum of what was thought of those in `recent` who used each of `own`."""
    values, place = np.unique(np.concatenate([recent, own]), return_inverse=True)
    sums = np.bincount(place[: len(recent)], weights=suspicion, minlength=len(values))
    return sums.astype(np.float64)[place[len(recent) :]]


def times_before(own: Ints) -> Ints:
    """How often each value stands earlier in the same array.

    >>> times_before(np.array([3, 4, 3, 3])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(own, kind="stable")
    begins = np.flatnonzero(np.diff(own[order], prepend=own[order][:1] - 1))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(own)) - np.repeat(begins, np.diff(begins, append=len(own)))
    return rank
