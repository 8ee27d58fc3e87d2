import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.marketplaces.simulated.stage.choosing import NOTHING, fill

_THINGS = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_THINGS, st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1, exclude_max=True)), min_size=1, max_size=12))
def test_what_is_chosen_is_in_the_group_asked_for_and_weighs_something(
    things: list[tuple[int, float]], asked: list[tuple[int, float]]
) -> None:
    group = np.array([one for one, _ in things], dtype=np.int64)
    weight = np.array([one for _, one in things], dtype=np.float64)
    wanted = np.array([one for one, _ in asked], dtype=np.int64)

    found = fill(group=group, weight=weight, groups=4).pick(wanted, np.array([mark for _, mark in asked]))

    for which, where in zip(found, wanted, strict=True):
        possible = np.flatnonzero((group == where) & (weight > 0)) if len(group) else np.array([])
        # Weights below the resolution of their sum may be lost.
        if which == NOTHING:
            assert weight[possible.astype(int)].sum() < 1e-9
        else:
            assert group[which] == where
            assert weight[which] > 0


def test_things_are_chosen_in_proportion_to_their_weight() -> None:
    urn = fill(group=np.array([0, 1, 1]), weight=np.array([9.0, 1.0, 3.0]), groups=2)

    marks = (np.arange(1000) + 0.5) / 1000
    found = np.bincount(urn.pick(np.ones(1000, dtype=np.int64), marks), minlength=3)

    assert found.tolist() == [0, 250, 750]
