"""A finding as people read it, and as a machine reads it back."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from governance.errors import ConfigurationError
from governance.oncall.documents import document, finding_of
from governance.oncall.finding import Band, Change, Figure, Finding, Money, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.rendering import line
from governance.oncall.routing import Routing, load_routing

HELD = Finding(
    kind=Kind.PAYOUTS_HELD,
    subject="merchant_fraud",
    severity=Severity.SEV2,
    owner="risk-control",
    what="payouts held",
    why="more of the payouts than usual is held back",
    first_action='govern rollback merchant_fraud --reason "payouts held"',
    figure=Figure(0.031, Unit.SHARE, Band(0.008, 0.012)),
    since=datetime(2024, 3, 1, 14, tzinfo=UTC),
    where="ID/beauty",
    money=Money(4_100_000, "USD"),
    last_change=Change(
        what="champion 9f3c00000000", at=datetime(2024, 3, 1, 13, 52, tzinfo=UTC), who="promotion", why="newest passing"
    ),
    run_id="4711",
)


def test_everything_that_is_known_stands_in_one_line() -> None:
    assert line(HELD, ui_url="http://ui/") == (
        "SEV2 merchant_fraud: payouts held 3.1 % (usual 0.8-1.2) since 2024-03-01 14:00, ID/beauty, about 41k USD. "
        "Last change: champion 9f3c00000000, 2024-03-01 13:52, promotion (newest passing). "
        'Do: govern rollback merchant_fraud --reason "payouts held". Runbook: docs/runbooks/rollback.md. '
        "Run: http://ui/runs/4711"
    )


def test_what_is_not_known_is_left_out(finding: Callable[..., Finding]) -> None:
    assert line(finding()) == "SEV3 claim: late. Do: govern run. Runbook: docs/runbooks/late-data.md."


def test_a_finding_is_read_back_as_it_was_written(finding: Callable[..., Finding]) -> None:
    for one in (HELD, finding()):
        assert finding_of(document(one)) == one
        assert document(one).keys() == {field.name for field in fields(Finding)}


def test_every_kind_has_a_runbook_and_causes_explain_symptoms_only() -> None:
    for kind in Kind:
        assert kind.runbook.startswith("docs/runbooks/")
        assert all(symptom.is_symptom and not kind.is_symptom for symptom in kind.explains)


@pytest.mark.parametrize(
    ("hour", "night"), [(7, True), (8, False), (19, False), (20, True), (23, True)], ids=lambda value: str(value)
)
def test_by_night_only_the_two_worst_go_out(routing: Routing, hour: int, night: bool) -> None:
    at = datetime(2024, 3, 1, hour, tzinfo=UTC)
    assert routing.is_night(at) is night
    assert [severity for severity in Severity if routing.goes_out(severity, at)] == (
        [Severity.SEV1, Severity.SEV2] if night else list(Severity)
    )


def test_a_marketplace_may_have_its_own_routing(tmp_path, routing: Routing) -> None:
    own = tmp_path / "oncall.toml"
    own.write_text(_default().replace('"UTC"', '"Asia/Jakarta"'))
    found = load_routing(tmp_path)
    assert found.time_zone == ZoneInfo("Asia/Jakarta")
    assert found.is_night(datetime(2024, 3, 1, 14, tzinfo=UTC))
    assert found.bounds == routing.bounds


@pytest.mark.parametrize(
    ("before", "after"),
    [("late_hours = 4", "late_hour = 4"), ("20:00:00", '"evening"'), ('"UTC"', '"Nowhere"'), ("SEV1 = 1\n", "")],
    ids=["an unknown bound", "no time", "no time zone", "no reminder"],
)
def test_a_wrong_routing_is_named_with_its_file(tmp_path, before: str, after: str) -> None:
    (tmp_path / "oncall.toml").write_text(_default().replace(before, after))
    with pytest.raises(ConfigurationError, match=r"oncall\.toml is no routing"):
        load_routing(tmp_path)


def _default() -> str:
    from importlib.resources import files

    return (files("governance.oncall") / "routes.toml").read_text()
