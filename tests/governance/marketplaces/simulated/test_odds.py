"""The ideal observer: Bayes' rule, checked by counting."""

import numpy as np
import pytest
from scipy import stats

from governance.marketplaces.simulated.odds import Odds


def test_the_posterior_is_the_share_of_members_among_those_who_look_alike() -> None:
    random = np.random.default_rng(3)
    member = random.random(400_000) < 0.05
    new_device = random.random(len(member)) < np.where(member, 0.6, 0.1)
    visits = random.poisson(np.where(member, 3.0, 1.5))
    odds = Odds(np.full(len(member), 0.05))
    odds.saw(new_device, if_member=0.6, if_honest=0.1)
    odds.counted(visits, if_member=3.0, if_honest=1.5)
    for seen in (False, True):
        for count in (0, 2, 5):
            alike = (new_device == seen) & (visits == count)
            assert odds.posterior[alike][0] == pytest.approx(member[alike].mean(), abs=0.02)


def test_densities_weigh_like_probabilities() -> None:
    odds = Odds(np.array([0.5]))
    odds.weigh(stats.norm(1).pdf(np.array([0.7])), stats.norm(0).pdf(np.array([0.7])))
    assert odds.posterior[0] == pytest.approx(1 / (1 + np.exp(-0.2)))


def test_what_can_never_happen_to_the_honest_is_all_but_proof() -> None:
    odds = Odds(np.array([0.001]))
    odds.saw(np.array([True]), if_member=0.5, if_honest=0.0)
    assert 0.999 < odds.posterior[0] < 1.0
