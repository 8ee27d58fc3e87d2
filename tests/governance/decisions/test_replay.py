"""Decisions made again with another model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from some_decision import some_decision

from governance.decisions.points import load_points
from governance.decisions.record import Decision, ModelScore, RuleHit
from governance.decisions.replay import Replay, replay
from governance.decisions.rules import RuleSet, load_rules, parse_rules
from governance.errors import NotReady
from governance.features.catalogue import VIEWS
from governance.labels.definition import label_definitions
from governance.models.catalogue import MERCHANT_FRAUD, Model
from governance.models.rows import Floats
from governance.models.spec import Costs
from governance.models.thresholds import Threshold

POINTS = load_points()
COSTS = Costs(false_alarm_minor=100, miss_minor=1_000, miss_share=0.1, review_minor=10)
MODEL = Model(replace(MERCHANT_FRAUD, costs=COSTS), label_definitions()["merchant_fraud"])
NONE = RuleSet.of([])


@dataclass(frozen=True)
class ByOrders:
    """A candidate that knows one feature and, to see that it is derived, the days since the last order."""

    features: tuple[str, ...] = ("seller_orders_7d", "seller_days_since_last_order")

    @property
    def threshold(self) -> Threshold:
        return Threshold(0.5, 0.0)

    def score(self, rows: Floats) -> Floats:
        return np.nan_to_num(rows[:, 0] / 10) + np.nan_to_num(rows[:, 1])


def score(probability: float, *, threshold: float = 0.5, **fields: Any) -> ModelScore:
    told = {"model": "merchant_fraud", "digest": "old", "role": "champion", **fields}
    return ModelScore(probability=probability, threshold=threshold, acts=probability >= threshold, **told)


@pytest.fixture
def daily() -> Callable[..., Decision]:
    """A daily look at a seller with so many orders and this score."""

    def make(name: str, orders: int | None, probability: float, **fields: Any) -> Decision:
        given = {
            "point": "daily",
            "features": {"seller_orders_7d": orders, "seller_last_order_day": None},
            "scores": (score(probability),),
            "proposed": "review" if probability >= 0.5 else "allow",
            "amount_minor": 2_000,
        }
        return some_decision(name, **(given | fields))

    return make


def again(decisions: list[Decision], *, rules: RuleSet = NONE, labels: dict[str, int] | None = None) -> Replay:
    return replay(
        decisions,
        MODEL,
        ByOrders(),
        "new",
        views=VIEWS,
        points=POINTS,
        rules=rules,
        labels=labels or {},  # type: ignore[arg-type]
    )


def test_the_candidate_decides_from_what_was_served(daily: Callable[..., Decision]) -> None:
    found = again([daily("a", 6, 0.1), daily("b", 1, 0.6), daily("c", 6, 0.6), daily("d", None, 0.1)])

    assert [(one.before, one.after) for one in found.made] == [
        ("allow", "review"),
        ("review", "allow"),
        ("review", "review"),
        ("allow", "allow"),
    ]
    assert found.changed == {("daily", "allow", "review"): 1, ("daily", "review", "allow"): 1}
    assert (found.acted, found.hurt, found.policy_changed) == ((2, 2), (0, 0), 0)


def test_derived_inputs_come_from_the_time_of_the_decision(daily: Callable[..., Decision]) -> None:
    # The fifth of January 2024 is day 19727 since 1970.
    decision = daily("a", 0, 0.1, features={"seller_orders_7d": 0, "seller_last_order_day": 19_724})

    assert again([decision]).made[0].score_after == 3.0


def test_cost_is_counted_where_labels_have_matured(daily: Callable[..., Decision]) -> None:
    decisions = [daily("hit", 6, 0.1), daily("let go", 1, 0.6), daily("open", 6, 0.1)]

    found = again(decisions, labels={"hit": 1, "let go": 0}).cost

    # Before: a miss (1,000 and a tenth of 2,000), and a review with a false alarm. After: a review, and nothing.
    assert (found.matured, found.positives, found.before, found.after) == (2, 1, 1_200 + 110, 10)
    assert found.saved_per_1000 == 650_000
    assert again(decisions).cost.saved_per_1000 is None


def test_shadows_other_models_and_other_points_do_not_count(daily: Callable[..., Decision]) -> None:
    shadowed = daily("a", 6, 0.1, scores=(score(0.9, role="shadow"),))
    elsewhere = daily("b", 6, 0.1, point="checkout")

    with pytest.raises(NotReady, match="scored none of the 1 decisions at its points"):
        again([shadowed, elsewhere])
    assert again([shadowed, elsewhere, daily("c", 6, 0.1)]).asked == 2


def test_exploration_and_the_breaker_are_left_out_on_both_sides(daily: Callable[..., Decision]) -> None:
    explored = daily("a", 6, 0.6, action="allow", explored=True, propensity=0.01)

    made = again([explored]).made[0]

    assert (made.before, made.after) == ("review", "review")


def test_a_rule_over_the_score_is_asked_again_and_others_stand(daily: Callable[..., Decision]) -> None:
    over = {
        **{"version": 1, "owner": "o", "point": "daily", "hypothesis": "h", "mode": "active", "action": "reserve"},
        **{"says": "S", "expires": load_rules().rules["ships_little"].expires},
        "all": [{"value": "score:merchant_fraud", "at_least": 0.55}],
    }
    hits = (
        RuleHit(rule="over", version=1, mode="active", action="reserve"),
        RuleHit(rule="ships_little", version=1, mode="active", action="review"),
    )
    decision = daily("a", 1, 0.6, rules=hits, proposed="reserve")

    made = again([decision], rules=parse_rules({"over": over}, POINTS)).made[0]

    assert (made.before, made.after) == ("reserve", "review")


def test_a_policy_that_changed_meanwhile_is_told(daily: Callable[..., Decision]) -> None:
    found = again([daily("a", 6, 0.6, proposed="hold"), daily("b", 6, 0.6)])

    assert found.policy_changed == 1


def test_a_candidate_that_reads_what_was_never_served_is_refused(daily: Callable[..., Decision]) -> None:
    candidate = ByOrders(features=("buyer_orders_7d",))

    with pytest.raises(NotReady, match="buyer_orders_7d"):
        replay([daily("a", 1, 0.1)], MODEL, candidate, "new", views=VIEWS, points=POINTS, rules=NONE, labels={})  # type: ignore[arg-type]
