"""What an ideal observer knows of traces whose frequencies nobody set: how often members and the honest leave them.

How many accounts share a device follows from how members work together, and has no formula. An observer who knows the
world knows these frequencies, so they are counted, with the truth at hand, as the world goes on; until enough was
counted a stated guess stands in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Floats, Ints

_GUESS_WEIGHT = 30.0
_LEAST_SHARE = 0.02


@dataclass(slots=True)
class Learnt:
    """How often each kind of one trace was left by members and by the honest, as counts of equal length."""

    member: Floats
    honest: Floats

    def log_ratio(self, kind: Ints) -> Floats:
        """What seeing these kinds adds to the log odds of membership."""
        ratio = (self.member / self.member.sum()) / (self.honest / self.honest.sum())
        logs: Floats = np.log(ratio)[kind]
        return logs

    def log_ratio_of_groups(self, size: int) -> Floats:
        """The same for groups of `size` neighbouring kinds."""
        member, honest = (one.reshape(-1, size).sum(axis=1) for one in (self.member, self.honest))
        logs: Floats = np.log((member / member.sum()) / (honest / honest.sum()))
        return logs

    def learn(self, kind: Ints, member: Bools) -> None:
        """Count traces of which the truth is known."""
        self.member += np.bincount(kind[member], minlength=len(self.member))
        self.honest += np.bincount(kind[~member], minlength=len(self.honest))


def guessed(member: Sequence[float], honest: Sequence[float]) -> Learnt:
    """A trace of which nothing was counted yet; the guesses are shares, one for each kind."""
    guesses = [np.maximum(np.asarray(one, dtype=np.float64), _LEAST_SHARE / len(one)) for one in (member, honest)]
    counts = [one / one.sum() * _GUESS_WEIGHT for one in guesses]
    return Learnt(counts[0], counts[1])


def crossed(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Shares of pairs of two independent traces; the pair (i, j) is kind `i * len(second) + j`."""
    return [one * other for one in first for other in second]
