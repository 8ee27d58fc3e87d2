"""Rules beside models: typed, bounded in time, refused where they make no sense."""

import copy
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.tables import TABLES
from governance.decisions.points import load_points
from governance.decisions.record import RuleHit
from governance.decisions.rules import Condition, RuleSet, load_rules, parse_rules, rules_in
from governance.errors import ConfigurationError
from governance.features.catalogue import VIEWS
from governance.features.order_context import ORDER_CONTEXT
from governance.labels.definition import label_definitions

AT = datetime(2024, 1, 5, 12, tzinfo=UTC)
RULE: dict[str, Any] = {
    "version": 3,
    "owner": "risk-control",
    "point": "checkout",
    "hypothesis": "h",
    "expires": date(2024, 2, 1),
    "mode": "active",
    "action": "warn",
    "says": "s",
    "all": [{"value": "orders", "at_least": 3}],
}


def one(**change: Any) -> RuleSet:
    return parse_rules({"r": copy.deepcopy(RULE) | change}, load_points())


def test_a_rule_fires_where_its_conditions_are_met() -> None:
    expected = RuleHit(rule="r", version=3, mode="active", action="warn")

    assert one().hits("checkout", {"orders": 3}, AT) == (expected,)
    assert one().hits("checkout", {"orders": 2}, AT) == ()
    assert one().hits("login", {"orders": 3}, AT) == ()


def test_an_expired_rule_is_silent_from_its_day_on() -> None:
    end = datetime(2024, 2, 1, tzinfo=UTC)

    assert one().hits("checkout", {"orders": 3}, end - timedelta(microseconds=1))
    assert not one().hits("checkout", {"orders": 3}, end)


def test_every_one_of_all_and_one_of_any() -> None:
    rules = one(any=[{"value": "a", "equals": 1}, {"value": "b", "equals": "x"}])

    assert rules.hits("checkout", {"orders": 3, "b": "x"}, AT)
    assert not rules.hits("checkout", {"orders": 3}, AT)
    assert not rules.hits("checkout", {"orders": 2, "b": "x"}, AT)


@pytest.mark.parametrize(
    ("test", "bound", "met", "unmet"),
    [
        ("at_least", 2, [2, 2.5], [1, "3", True]),
        ("at_most", 2.5, [2, -1], [3, "1", False]),
        ("equals", True, [True], [1, "true", False]),
        ("equals", 1, [1, 1.0], [True, "1", 2]),
        ("equals", "x", ["x"], ["y", 1]),
        ("one_of", ("x", 2), ["x", 2.0], ["y", True]),
        ("missing", True, [], [0, "", False]),
    ],
)
def test_conditions(test: Any, bound: Any, met: list[Any], unmet: list[Any]) -> None:
    condition = Condition("v", test, bound)

    assert [value for value in (*met, *unmet) if condition.met({"v": value})] == met


@given(st.sampled_from(["at_least", "at_most", "equals", "one_of", "missing"]), st.floats(-9, 9))
def test_a_missing_value_meets_nothing_but_missing(test: Any, bound: float) -> None:
    condition = Condition("v", test, (bound,) if test == "one_of" else bound)

    assert {condition.met(values) for values in ({}, {"v": None}, {"v": math.nan})} == {test == "missing"}


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_a_rule_over_a_score_fires_for_every_higher_score_too(bound: float, low: float, high: float) -> None:
    rules = one(all=[{"value": "score:claim", "at_least": bound}])
    low, high = sorted((low, high))

    assert len(rules.hits("checkout", {"score:claim": low}, AT)) <= len(
        rules.hits("checkout", {"score:claim": high}, AT)
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"point": "nowhere"}, "no decision point 'nowhere'"),
        ({"action": "hold"}, "no action 'hold'"),
        ({"action": "allow"}, "does nothing"),
        ({"mode": "asleep"}, "mode 'asleep'"),
        ({"expires": "soon"}, "expires"),
        ({"expires": AT}, "expires"),
        ({"version": "1"}, "version"),
        ({"all": []}, "no condition"),
        ({"all": [{"value": "v"}]}, "has one test"),
        ({"all": [{"value": "v", "at_least": 1, "at_most": 2}]}, "has one test"),
        ({"all": [{"value": "v", "above": 1}]}, "above"),
        ({"all": [{"value": "v", "at_least": "1"}]}, "wrong type"),
        ({"all": [{"value": "v", "at_least": True}]}, "wrong type"),
        ({"all": [{"value": "v", "missing": False}]}, "wrong type"),
        ({"all": [{"value": "v", "one_of": []}]}, "wrong type"),
        ({"all": [{"at_least": 1}]}, "value"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"rule r: .*{said}"):
        one(**change)


def test_a_rule_bears_no_models_name() -> None:
    with pytest.raises(ConfigurationError, match="a model bears its name"):
        parse_rules({"claim": RULE}, load_points())


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[r\n")

    with pytest.raises(ConfigurationError, match=r"rules\.toml"):
        rules_in(tmp_path / "rules.toml")


def test_the_version_follows_what_the_rules_say() -> None:
    assert one().version == one().version != one(version=4).version


def test_the_projects_rules_look_at_values_that_there_are() -> None:
    features = {name for view in VIEWS.values() for name in view.feature_names}
    columns = {column for table in TABLES.values() for column in table.names}
    rules, points = load_rules(), load_points()
    for name in {rule.point for rule in rules.rules.values()}:
        scores = {f"score:{model}" for model in points[name].models}
        assert rules.reads(name) <= features | columns | set(ORDER_CONTEXT) | scores


def test_the_projects_rules_have_owners_ends_and_labels_that_there_are() -> None:
    for rule in load_rules().rules.values():
        assert rule.owner in {"risk-control", "after-sales", "ml-platform"}
        assert rule.expires > date(2026, 12, 31)
        assert rule.label is None or rule.label in label_definitions()
        assert rule.says[0].isupper()
