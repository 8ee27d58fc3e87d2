"""What an ideal observer believes: prior odds, and what each observation adds to them."""

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Floats

_LEAST = 1e-12


class Odds:
    """The posterior of a hidden state, by Bayes' rule, for observations that are independent given that state.

    Where the world draws a trace from one distribution for members and from another for everybody else, adding the
    logarithm of their ratio is exact. Where traces hang together beyond the state, it is an approximation; the
    module that makes them says so.

    >>> odds = Odds(np.array([0.01, 0.01]))
    >>> odds.saw(np.array([True, False]), if_member=0.6, if_honest=0.05)
    >>> odds.posterior.round(4).tolist()
    [0.1081, 0.0042]
    """

    __slots__ = ("log_odds",)

    def __init__(self, prior: Floats) -> None:
        self.log_odds: Floats = np.log(np.maximum(prior, _LEAST)) - np.log(np.maximum(1 - prior, _LEAST))

    def saw(self, happened: Bools, *, if_member: float | Floats, if_honest: float | Floats) -> None:
        """Something happened, or not, with one probability for members and another for the honest."""
        member, honest = np.asarray(if_member, dtype=np.float64), np.asarray(if_honest, dtype=np.float64)
        self.weigh(
            np.where(happened, member, 1 - member),
            np.where(happened, honest, 1 - honest),
        )

    def counted(self, count: Floats, *, if_member: float | Floats, if_honest: float | Floats) -> None:
        """A Poisson count was seen, with one mean for members and another for the honest."""
        member, honest = np.asarray(if_member, dtype=np.float64), np.asarray(if_honest, dtype=np.float64)
        self.log_odds = self.log_odds + count * np.log(member / honest) - (member - honest)

    def weigh(self, likelihood_if_member: Floats, likelihood_if_honest: Floats) -> None:
        """Something was seen that has these likelihoods (or densities)."""
        ratio = np.maximum(likelihood_if_member, _LEAST) / np.maximum(likelihood_if_honest, _LEAST)
        self.log_odds = self.log_odds + np.log(ratio)

    @property
    def posterior(self) -> Floats:
        """Probability of being a member, given everything seen."""
        return 1 / (1 + np.exp(-self.log_odds))
