"""Draws: the same for an entity whatever else is drawn, and distributed as their names say."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from governance.marketplaces.simulated.chance import DAY, Draw, Today, due, joint, known_after

ENTITIES = np.arange(50_000)
TODAY = Today(7, date(2024, 1, 1), 30)


def fresh() -> Draw:
    return TODAY.draw("a test")


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=50, unique=True), st.randoms())
@settings(max_examples=50, deadline=None)
def test_what_an_entity_draws_depends_on_no_other_entity_and_no_order(keys: list[int], random: object) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = fresh(), fresh()
    for name in ("uniform", "normal", "exponential"):
        one = dict(zip(keys, getattr(first, name)(np.array(keys)), strict=True))
        other = dict(zip(shuffled, getattr(second, name)(np.array(shuffled)), strict=True))
        assert one == other


@pytest.mark.parametrize(
    "other",
    [Today(8, date(2024, 1, 1), 30).draw("a test"), Today(7, date(2024, 1, 1), 31).draw("a test"), TODAY.draw("b")],
    ids=["seed", "day", "purpose"],
)
def test_another_seed_day_or_purpose_draws_independently(other: Draw) -> None:
    assert abs(np.corrcoef(fresh().uniform(ENTITIES), other.uniform(ENTITIES))[0, 1]) < 0.02


def test_successive_draws_and_neighbouring_entities_are_independent() -> None:
    draw = fresh()
    first, second = draw.uniform(ENTITIES), draw.uniform(ENTITIES)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("values", "distribution"),
    [
        (fresh().uniform(ENTITIES, 2.0, 5.0), stats.uniform(2, 3)),
        (fresh().normal(ENTITIES, 1.0, 2.0), stats.norm(1, 2)),
        (fresh().exponential(ENTITIES, 3.0), stats.expon(scale=3)),
        (fresh().gamma(ENTITIES, 1.3), stats.gamma(1.3)),
        (fresh().lognormal(ENTITIES, 4.0, 0.5), stats.lognorm(0.5, scale=4)),
    ],
    ids=["uniform", "normal", "exponential", "gamma", "lognormal"],
)
def test_continuous_draws_follow_their_distribution(values: np.ndarray, distribution: object) -> None:
    assert stats.kstest(values, distribution.cdf).pvalue > 0.001  # type: ignore[attr-defined]


@pytest.mark.parametrize("mean", [0.05, 1.0, 9.0, 60.0])
def test_counts_are_poisson(mean: float) -> None:
    counts = fresh().poisson(ENTITIES, mean)
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / len(ENTITIES)))
    assert counts.var() == pytest.approx(mean, rel=0.04)


def test_whole_numbers_and_picks_reach_every_value_in_its_share() -> None:
    assert set(fresh().integers(ENTITIES, 3, 7)) == {3, 4, 5, 6}
    shares = np.bincount(fresh().pick(ENTITIES, (1, 3, 6))) / len(ENTITIES)
    assert shares == pytest.approx([0.1, 0.3, 0.6], abs=0.01)
    own = np.where(ENTITIES[:, None] % 2 == 0, (1.0, 0.0), (0.0, 2.0))
    assert (fresh().pick(ENTITIES, own) == ENTITIES % 2).all()


def test_joint_keys_differ_for_different_numbers_in_any_place() -> None:
    one, two = np.meshgrid(np.arange(300), np.arange(300))
    assert len(np.unique(joint(one.ravel(), two.ravel()))) == 90_000
    assert joint(np.array([3]), 4) != joint(np.array([4]), 3)


def test_a_share_of_facts_is_known_late_and_none_before_it_happened() -> None:
    at = np.full(len(ENTITIES), TODAY.start)
    known = known_after(at, ENTITIES, fresh(), minutes=5.0, late_share=0.03, late_hours=(24, 72))
    assert (known >= at).all()
    assert (known - at >= DAY).mean() == pytest.approx(0.03, abs=0.005)


def test_a_steady_stream_is_spread_evenly_and_loses_nothing() -> None:
    counts = [due(1.37, day) for day in range(200)]
    assert set(counts) == {1, 2}
    assert sum(counts) == int(1.37 * 200)
