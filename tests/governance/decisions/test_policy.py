"""From scores and rules to an action: never milder for a harsher score, never moved by a shadow."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from governance.decisions.points import DecisionPoint, load_points
from governance.decisions.policy import decide, excess, policy_version, reason_text, with_reasons
from governance.decisions.record import ModelScore, Role, RuleHit
from governance.models.catalogue import SPECS
from governance.models.explain import Reason
from governance.models.thresholds import NEVER

POINTS = load_points()
CHECKOUT, PAYOUT = POINTS["checkout"], POINTS["payout"]
EXPLORING = replace(CHECKOUT, explore_share=0.1)


def score(model: str, probability: float, *, threshold: float = 0.5, role: Role = "champion") -> ModelScore:
    acts = probability >= threshold
    return ModelScore(model=model, digest="d", role=role, probability=probability, threshold=threshold, acts=acts)


def hit(rule: str, action: str, *, shadow: bool = False) -> RuleHit:
    return RuleHit(rule=rule, version=1, mode="shadow" if shadow else "active", action=action)


shares = st.floats(0, 1)
points = st.sampled_from([*POINTS.values()])


@st.composite
def situations(draw: st.DrawFn) -> tuple[DecisionPoint, list[ModelScore], list[RuleHit], Mapping[str, object]]:
    """A point, scores of its models, rules that were met, and the rest of what `decide` takes."""
    point = draw(points)
    thresholds = st.sampled_from([0.0, 0.3, 0.999, 1.0, NEVER])
    scores = [score(model, draw(shares), threshold=draw(thresholds)) for model in point.models if draw(st.booleans())]
    hits = [hit(f"rule {n}", action) for n, action in enumerate(point.actions[1:]) if draw(st.booleans())]
    flags = draw(st.lists(st.sampled_from(["features", "counters", "model:claim", "registry", "unknown:buyer"])))
    rest = {"draw": draw(st.floats(0, 1, exclude_max=True)), "breaker_open": draw(st.booleans()), "degraded": flags}
    return point, scores, hits, rest


@given(situations(), shares, st.integers(0, 9))
def test_a_harsher_score_never_gives_a_milder_action(situation, raised, which) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation
    if not scores:
        return
    one = scores[which % len(scores)]
    harsher = [
        structs.replace(one, probability=max(one.probability, raised)) if each is one else each for each in scores
    ]

    before, after = decide(point, scores, hits, **rest), decide(point, harsher, hits, **rest)

    assert point.severity(after.action) >= point.severity(before.action)
    assert point.severity(after.proposed) >= point.severity(before.proposed)


@given(situations(), st.data())
def test_one_more_rule_never_gives_a_milder_action(situation, data) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation
    more = [*hits, hit("one more", data.draw(st.sampled_from(point.actions[1:])))]

    before, after = decide(point, scores, hits, **rest), decide(point, scores, more, **rest)

    assert point.severity(after.action) >= point.severity(before.action)


@given(situations(), st.data())
def test_shadows_never_change_anything(situation, data) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation
    rules = [hit("a shadow", action, shadow=True) for action in point.actions[1:]]
    models = [score(model, data.draw(shares), threshold=0.0, role="shadow") for model in point.models]

    assert decide(point, [*models, *scores], [*rules, *hits], **rest) == decide(point, scores, hits, **rest)


@given(situations())
def test_an_action_is_one_of_the_points_and_its_propensity_a_probability(situation) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation

    outcome = decide(point, scores, hits, **rest)

    assert outcome.action in point.actions
    assert 0 < outcome.propensity <= 1
    assert outcome.explored <= (point.severity(outcome.action) < point.severity(outcome.proposed))
    assert point.hurts(outcome.action) <= bool(outcome.reasons), "nobody is hurt without a reason"


@given(situations())
def test_the_propensities_of_both_draws_sum_to_one(situation) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation
    drawn, kept = (decide(point, scores, hits, **(rest | {"draw": draw})) for draw in (0.0, 0.999))

    if drawn.action == kept.action:
        assert drawn.propensity == kept.propensity == 1.0
    else:
        assert drawn.propensity + kept.propensity == pytest.approx(1.0)
        assert drawn.propensity == point.explore_share


@given(situations())
def test_an_open_breaker_hurts_nobody_where_every_part_works(situation) -> None:  # type: ignore[no-untyped-def]
    point, scores, hits, rest = situation
    outcome = decide(point, scores, hits, **(rest | {"breaker_open": True, "degraded": ["registry"]}))

    assert not point.hurts(outcome.action)


def test_nothing_asked_for_is_nothing_done() -> None:
    outcome = decide(CHECKOUT, [score("claim", 0.49)], [], draw=0.0)

    assert (outcome.proposed, outcome.action, outcome.reasons, outcome.propensity) == ("allow", "allow", (), 1.0)


def test_the_harshest_of_models_and_rules_is_proposed_and_all_that_carry_it_are_named() -> None:
    scores = [score("merchant_fraud", 0.9), score("account_takeover", 0.55)]

    outcome = decide(PAYOUT, scores, [hit("nothing_delivered_yet", "reserve"), hit("freeze", "hold")], draw=0.5)

    assert outcome.action == "hold"
    assert outcome.reasons == ("freeze", "merchant_fraud")
    assert outcome.carried_by == ("merchant_fraud",)


def test_a_ladder_is_climbed_by_the_way_from_threshold_to_certainty() -> None:
    actions = [
        decide(PAYOUT, [score("merchant_fraud", probability, threshold=0.8)], [], draw=0.5).action
        for probability in (0.79, 0.8, 0.89, 0.91)
    ]

    assert actions == ["allow", "reserve", "reserve", "hold"]


@pytest.mark.parametrize(
    ("probability", "threshold", "expected"),
    [(0.4, 0.5, None), (0.5, 0.5, 0.0), (0.75, 0.5, 0.5), (1.0, 1.0, 1.0), (1.0, NEVER, None)],
)
def test_excess(probability: float, threshold: float, expected: float | None) -> None:
    assert excess(score("claim", probability, threshold=threshold)) == expected


def test_a_canary_acts_and_a_model_that_the_point_does_not_know_is_ignored() -> None:
    assert decide(CHECKOUT, [score("claim", 0.9, role="canary")], [], draw=0.5).action == "warn"
    assert decide(CHECKOUT, [score("merchant_fraud", 0.9)], [], draw=0.5).action == "allow"


def test_exploration_lets_go_what_models_ask_for_and_never_what_rules_do() -> None:
    scores, rule = [score("incentive_abuse", 0.9)], hit("shop_does_not_ship", "warn")

    free, held = decide(EXPLORING, scores, [], draw=0.05), decide(EXPLORING, scores, [rule], draw=0.05)

    assert (free.action, free.explored, free.propensity, free.reasons) == ("allow", True, 0.1, ("explored",))
    assert (held.action, held.explored, held.propensity) == ("warn", True, 0.1)
    assert decide(EXPLORING, scores, [], draw=0.1).propensity == 0.9


@pytest.mark.parametrize("flag", ["features", "features:timeout", "counters", "model:merchant_fraud"])
def test_a_blind_point_answers_what_it_states_and_explores_nothing(flag: str) -> None:
    closed = decide(PAYOUT, [], [], draw=0.0, degraded=[flag])
    opened = decide(CHECKOUT, [], [], draw=0.0, degraded=[flag])

    assert (closed.action, closed.proposed, closed.reasons) == ("hold", "allow", ("degraded",))
    assert (opened.action, opened.reasons) == ("allow", ())


def test_a_point_that_fails_closed_stays_closed_under_an_open_breaker() -> None:
    assert decide(PAYOUT, [], [], draw=0.5, degraded=["features"], breaker_open=True).action == "hold"


def test_an_open_breaker_softens_and_says_so() -> None:
    outcome = decide(PAYOUT, [score("merchant_fraud", 1.0)], [], draw=0.5, breaker_open=True)

    assert (outcome.proposed, outcome.action) == ("hold", "review")
    assert outcome.reasons == ("merchant_fraud", "breaker_open")


def test_contributions_take_the_place_of_a_models_name() -> None:
    told = structs.replace(score("claim", 0.9), reasons=(Reason("seller_case_rate", 1.0), Reason("order_price", 0.2)))
    outcome = decide(CHECKOUT, [told], [hit("shop_does_not_ship", "warn")], draw=0.5)

    assert with_reasons(outcome, [told]).reasons == ("shop_does_not_ship", "seller_case_rate", "order_price")
    assert with_reasons(outcome, [score("claim", 0.9)]).reasons == ("shop_does_not_ship", "claim")


def test_reasons_have_words() -> None:
    texts = {"shop_does_not_ship": "The shop has shipped few of its latest orders"}

    assert reason_text("shop_does_not_ship", texts) == texts["shop_does_not_ship"]
    assert reason_text("degraded", texts) == "A part of the check was not available"
    assert reason_text("seller_case_rate", texts) == "Seller: case rate"


def test_the_policy_version_follows_what_the_points_say() -> None:
    changed = {**POINTS, "checkout": replace(CHECKOUT, explore_share=0.03)}

    assert policy_version(POINTS) == policy_version(dict(POINTS)) != policy_version(changed)


@pytest.mark.parametrize("name", SPECS)
def test_every_model_has_a_say_where_its_spec_says_that_it_decides(name: str) -> None:
    assert name in POINTS[SPECS[name].decision_point].models
