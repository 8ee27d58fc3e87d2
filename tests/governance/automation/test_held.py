"""Changes that wait for a person: let go once, on record for ever, and cleared when nobody would ask for them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from governance.automation.held import Held, HeldChanges, too_wide
from governance.errors import ConfigurationError
from governance.marketplaces.pace import Pace

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
PACE = Pace()


def change(plan: str, *, first: int = 1, last: int = 9, hours: float = 0.0) -> Held:
    """A change of days of March that waits since so many hours before now."""
    return Held(
        plan=plan,
        what="again: orders",
        why=too_wide(40, 0.0, PACE),
        first=date(2026, 3, first),
        last=date(2026, 3, last),
        since=NOW - timedelta(hours=hours),
    )


@pytest.fixture
def changes(tmp_path: Path) -> HeldChanges:
    return HeldChanges(tmp_path)


def test_a_change_waits_until_one_person_lets_it_go_and_stays_on_record(changes: HeldChanges) -> None:
    one = change("abc1")

    assert changes.hold(one) == one
    assert changes.waiting() == [one]
    let_go = changes.approve("abc", who="ann", reason="known", at=NOW)
    assert let_go.approved
    assert changes.hold(one) == let_go
    assert changes.approve("abc1", who="bob", reason="too", at=NOW) == let_go
    assert changes.all() == [let_go]
    assert changes.waiting() == []
    with pytest.raises(ConfigurationError, match="0 changes begin with 'x'"):
        changes.approve("x", who="ann", reason="known", at=NOW)


def test_what_stands_in_for_a_change_of_the_same_days_has_waited_since_the_first_of_them(changes: HeldChanges) -> None:
    first = changes.hold(change("a", hours=30))
    changes.hold(change("b", first=20, last=22, hours=50))

    assert changes.hold(change("c", last=10)).since == first.since


def test_what_nobody_would_ask_for_any_more_is_cleared_and_what_was_let_go_is_not(changes: HeldChanges) -> None:
    changes.hold(change("done"))
    kept = changes.hold(change("kept"))
    changes.hold(change("let go"))
    let_go = changes.approve("let go", who="ann", reason="known", at=NOW)

    assert [one.plan for one in changes.clear(keep={"kept"})] == ["done"]
    assert changes.clear(keep={"kept"}) == []
    assert changes.waiting() == [kept]
    assert let_go in changes.all()
