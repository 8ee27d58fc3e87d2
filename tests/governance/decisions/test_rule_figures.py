"""What became of each rule, by labels that have matured."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_decision import some_decision

from governance.decisions.outcomes import matured_labels
from governance.decisions.points import load_points
from governance.decisions.record import Decision, ModelScore, RuleHit
from governance.decisions.rule_figures import Matured, RuleFigures, rule_figures
from governance.decisions.rules import RuleSet, parse_rules
from governance.labels.definition import label_definitions
from governance.labels.ledger import SCHEMA, LabelLedger

NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)
POINTS = load_points()
CLAIM = label_definitions()["claim"].with_maturity(7)
SHADOW = {
    "version": 2,
    "owner": "after-sales",
    "point": "checkout",
    "hypothesis": "h",
    "label": "claim",
    "expires": date(2024, 2, 1),
    "mode": "shadow",
    "action": "warn",
    "says": "s",
    "all": [{"value": "x", "at_least": 1}],
}
RULES: RuleSet = parse_rules(
    {
        "first": SHADOW,
        "second": SHADOW | {"mode": "active", "version": 1},
        "of_logins": SHADOW | {"point": "login", "action": "step_up", "label": "merchant_fraud"},
    },
    POINTS,
)
FIRST = RuleHit(rule="first", version=2, mode="shadow", action="warn")
OLDER = RuleHit(rule="first", version=1, mode="shadow", action="warn")
SECOND = RuleHit(rule="second", version=1, mode="active", action="warn")
ACTS = ModelScore(model="claim", digest="d", role="champion", probability=0.9, threshold=0.5, acts=True)


def figures(decisions: list[Decision], labels: dict[str, int]) -> dict[str, RuleFigures]:
    found = rule_figures(decisions, RULES, POINTS, labels={"claim": labels}, at=NOON)
    return {one.rule.name: one for one in found}


def test_hits_precision_overlap_and_what_a_rule_adds() -> None:
    decisions = [
        some_decision("a", rules=(FIRST,)),
        some_decision("b", rules=(FIRST, SECOND)),
        some_decision("c", rules=(FIRST,), scores=(ACTS,)),
        some_decision("d", rules=(FIRST,)),
        some_decision("e", rules=(OLDER,)),
        some_decision("f"),
        some_decision("g", point="login"),
    ]

    found = figures(decisions, {"a": 1, "b": 0, "c": 1, "e": 1, "f": 0})["first"]

    assert (found.asked, found.hits, found.alone, found.expired) == (6, 4, 2, False)
    assert found.right == Matured(3, 2)
    assert found.everybody == Matured(5, 3)
    assert found.overlap == {"second": 0.25}


def test_a_rule_that_never_fired_and_one_without_matured_labels_say_so() -> None:
    found = figures([some_decision("a")], {})

    assert (found["second"].hits, found["second"].overlap) == (0, {})
    assert found["second"].right is not None
    assert found["second"].right.rate is None
    assert found["second"].right.interval is None
    assert (found["of_logins"].asked, found["of_logins"].right) == (0, None)


def test_an_expired_rule_is_named() -> None:
    later = datetime(2024, 2, 1, tzinfo=UTC)

    assert {one.expired for one in rule_figures([some_decision("a")], RULES, POINTS, labels={}, at=later)} == {True}


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_share_and_narrows(decisions: int, data: st.DataObject) -> None:
    positives = data.draw(st.integers(0, decisions))
    one, ten = Matured(decisions, positives), Matured(10 * decisions, 10 * positives)

    assert one.interval is not None
    assert ten.interval is not None
    assert one.rate is not None
    assert 0 <= one.interval[0] <= one.rate + 1e-12
    assert one.rate - 1e-12 <= one.interval[1] <= 1
    assert ten.interval[1] - ten.interval[0] < one.interval[1] - one.interval[0]


@pytest.fixture
def stated(tmp_path: Path) -> LabelLedger:
    """Cases: about the line of `a` within its window, of `b` after it, of the whole order of `c`."""
    ledger = LabelLedger(tmp_path / "labels.sqlite")
    known = {"line-a": 2, "line-b": 8, "order-c": 3}
    rows = [
        ("claim", entity, NOON, "case_desk", NOON + timedelta(days=days), 1, "refund") for entity, days in known.items()
    ]
    statements = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    ledger.replace("claim", start=NOON, end=NOON + timedelta(days=30), statements=statements)
    return ledger


def test_labels_are_those_that_became_known_in_the_window_and_only_once_it_has_closed(stated: LabelLedger) -> None:
    decisions = [
        some_decision("a", decided_at=NOON),
        some_decision("b", decided_at=NOON),
        some_decision("c", decided_at=NOON, context={"order_id": "order-c"}),
        some_decision("open", decided_at=NOON + timedelta(days=5)),
        some_decision("other", point="payout"),
    ]

    found = matured_labels(decisions, CLAIM, stated, POINTS, until=NOON + timedelta(days=10))

    assert found == {"a": 1, "b": 0, "c": 1}


def test_a_label_of_sellers_is_about_the_seller_of_the_request(tmp_path: Path) -> None:
    definition, ledger = label_definitions()["merchant_fraud"], LabelLedger(tmp_path / "labels.sqlite")
    row = ("merchant_fraud", "s1", NOON, "audit", NOON + timedelta(days=9), 1, "fraud")
    statements = pl.DataFrame([row], schema=SCHEMA, orient="row")
    ledger.replace("merchant_fraud", start=NOON, end=NOON + timedelta(days=40), statements=statements)
    decisions = [some_decision("a", point="daily", entity_id="s1"), some_decision("b", point="daily", entity_id="s2")]
    decisions.append(some_decision("c", point="publication", entity_id="video", keys={"seller_id": "s1"}))

    found = matured_labels(decisions, definition, ledger, POINTS, until=NOON + timedelta(days=31))

    assert found == {"a": 1, "b": 0, "c": 1}
