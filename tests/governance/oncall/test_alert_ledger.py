"""Alerts from observations: opened once, told once, grouped under their symptom, resolved when the thing is gone."""

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.oncall.alerts import Event, What
from governance.oncall.finding import Finding, Key, Severity
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger
from governance.oncall.routing import Routing

Make = Callable[..., Finding]
EVERYTHING = tuple(Kind)


@pytest.fixture
def see(ledger: AlertLedger, routing: Routing, noon: datetime) -> Callable[..., list[tuple[str, str, bool]]]:
    """Observe findings so many hours after noon; what happened, to which kind, and whether people are told."""

    def observe(*findings: Finding, hours: float = 0, covering: tuple[Kind, ...] = EVERYTHING) -> list[tuple]:
        at = noon + timedelta(hours=hours)
        events = ledger.observe(findings, covering=covering, at=at, remind_after=routing.remind_after)
        return [(event.what.value, event.key.kind.value, event.told) for event in events]

    return observe


def test_a_finding_opens_one_alert_and_seeing_it_again_changes_nothing(see: Callable, finding: Make) -> None:
    assert see(finding()) == [("opened", "late_data", True)]
    assert see(finding()) == []
    assert see(finding(), hours=1) == []


def test_a_finding_that_is_gone_is_resolved_once(see: Callable, finding: Make, ledger: AlertLedger) -> None:
    see(finding())
    assert see(hours=1) == [("resolved", "late_data", True)]
    assert see(hours=2) == []
    assert ledger.standing() == []


def test_what_comes_back_opens_a_new_episode(see: Callable, finding: Make, ledger: AlertLedger) -> None:
    for hours, findings in enumerate(([finding()], [], [finding()])):
        see(*findings, hours=hours)
    (alert,) = ledger.standing()
    assert alert.episode == 2


def test_what_gets_worse_is_told_again_and_what_gets_better_is_not(see: Callable, finding: Make) -> None:
    see(finding())
    assert see(finding(severity=Severity.SEV2), hours=1) == [("escalated", "late_data", True)]
    assert see(finding(severity=Severity.SEV4), hours=2) == [("changed", "late_data", False)]
    assert see(finding(severity=Severity.SEV2), hours=3) == [("changed", "late_data", False)]


def test_what_stays_broken_is_told_again_after_the_stated_hours(see: Callable, finding: Make) -> None:
    one = finding(severity=Severity.SEV2)
    see(one)
    assert see(one, hours=5.9) == []
    assert see(one, hours=6) == [("reminded", "late_data", True)]
    assert see(one, hours=11) == []
    assert see(one, hours=12) == [("reminded", "late_data", True)]


def test_new_figures_are_kept_but_not_told(see: Callable, finding: Make, ledger: AlertLedger) -> None:
    see(finding())
    assert see(finding(where="ID/beauty"), hours=1) == [("changed", "late_data", False)]
    assert ledger.standing()[0].finding.where == "ID/beauty"


def test_a_cause_is_silent_while_its_symptom_is_open_and_told_when_only_it_is_left(
    see: Callable, finding: Make, ledger: AlertLedger
) -> None:
    symptom, cause = finding(Kind.STALE_CHAMPION), finding(Kind.MERIT_REFUSAL)

    assert see(cause, symptom) == [("opened", "stale_champion", True), ("opened", "merit_refusal", False)]
    assert [alert.under for alert in ledger.standing()] == [None, symptom.key]
    assert see(cause, symptom, hours=200) == [("reminded", "stale_champion", True)]
    assert see(cause, hours=201) == [("resolved", "stale_champion", True), ("opened", "merit_refusal", True)]


def test_a_cause_that_is_worse_than_its_symptom_is_told_by_itself(see: Callable, finding: Make) -> None:
    cause = finding(Kind.SAFETY_FAILURE, severity=Severity.SEV2)
    assert ("opened", "safety_failure", True) in see(finding(Kind.STALE_CHAMPION), cause)


def test_a_cause_of_another_subject_is_told_by_itself(see: Callable, finding: Make) -> None:
    assert ("opened", "merit_refusal", True) in see(
        finding(Kind.STALE_CHAMPION), finding(Kind.MERIT_REFUSAL, subject="merchant_fraud")
    )


def test_a_cause_of_which_nobody_was_told_ends_in_silence(see: Callable, finding: Make) -> None:
    see(finding(Kind.STALE_CHAMPION), finding(Kind.MERIT_REFUSAL))
    assert see(finding(Kind.STALE_CHAMPION), hours=1) == [("resolved", "merit_refusal", False)]


def test_what_was_not_looked_at_is_left_as_it_is(see: Callable, finding: Make, ledger: AlertLedger) -> None:
    see(finding(Kind.FAILED_RUN, "daily"))
    assert see(hours=1, covering=(Kind.LATE_DATA,)) == []
    assert [alert.key for alert in ledger.standing()] == [Key(Kind.FAILED_RUN, "daily")]


