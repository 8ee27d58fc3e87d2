"""What may be behind a symptom: gates, deliveries, labels, the online store, drift and runs."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from governance.automation.held import Held
from governance.contracts.calendar import midnight, valid_at
from governance.labels.ledger import SCHEMA
from governance.labels.statements import DATASET
from governance.oncall.arrivals import late_days, quarantines, silent_tables
from governance.oncall.collect import findings
from governance.oncall.finding import Band, Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.label_delay import label_delays
from governance.oncall.refusals import refusals
from governance.oncall.reported import (
    DriftState,
    FailedRun,
    OnlineState,
    OverrideState,
    Reports,
    drifting,
    failed_runs,
    online_behind,
    overridden,
)
from governance.oncall.space import DiskState, bytes_a_day, full_disk
from governance.oncall.traffic import taken_back
from governance.oncall.waiting import held_changes
from governance.release.traffic_verdict import OUT_OF_BAND, WATCH

MONDAYS = [date(2024, 1, 29) + timedelta(weeks=week) for week in range(5)]


def test_merit_refusals_open_a_ticket_after_three_weeks_that_names_the_gate(fair: Any) -> None:
    fair.week("claim", MONDAYS[0], "passed")
    for as_of in MONDAYS[1:]:
        fair.week("claim", as_of, "kept", gate="calibration")

    (found,) = refusals(fair.look())

    assert (found.kind, found.severity) == (Kind.MERIT_REFUSAL, Severity.SEV3)
    assert found.where == "gate calibration"
    assert found.since == midnight(MONDAYS[1])
    assert "4 candidate(s) in a row" in found.why


def test_two_weeks_of_merit_refusals_are_nobodys_business(fair: Any) -> None:
    for as_of, status in zip(MONDAYS[2:], ("passed", "kept", "kept"), strict=True):
        fair.week("claim", as_of, status)
    assert refusals(fair.look()) == []


def test_a_safety_failure_pages_until_a_newer_candidate_is_safe(fair: Any) -> None:
    fair.week("claim", MONDAYS[3], "failed", gate="personal_data")
    (found,) = refusals(fair.look())
    assert (found.kind, found.severity, found.where) == (Kind.SAFETY_FAILURE, Severity.SEV2, "gate personal_data")
    fair.week("claim", MONDAYS[4], "passed")
    assert refusals(fair.look()) == []


def test_a_hole_in_the_past_is_a_ticket(fair: Any, days: list[date]) -> None:
    fair.land_all(but=["cases"])
    fair.land("cases", [day for day in days if day != days[9]])

    (found,) = late_days(fair.look())

    assert found.severity is Severity.SEV3
    assert (found.figure, found.since, found.where) == (Figure(1, Unit.COUNT), valid_at(days[9]), f"cases of {days[9]}")


def test_the_newest_day_may_be_on_its_way(fair: Any, days: list[date]) -> None:
    fair.land_all(days[:-1])
    assert late_days(fair.look()) == []


def test_newest_days_that_do_not_come_page(fair: Any, days: list[date]) -> None:
    fair.land_all(days[:-3])
    (found,) = late_days(fair.look())
    assert (found.severity, found.figure) == (Severity.SEV2, Figure(2, Unit.COUNT))
    assert found.where == f"orders of {days[-3]} and 4 more table(s)"


def test_days_that_arrive_at_once_are_not_late_before_they_had_their_hours_to_land(fair: Any, days: list[date]) -> None:
    fair.land_all(days[:-3])
    for day in days[-3:]:
        file = fair.workspace.source_root / "orders" / f"dt={day}" / "rows.parquet"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
        os.utime(file, (fair.wall.timestamp(), fair.wall.timestamp()))

    assert late_days(fair.look()) == []
    fair.wall = fair.wall + timedelta(hours=5)
    assert len(late_days(fair.look())) == 1


def test_a_day_that_was_refused_says_so(fair: Any, days: list[date]) -> None:
    fair.land_all(but=["cases"])
    fair.land("cases", days[:20])
    fair.land("cases", days[21:])
    fair.workspace.lake.write("quarantine/cases", days[20], pl.DataFrame({"a": [1]}), key=["a"], fingerprint="")
    assert "was refused" in late_days(fair.look())[0].why


def test_where_everything_landed_nothing_is_late(fair: Any) -> None:
    fair.land_all()
    assert late_days(fair.look()) == silent_tables(fair.look()) == quarantines(fair.look()) == []


def test_a_table_that_falls_silent_is_found_and_one_that_speaks_seldom_is_not(fair: Any, days: list[date]) -> None:
    fair.land_all(but=["orders", "cases"])
    fair.land("orders", days, lambda day: [{"a": 1}] if day <= days[-5] else [])
    fair.land("cases", days, lambda day: [{"a": 1}] if day in days[2:-3:7] else [])

    (found,) = silent_tables(fair.look())

    assert (found.subject, found.severity) == ("raw/orders", Severity.SEV2)
    assert found.figure == Figure(4, Unit.DAYS)


def test_a_quarantine_that_fills_up_is_found_before_it_overflows(fair: Any, days: list[date]) -> None:
    lake = fair.workspace.lake
    for day in days:
        many = 15 if day >= days[-5] else 2
        facts = {"delivered": 1_000, "quarantined": many}
        lake.write("raw/cases", day, pl.DataFrame({"a": [1]}), key=["a"], fingerprint="", facts=facts)
        reasons = {"reasons": {"amount_minor: null": many}}
        lake.write("quarantine/cases", day, pl.DataFrame({"a": [1]}), key=["a"], fingerprint="", facts=reasons)

    (found,) = quarantines(fair.look())

    assert found.subject == "raw/cases"
    assert found.figure is not None
    assert found.figure.usual == Band(0.002, 0.002)
    assert "amount_minor: null: 15" in found.why


@pytest.mark.parametrize(("hours", "found"), [(30, False), (24 * 6, True)], ids=["as before", "three times as long"])
def test_labels_that_come_later_than_they_used_to_are_found(
    fair: Any, days: list[date], hours: int, found: bool
) -> None:
    fair.workspace.lake.write(DATASET, days[0], pl.DataFrame({"a": [1]}), key=["a"], fingerprint="")
    for day in days:
        known = midnight(day) + timedelta(hours=9)
        delay = timedelta(hours=hours if day >= days[-28] else 30)
        rows = [("claim", f"{day}{n}", known - delay - timedelta(hours=n), "desk", known, 1, None) for n in range(3)]
        stated = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        start = midnight(day)
        fair.workspace.ledger.replace("claim", start=start, end=start + timedelta(days=1), statements=stated)

    assert [one.key for one in label_delays(fair.look())] == ([(Kind.LABEL_DELAY, "claim")] if found else [])


def test_a_label_is_not_late_because_a_slow_labeler_speaks_more_often(fair: Any, days: list[date]) -> None:
    fair.workspace.lake.write(DATASET, days[0], pl.DataFrame({"a": [1]}), key=["a"], fingerprint="")
    for day in days:
        known, audits = midnight(day) + timedelta(hours=9), 3 if day >= days[-28] else 1
        said = [("rule", timedelta(hours=1), 10), ("audit", timedelta(days=20), audits)]
        rows = [
            ("claim", f"{day}{labeler}{n}", known - delay, labeler, known, 1, None)
            for labeler, delay, count in said
            for n in range(count)
        ]
        stated = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        start = midnight(day)
        fair.workspace.ledger.replace("claim", start=start, end=start + timedelta(days=1), statements=stated)

    assert label_delays(fair.look()) == []


def test_what_the_watch_over_traffic_took_back_is_told_until_somebody_moves_the_pointer(fair: Any) -> None:
    first, second = (fair.promote("claim", week, at=fair.wall) for week in (date(2024, 2, 19), date(2024, 2, 26)))
    registry, signed = fair.workspace.registry, {"who": WATCH, "reason": f"{OUT_OF_BAND}: acts on 250 of 1000"}
    assert taken_back(fair.look()) == []

    registry.rollback("claim", **signed, at=fair.wall - timedelta(hours=2))

    (found,) = taken_back(fair.look())
    assert (found.subject, found.severity) == ("claim", Severity.SEV2)
    assert "acts on 250 of 1000" in found.why
    assert taken_back(replace(fair.look(), wall=fair.wall + timedelta(days=4))) == []
    registry.allow("claim", second, who="ana", reason="looked at it", at=fair.wall)
    registry.promote("claim", second, who="ana", reason="it was the world", at=fair.wall)
    assert taken_back(fair.look()) == []
    assert first != second


def test_a_canary_that_the_watch_ended_is_a_ticket(fair: Any) -> None:
    fair.promote("claim", date(2024, 2, 19), at=fair.wall)
    registry, newer = fair.workspace.registry, fair.candidate("claim", date(2024, 2, 26))
    registry.canary("claim", newer, share=0.01, who="ana", reason="a look", at=fair.wall)
    registry.end_canary("claim", newer, who=WATCH, reason=f"{OUT_OF_BAND}: fails", at=fair.wall)

    (found,) = taken_back(fair.look())
    assert (found.severity, "canary ended" in found.what) == (Severity.SEV3, True)


def online(fair: Any, *, hours: float, lag: int = 1) -> list[Finding]:
    offline = midnight(date(2024, 3, 1))
    state = OnlineState(
        table="seller",
        owner="ml-platform",
        online=offline - timedelta(days=lag),
        offline=offline,
        differs_since=fair.wall - timedelta(hours=hours),
    )
    return online_behind(fair.look(), [state])


def test_an_online_store_may_be_behind_for_hours_and_not_longer(fair: Any) -> None:
    assert online(fair, hours=2) == []
    (found,) = online(fair, hours=4)
    assert (found.subject, found.severity, found.figure) == ("seller", Severity.SEV3, Figure(1, Unit.DAYS))
    assert online(fair, hours=60, lag=2)[0].severity is Severity.SEV2


def test_drift_is_found_since_the_first_week_of_its_alarm_with_what_was_usual(fair: Any) -> None:
    shares = (0.05, 0.06, 0.04, 0.05, 0.4, 0.5)
    states = [
        DriftState(
            model="claim",
            as_of=date(2024, 1, 22) + timedelta(weeks=n),
            alarm=share > 0.3,
            share=share,
            reasons=("So.",),
        )
        for n, share in enumerate(shares)
    ]

    (found,) = drifting(fair.look(), states)

    assert found.since == midnight(date(2024, 2, 19))
    assert found.figure is not None
    assert found.figure.value == 0.5
    assert found.figure.usual is not None
    assert (found.figure.usual.low, found.figure.usual.high) == pytest.approx((0.0415, 0.0585))
    assert drifting(fair.look(), states[:4]) == []


def run(**other: Any) -> FailedRun:
    fields = {"job": "daily", "run_id": "r", "since": datetime(2024, 3, 1, tzinfo=UTC), "times": 1, "retry_helps": True}
    return FailedRun(**{**fields, "failures": ("raw/orders: torn",), **other})


@pytest.mark.parametrize(("helps", "words"), [(True, "may help"), (False, "fails again")], ids=["helps", "does not"])
def test_a_failed_run_says_what_failed_and_whether_a_retry_could_help(fair: Any, helps: bool, words: str) -> None:
    (found,) = failed_runs(fair.look(), [run(retry_helps=helps)])
    assert "raw/orders: torn" in found.why
    assert words in found.why
    assert (found.severity, found.run_id) == (Severity.SEV3, "r")


def test_a_job_that_fails_for_the_third_time_pages(fair: Any) -> None:
    assert failed_runs(fair.look(), [run(times=3)])[0].severity is Severity.SEV2


@pytest.mark.parametrize(("hours", "severity"), [(1, Severity.SEV3), (-1, Severity.SEV2)], ids=["in force", "expired"])
def test_an_override_is_red_until_it_no_longer_serves(fair: Any, hours: int, severity: Severity) -> None:
    until = fair.wall + timedelta(hours=hours)
    agreed = OverrideState(model="claim", who="ana", second="bo", reason="a sale", at=fair.wall, until=until)
    (found,) = overridden(fair.look(), [agreed])
    assert (found.subject, found.severity) == ("claim", severity)
    assert "ana and bo" in found.why


def test_nobody_waits_for_a_day_that_was_withdrawn(fair: Any, days: list[date]) -> None:
    fair.land_all([day for day in days if day != days[9]])
    assert late_days(replace(fair.look(), dropped=frozenset({days[9]}))) == []


@pytest.mark.parametrize(
    ("hours", "severity"), [(2, Severity.SEV3), (29, Severity.SEV2)], ids=["since today", "since yesterday"]
)
def test_a_change_that_waits_for_a_person_asks_with_its_reason_and_its_command(
    fair: Any, days: list[date], hours: int, severity: Severity
) -> None:
    since = fair.wall - timedelta(hours=hours)
    why = "40 days would be built again, more than 14"
    waits = Held(plan="9f3c21ab04d7e1", what="again: orders", why=why, first=days[3], last=days[-1], since=since)

    (found,) = held_changes(fair.look(), [waits, replace(waits, plan="x", since=fair.wall)])

    assert (found.severity, found.since, found.figure) == (severity, since, Figure(2, Unit.COUNT))
    assert why in found.why
    assert found.first_action.startswith("govern approve 9f3c21ab04d7 --dry-run")
    assert held_changes(fair.look(), []) == []


@pytest.mark.parametrize(
    ("free", "severity"),
    [(15e9, None), (13e9, Severity.SEV3), (1.9e9, Severity.SEV2)],
    ids=["a fortnight", "less", "next to nothing"],
)
def test_a_disk_is_full_before_it_is_full_by_what_a_day_takes(
    fair: Any, free: float, severity: Severity | None
) -> None:
    state = DiskState(folder=fair.workspace.root, size=10**11, free=int(free), a_day=10**9)
    assert [one.severity for one in full_disk(fair.look(), state)] == ([severity] if severity else [])


def test_a_day_takes_the_average_of_the_newest_week_and_no_less_than_runs_do(fair: Any, days: list[date]) -> None:
    assert bytes_a_day(fair.workspace) == 0
    fair.land_all()
    files = [fair.workspace.lake.path(f"raw/{table}", day) for table in fair.tables for day in days[-7:]]
    assert bytes_a_day(fair.workspace) == sum(file.stat().st_size for file in files) // 7

    state = DiskState(folder=fair.workspace.root, size=10**11, free=10**8, a_day=bytes_a_day(fair.workspace))
    (found,) = full_disk(fair.look(), state)
    assert found.figure == Figure(2.0, Unit.DAYS)


def test_findings_come_symptoms_first_and_the_worst_of_them_first(fair: Any) -> None:
    fair.land_all(but=["payouts", "orders", "enforcements", "cases"])
    for as_of in MONDAYS[1:]:
        fair.week("claim", as_of, "kept")

    found = findings(fair.workspace, wall=fair.wall, reports=Reports(failed_runs=[run(times=3)]))

    assert [one.kind.is_symptom for one in found] == sorted((one.kind.is_symptom for one in found), reverse=True)
    assert found[2].severity is Severity.SEV2
    assert {Kind.NO_CHAMPION, Kind.MERIT_REFUSAL, Kind.LATE_DATA, Kind.FAILED_RUN} <= {one.kind for one in found}


def test_of_a_workspace_that_was_never_filled_there_is_one_thing_to_say(fair: Any) -> None:
    (found,) = findings(fair.workspace, wall=fair.wall)
    assert (found.what, found.severity) == ("nothing has landed yet", Severity.SEV4)
