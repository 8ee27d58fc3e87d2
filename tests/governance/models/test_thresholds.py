import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.models.spec import Costs
from governance.models.thresholds import NEVER, choose_threshold

ROW = st.tuples(
    st.sampled_from([0.0, 0.1, 0.25, 0.25000000000000006, 0.5, 0.9, 1.0]),
    st.integers(0, 1),
    st.integers(0, 5_000),
    st.sampled_from([0.5, 1.0, 2.5]),
)
COSTS = st.builds(
    Costs,
    false_alarm_minor=st.integers(0, 500),
    miss_minor=st.integers(0, 500),
    false_alarm_share=st.sampled_from([0.0, 0.05, 0.5]),
    miss_share=st.sampled_from([0.0, 0.1, 0.8]),
    review_minor=st.integers(0, 50),
)


def cost_at(threshold: float, rows: list[tuple[float, int, int, float]], costs: Costs) -> float:
    """Expected cost per 1,000 decisions, one row at a time."""
    total = 0.0
    for probability, label, amount, weight in rows:
        if probability >= threshold:
            total += weight * costs.review_minor
            if label == 0:
                total += weight * (costs.false_alarm_minor + costs.false_alarm_share * amount)
        elif label == 1:
            total += weight * (costs.miss_minor + costs.miss_share * amount)
    return 1000 * total / sum(weight for *_, weight in rows)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=25), costs=COSTS)
def test_no_threshold_costs_less_than_the_chosen_one(rows: list[tuple[float, int, int, float]], costs: Costs) -> None:
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    found = choose_threshold(*columns, costs=costs)
    possible = [NEVER, *{probability for probability, *_ in rows}]
    cheapest = min(cost_at(threshold, rows, costs) for threshold in possible)
    assert cost_at(found.value, rows, costs) == pytest.approx(cheapest, abs=1e-6)
    assert found.cost_per_1000 == pytest.approx(cheapest, abs=1e-6)


def test_the_threshold_lies_between_the_last_acted_on_and_the_first_left_alone() -> None:
    probabilities, labels = np.array([0.9, 0.6, 0.2, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    found = choose_threshold(
        probabilities, labels, np.zeros(4), np.ones(4), costs=Costs(false_alarm_minor=1, miss_minor=1)
    )
    assert found.value == pytest.approx(0.4)
    assert found.cost_per_1000 == 0.0


def test_nobody_is_acted_on_where_every_action_costs_more_than_it_saves() -> None:
    costs = Costs(false_alarm_minor=100, miss_minor=5, review_minor=10)
    found = choose_threshold(np.array([0.9, 0.1]), np.array([1.0, 0.0]), np.zeros(2), np.ones(2), costs=costs)
    assert found.value == NEVER
    assert found.cost_per_1000 == 2_500