def test_a_preview_writes_nothing(ledger: AlertLedger, finding: Make, routing: Routing, noon: datetime) -> None:
    def preview() -> list[Event]:
        return ledger.preview([finding()], covering=EVERYTHING, at=noon, remind_after=routing.remind_after)

    assert [event.what for event in preview()] == [What.OPENED]
    assert ledger.history() == []
    ledger.observe([finding()], covering=EVERYTHING, at=noon, remind_after=routing.remind_after)
    assert preview() == []


@pytest.mark.parametrize("change", ["UPDATE {} SET at = ''", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["events", "deliveries"])
def test_nobody_changes_the_ledger(
    see: Callable, finding: Make, ledger: AlertLedger, tmp_path: Path, noon: datetime, table: str, change: str
) -> None:
    see(finding())
    ledger.delivered(ledger.untold("log"), channel="log", at=noon)
    connection = sqlite3.connect(tmp_path / "ledgers" / "alerts.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table))
    connection.close()


_OBSERVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from governance.oncall.finding import Finding, Severity
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger
from governance.oncall.routing import load_routing
found = Finding(kind=Kind.LATE_DATA, subject="claim", severity=Severity.SEV3, owner="x", what="late", why="w",
                first_action="govern run")
AlertLedger(Path(sys.argv[1])).observe([found], covering=tuple(Kind), at=datetime(2024, 3, 1, tzinfo=UTC),
                                       remind_after=load_routing(Path("nowhere")).remind_after)
"""


def test_of_observers_at_the_same_time_one_opens_the_alert(ledger: AlertLedger, tmp_path: Path) -> None:
    words = [sys.executable, "-c", _OBSERVER, tmp_path / "ledgers" / "alerts.sqlite"]
    observers = [subprocess.Popen(words) for _ in range(3)]
    assert [observer.wait() for observer in observers] == [0, 0, 0]
    assert [message.event.what for message in ledger.history()] == [What.OPENED]


_FLAPPER = _OBSERVER.replace(
    "AlertLedger(Path(sys.argv[1])).observe([found]",
    """
for number in range(100_000):
    AlertLedger(Path(sys.argv[1])).observe([found] * (number % 2 == 0)""",
)


def test_a_killed_observer_leaves_whole_events_and_the_next_one_goes_on(
    ledger: AlertLedger, tmp_path: Path, see: Callable, finding: Make
) -> None:
    for wanted in (1, 4, 9):
        observer = subprocess.Popen([sys.executable, "-c", _FLAPPER, tmp_path / "ledgers" / "alerts.sqlite"])
        while observer.poll() is None and len(ledger.history()) < wanted:
            with suppress(subprocess.TimeoutExpired):
                observer.wait(timeout=0.005)
        observer.kill()
        assert observer.wait() == -signal.SIGKILL
    whats = [message.event.what for message in ledger.history()]
    assert whats == [(What.OPENED, What.RESOLVED)[number % 2] for number in range(len(whats))]
    see(finding())
    assert len(ledger.standing()) == 1


KINDS = (Kind.STALE_CHAMPION, Kind.MERIT_REFUSAL, Kind.SAFETY_FAILURE, Kind.FAILED_RUN)
Seen = st.dictionaries(
    st.tuples(st.sampled_from(KINDS), st.sampled_from("ab")), st.sampled_from(list(Severity)), max_size=5
)
Observations = st.lists(st.tuples(st.integers(0, 100), Seen), min_size=1, max_size=8)


@given(observations=Observations)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_seen_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory,
    finding: Make,
    routing: Routing,
    noon: datetime,
    observations: list[tuple[int, dict[tuple[Kind, str], Severity]]],
) -> None:
    """At most one alert is open for a key, none twice opened in an episode, and all are resolved in the end."""
    ledger, at = AlertLedger(tmp_path_factory.mktemp("alerts") / "alerts.sqlite"), noon
    for hours, seen in [*observations, (1, {})]:
        at += timedelta(hours=hours)
        findings = [finding(kind, subject, severity=severity) for (kind, subject), severity in seen.items()]
        ledger.observe(findings, covering=EVERYTHING, at=at, remind_after=routing.remind_after)
        standing = ledger.standing()
        assert {alert.key for alert in standing} == {one.key for one in findings}
        assert len(standing) == len(findings)
        # The same seen again in another order changes nothing: no message twice.
        again = ledger.observe(findings[::-1], covering=EVERYTHING, at=at, remind_after=routing.remind_after)
        assert again == []

    assert ledger.standing() == []
    events = [message.event for message in ledger.history()]
    opened = Counter((event.key, event.episode) for event in events if event.told and event.what is What.OPENED)
    resolved = Counter((event.key, event.episode) for event in events if event.what is What.RESOLVED)
    assert set(opened.values()) | set(resolved.values()) <= {1}
    assert {(event.key, event.episode) for event in events} == set(resolved)
    told = {(event.key, event.episode) for event in events if event.told}
    assert all(event.told == ((event.key, event.episode) in told) for event in events if event.what is What.RESOLVED)
    for event in events:
        if event.what is What.REMINDED:
            earlier = [one.at for one in events if one.told and one.key == event.key and one.at < event.at]
            assert event.at - max(earlier) >= routing.remind_after[event.finding.severity]
