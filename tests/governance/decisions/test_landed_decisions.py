"""The decision ledger in the lake: a day is landed whole, again when something was added, and else never."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from some_decision import some_decision

from governance.decisions import landed
from governance.decisions.ledger import DecisionLedger, open_ledger
from governance.storage.lake import Lake, Manifest

DAYS = [date(2024, 1, day) for day in (4, 5, 6)]
NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def sqlite(tmp_path: Path) -> DecisionLedger:
    return open_ledger(tmp_path / "decisions.sqlite")


def land(lake: Lake, ledger: DecisionLedger) -> dict[date, Manifest]:
    """Land the stale days, and return what was written."""
    written: dict[date, Manifest] = {}
    landed.build(lake, ledger, landed.stale_days(lake, ledger, DAYS), written.__setitem__)
    return written


def test_an_empty_ledger_gives_empty_days_that_say_so(lake: Lake, sqlite: DecisionLedger) -> None:
    written = land(lake, sqlite)

    assert [*written] == DAYS
    assert {manifest.facts["said"] for manifest in written.values()} == {"nothing was decided on this day"}
    assert landed.landed(lake, DAYS) == []
    assert land(lake, sqlite) == {}


def test_decisions_land_as_they_are_and_a_second_run_changes_nothing(lake: Lake, sqlite: DecisionLedger) -> None:
    rows = [some_decision(str(n), decided_at=NOON + timedelta(seconds=n), degraded=("counters", "x")) for n in range(5)]
    sqlite.append(rows[::-1])

    written = land(lake, sqlite)

    assert {day: manifest.rows for day, manifest in written.items()} == {DAYS[0]: 0, DAYS[1]: 5, DAYS[2]: 0}
    assert landed.landed(lake, DAYS) == rows
    assert lake.read(landed.DATASET, DAYS)["degraded"].unique().to_list() == ["counters x"]
    assert land(lake, sqlite) == {}


def test_only_the_day_to_which_something_was_appended_is_landed_again(lake: Lake, sqlite: DecisionLedger) -> None:
    sqlite.append([some_decision("a", decided_at=NOON), some_decision("b", decided_at=NOON + timedelta(days=1))])
    land(lake, sqlite)

    sqlite.append([some_decision("late", decided_at=NOON - timedelta(hours=3))])

    assert [*land(lake, sqlite)] == [DAYS[1]]
    assert [one.decision_id for one in landed.landed(lake, DAYS)] == ["late", "a", "b"]


def test_the_figures_of_a_day(lake: Lake, sqlite: DecisionLedger) -> None:
    sqlite.append(
        [
            some_decision("a", latency_us=1_000),
            some_decision("b", action="warn", latency_us=3_000),
            some_decision("c", point="payout", action="review", degraded=("registry",), latency_us=2_000),
            some_decision("d", explored=True, point="a point of the past", action="strange", latency_us=2_000),
        ]
    )

    facts = land(lake, sqlite)[DAYS[1]].facts

    assert facts["decisions"] == 4
    assert facts["acted_share"] == pytest.approx(2 / 3)
    assert facts["hurting_share"] == pytest.approx(1 / 3)
    assert (facts["explored_share"], facts["degraded_share"], facts["latency_p50_ms"]) == (0.25, 0.25, 2.0)
    assert facts["actions"]["checkout"] == {"allow": 1, "warn": 1}
