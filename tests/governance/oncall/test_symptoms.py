"""What the marketplace itself feels: money held back, too many acted on, champions that are missing or old."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.contracts.calendar import midnight, valid_at
from governance.oncall.actions import action_rates
from governance.oncall.champions import champions, damaged
from governance.oncall.finding import Band, Figure, Money, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.money import payouts_held

JUMP = date(2024, 2, 27)


HELD, PAID = [f"s{number}" for number in range(5)], [f"p{number}" for number in range(5)]


def payouts(*, held: int, sellers: Sequence[str] = HELD) -> list[dict[str, Any]]:
    """Ten payouts of 100 EUR each, of which those of some sellers are held in part."""
    common = {"version": 1, "role": "seller", "reference_rate": 1.0}
    return [
        {"account_id": seller, "amount_minor": 10_000 - back, "held_minor": back, **common}
        for seller in (*HELD, *PAID)
        for back in [held if seller in sellers else 0]
    ]


def orders(day: date) -> list[dict[str, Any]]:
    at = midnight(day) + timedelta(hours=1)
    places = [*((seller, "ID", "beauty") for seller in HELD), *((seller, "GB", "toys") for seller in PAID)]
    return [
        {
            "order_line_id": f"{seller}{day}",
            "occurred_at": at,
            "seller_id": seller,
            "market": market,
            "category": category,
            "price_minor": 5_000,
            "reference_rate": 1.0,
        }
        for seller, market, category in places
    ]


def holds(day: date) -> list[dict[str, Any]]:
    row = {"action": "hold", "decided_by": "model", "subject_id": "s9", "expires_at": midnight(day)}
    return [row] if day >= JUMP else []


@pytest.fixture
def held(fair: Any, days: list[date]) -> Any:
    """Two per cent held every day, and a quarter of all from the 27th of February."""
    fair.land("payouts", days, lambda day: payouts(held=5_000 if day >= JUMP else 400))
    fair.land("orders", days, orders)
    fair.land("enforcements", days, holds)
    return fair


def test_payouts_held_beyond_the_band_say_since_when_where_how_much_and_by_whom(held: Any) -> None:
    held.promote("merchant_fraud", date(2024, 2, 19))

    (found,) = payouts_held(held.look())

    assert found.key == (Kind.PAYOUTS_HELD, "merchant_fraud")
    assert found.severity is Severity.SEV1
    assert found.owner == "risk-control"
    assert found.figure == Figure(0.25, Unit.SHARE, Band(0.02, 0.02))
    assert found.since == datetime.combine(JUMP, datetime.min.time(), tzinfo=found.since.tzinfo)
    assert found.where == "ID/beauty"
    assert found.money == Money(3 * 5 * 5_000, "EUR")
    assert "3 by model" in found.why
    assert found.last_change is not None
    assert found.last_change.who == "promotion"
    assert found.first_action.startswith("govern models -m")


@pytest.mark.parametrize(
    ("as_of", "action"), [(date(2024, 2, 26), "govern rollback merchant_fraud"), (date(2024, 2, 5), "govern models")]
)
def test_a_rollback_is_proposed_where_the_champion_came_shortly_before(held: Any, as_of: date, action: str) -> None:
    for week in (date(2024, 1, 29), as_of):
        held.promote("merchant_fraud", week)

    assert payouts_held(held.look())[0].first_action.startswith(action)


def test_the_usual_share_of_payouts_held_is_no_finding(fair: Any, days: list[date]) -> None:
    fair.land("payouts", days, lambda day: payouts(held=300 + 20 * (day.day % 7)))
    assert payouts_held(fair.look()) == []


def test_one_large_hold_is_no_symptom(fair: Any, days: list[date]) -> None:
    fair.land("payouts", days, lambda day: payouts(held=10_000 if day >= JUMP else 0, sellers=HELD[:1]))
    assert payouts_held(fair.look()) == []


def test_without_payouts_nothing_is_said_of_them(fair: Any) -> None:
    assert payouts_held(fair.look()) == []


def test_a_champion_that_acts_on_more_than_usual_is_found_with_the_money_at_stake(fair: Any, days: list[date]) -> None:
    fair.land("orders", days, orders)
    fair.land("enforcements", days[-1:], holds)
    (table,) = fair.workspace.score_tables.values()
    for day in days[-30:]:
        acted = [int(day == days[-1])] * 10
        scored = {table.key: [*HELD, *PAID], "event_timestamp": [valid_at(day)] * 10, f"{table.name}_act": acted}
        frame = pl.DataFrame(scored)
        fair.workspace.lake.write(table.dataset, day, frame, key=[table.key], fingerprint="")

    (found,) = action_rates(fair.look())

    assert found.key == (Kind.ACTION_RATE, "merchant_fraud")
    assert (found.figure, found.severity) == (Figure(1.0, Unit.SHARE, Band(0.0, 0.0)), Severity.SEV2)
    # An order of 50 EUR a day, seven days, ten sellers.
    assert found.money == Money(10 * 7 * 5_000, "EUR")
    assert found.where in ("ID/beauty", "GB/toys")


def test_a_model_without_a_champion_is_found_with_what_became_of_its_candidate(fair: Any) -> None:
    fair.week("claim", date(2024, 2, 26), "kept")
    found = {one.subject: one for one in champions(fair.look())}
    assert found["claim"].why.endswith("was kept: above_rules")
    assert found["merchant_fraud"].why.endswith("it was never trained")


def test_a_model_that_was_skipped_with_a_reason_is_not_missed(fair: Any) -> None:
    fair.week("claim", date(2024, 2, 26), "skipped")
    assert [one.subject for one in champions(fair.look())] == ["merchant_fraud"]


@pytest.mark.parametrize(("as_of", "stale"), [(date(2024, 2, 5), False), (date(2024, 1, 29), True)], ids=str)
def test_a_champion_is_stale_when_four_weeks_have_brought_no_other(fair: Any, as_of: date, stale: bool) -> None:
    for model in ("claim", "merchant_fraud"):
        fair.promote(model, as_of if model == "claim" else date(2024, 2, 26))
    fair.week("claim", date(2024, 2, 26), "kept")

    found = champions(fair.look())

    assert [one.key for one in found] == ([(Kind.STALE_CHAMPION, "claim")] if stale else [])
    if stale:
        assert found[0].figure == Figure(32, Unit.DAYS)
        assert "kept: above_rules" in found[0].why


def test_a_damaged_pointer_pages_and_hides_nothing_else(fair: Any, tmp_path: Path) -> None:
    fair.promote("claim", date(2024, 2, 26))
    (path,) = tmp_path.glob("**/models/claim/serving.json")
    path.write_bytes(b"{}")

    (found,) = damaged(fair.look())

    assert (found.subject, found.severity) == ("claim", Severity.SEV1)
    assert [one.subject for one in champions(fair.look())] == ["merchant_fraud"]
