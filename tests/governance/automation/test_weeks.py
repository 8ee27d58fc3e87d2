"""When a week is trained before its hour, and when not again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from governance.automation.weeks import Alarm, Positives, answered, matured_enough, overdue
from governance.marketplaces.pace import Pace

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
ALARM = Alarm(model="claim", as_of=date(2026, 3, 2), digest="d1", reasons=("price",))
PACE = Pace()


def handled(digest: str, days_ago: float) -> dict[str, str]:
    return {"digest": digest, "at": (NOW - timedelta(days=days_ago)).isoformat()}


@pytest.mark.parametrize(
    ("before", "calls"),
    [({}, True), (handled("d1", 30), False), (handled("d0", 2), False), (handled("d0", 7), True)],
    ids=["never", "this report", "lately", "long ago"],
)
def test_each_report_is_answered_once_and_none_within_the_cooldown(before: dict[str, str], calls: bool) -> None:
    assert (answered(ALARM, before, now=NOW, pace=PACE) == "") is calls


def test_drift_that_no_retraining_cures_is_answered_at_most_once_a_cooldown() -> None:
    before: dict[str, str] = {}
    answers = 0
    for hour in range(24 * 28):
        now = NOW + timedelta(hours=hour)
        alarm = Alarm(model="claim", as_of=date(2026, 3, 2), digest=f"d{hour}", reasons=())
        if not answered(alarm, before, now=now, pace=PACE):
            before, answers = {"digest": alarm.digest, "at": now.isoformat()}, answers + 1

    assert answers == 5


def test_a_model_that_was_skipped_is_trained_once_enough_positives_have_matured() -> None:
    few = Positives(model="claim", at_training=10, now=59, at_least=60, skipped=True)
    enough = Positives(model="claim", at_training=10, now=60, at_least=60, skipped=True)

    assert matured_enough(few, PACE) == ""
    assert matured_enough(enough, PACE) == "claim: 60 positives have matured, 60 are needed"


def test_a_week_is_overdue_long_after_its_schedule() -> None:
    assert not overdue(date(2026, 3, 9), now=NOW, pace=PACE)
    assert overdue(date(2026, 3, 9), now=NOW + timedelta(days=1), pace=PACE)
