"""One value on a calibration line has the bits that numpy gives it among many."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.line import Line

NUMBERS = st.floats(-1e6, 1e6)
KNOTS = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30, unique=True).map(
    lambda found: [number / 1000 for number in sorted(found)]
)


@settings(max_examples=300, deadline=None)
@given(knots=KNOTS, chance=st.randoms(use_true_random=False), raw=st.lists(NUMBERS, max_size=20))
def test_it_says_what_numpy_says(knots: list[float], chance: object, raw: list[float]) -> None:
    values = [chance.uniform(0, 1) for _ in knots]  # type: ignore[attr-defined]
    line = Line(knots, values)
    asked = [*raw, *knots, *((a + b) / 2 for a, b in pairwise(knots)), math.inf, -math.inf]
    assert [line(one) for one in asked] == np.interp(asked, knots, values).tolist()


def test_nothing_known_stays_unknown() -> None:
    assert math.isnan(Line([0.0, 1.0], [0.1, 0.9])(math.nan))


@pytest.mark.parametrize("raw", [0.0, 0.5, 1.0])
def test_of_equal_knots_the_last_one_holds(raw: float) -> None:
    knots, values = [0.0, 0.5, 0.5, 1.0], [0.1, 0.2, 0.4, 0.9]
    assert Line(knots, values)(raw) == np.interp(raw, knots, values)
