"""Decision points: what may be answered where."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from governance.decisions import points as module
from governance.decisions.points import load_points, parse_points
from governance.errors import ConfigurationError

RAW = tomllib.loads(Path(module.__file__).with_name("points.toml").read_text())
DESIGNED = {
    "sign_up": {"fake_account"},
    "login": {"account_takeover"},
    "account_change": {"account_takeover"},
    "payout": {"account_takeover", "merchant_fraud"},
    "checkout": {"incentive_abuse", "claim"},
    "bonus": {"incentive_abuse"},
    "onboarding": {"merchant_fraud"},
    "daily": {"merchant_fraud"},
    "commission": {"creator_cheating"},
    "ranking": {"brushing", "click_farm"},
    "publication": {"listing_violation", "content_violation"},
    "dispatch": {"claim"},
    "case_opened": {"refund_abuse"},
    "ruling": {"responsibility"},
}


def test_the_points_and_their_models_are_those_of_the_design() -> None:
    assert {name: set(point.models) for name, point in load_points().items()} == DESIGNED


@pytest.mark.parametrize("name", DESIGNED)
def test_the_first_action_does_nothing_and_hurts_nobody(name: str) -> None:
    point = load_points()[name]

    assert point.mildest == "allow"
    assert [point.hurts(action) for action in point.actions] == sorted(point.hurts(action) for action in point.actions)
    assert not point.hurts("allow")


def test_traffic_is_split_by_the_buyer_at_checkout_and_by_the_entity_elsewhere() -> None:
    points, keys = load_points(), {"buyer_id": "b", "seller_id": "s"}

    assert points["checkout"].traffic_unit("line", keys) == "b"
    assert points["checkout"].traffic_unit("line", {}) == "line"
    assert points["payout"].traffic_unit("s", keys) == "s"


def test_an_unknown_action_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match="login has no action 'hold'; its actions are allow, step_up, refuse"):
        load_points()["login"].hurts("hold")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hurts_from": "allow"}, "first one does not hurt"),
        ({"hurts_from": "ban"}, "no action 'ban'"),
        ({"when_breaker_open": "hold"}, "must not hurt"),
        ({"explore_share": 0.5}, "explore_share"),
        ({"deadline_ms": 0}, "deadline_ms"),
        ({"split_by": "buyer_id"}, "split_by"),
        ({"colour": "red"}, "colour"),
        ({"actions": ["allow", "allow"]}, "no action"),
        ({"models": {"claim": []}}, "ladder of claim"),
        ({"models": {"claim": [{"action": "allow"}]}}, "ladder of claim"),
        ({"models": {"claim": [{"action": "review", "excess": 0.1}]}}, "ladder of claim"),
        ({"models": {"claim": [{"action": "hold"}, {"action": "review", "excess": 0.5}]}}, "ladder of claim"),
        ({"models": {"claim": [{"action": "review"}, {"action": "hold", "excess": 1.5}]}}, "ladder of claim"),
        ({"models": {"claim": [{"action": "review", "from": 0.5}]}}, "from"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"payout.*{said}"):
        parse_points({"payout": copy.deepcopy(RAW["payout"]) | change})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ConfigurationError, match="decision point payout: 'actions'"):
        parse_points({"payout": {key: value for key, value in RAW["payout"].items() if key != "actions"}})
