"""Statements and matured labels: cut into runs, interrupted, delivered again, and always the same in the end."""

import shutil
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_events import land_day, raw_row

from governance.contracts.calendar import days_between, midnight
from governance.labels import matured, statements
from governance.labels.definition import LabelDefinition, label_definitions
from governance.labels.ledger import LabelLedger
from governance.storage.lake import Lake

FIRST = date(2025, 5, 1)
DAYS = days_between(FIRST, date(2025, 5, 24))
CLAIM = label_definitions()["claim"].with_maturity(6)
FRAUD = label_definitions()["merchant_fraud"].with_maturity(5)
LABELS = (CLAIM, FRAUD)
TABLES = ("orders", "cases", "labels", "enforcements")
Raw = dict[str, list[dict[str, Any]]]


class Place:
    """A lake and a ledger of their own."""

    def __init__(self, root: Path) -> None:
        self.lake, self.ledger = Lake(root / "lake"), LabelLedger(root / "labels.sqlite")

    def land(self, raw: Raw, days: Sequence[date] = DAYS) -> None:
        for table in TABLES:
            for day in days:
                land_day(self.lake, table, day, [row for row in raw[table] if row["known_at"].date() == day])

    def run(self, days: Sequence[date]) -> None:
        statements.record_days(self.lake, self.ledger, LABELS, days)
        for label in LABELS:
            matured.build(self.lake, self.ledger, label, days)

    def refresh(self) -> None:
        """Run what is stale, statements first."""
        if stale := statements.stale_days(self.lake, LABELS, DAYS):
            statements.record_days(self.lake, self.ledger, LABELS, stale)
        for label in LABELS:
            if stale := matured.stale_days(self.lake, label, DAYS):
                matured.build(self.lake, self.ledger, label, stale)

    def digests(self) -> dict[tuple[str, date], tuple[str, str]]:
        datasets = (statements.DATASET, *(label.dataset for label in LABELS))
        return {
            (dataset, day): (found.digest, found.fingerprint)
            for dataset in datasets
            for day, found in self.lake.manifests(dataset).items()
        }

    def stale(self, label: LabelDefinition) -> list[date]:
        return matured.stale_days(self.lake, label, DAYS)

    def labelled(self, label: LabelDefinition, row_id: str) -> list[tuple[int, str | None]]:
        rows = self.lake.read(label.dataset, DAYS).filter(row_id=row_id)
        return list(zip(rows["label"], rows["label_reason"], strict=True))


def moment(day: int, hour: float = 12) -> datetime:
    return midnight(FIRST) + timedelta(days=day, hours=hour)


def order(line: str, at: datetime, *, known_at: datetime | None = None, seller: str = "seller-0") -> dict[str, Any]:
    ids = {"order_line_id": line, "order_id": f"order-{line}", "seller_id": seller}
    return raw_row("orders", occurred_at=at, known_at=known_at or at, **ids)


def case(line: str, known_at: datetime, *, kind: str = "complaint", of_order: bool = False) -> dict[str, Any]:
    about = {"order_line_id": None if of_order else line, "order_id": f"order-{line}"}
    ids = {"case_id": f"case-{line}-{kind}", "kind": kind}
    return raw_row("cases", occurred_at=known_at - timedelta(minutes=5), known_at=known_at, **ids, **about)


def said(seller: str, known_at: datetime, value: int, *, by: str = "enforcement") -> dict[str, Any]:
    values = {"label": "merchant_fraud", "entity_id": seller, "labeler": by, "value": value, "reason": by}
    return raw_row("labels", occurred_at=known_at - timedelta(hours=1), known_at=known_at, **values)


def random_raw(seed: int) -> Raw:
    """Lines of five sellers, some known late; cases of a third of them; statements and holds of sellers."""
    chance = np.random.default_rng(seed)
    raw: Raw = {table: [] for table in TABLES}
    for number in range(90):
        line, day = f"line-{number}", int(chance.integers(0, 22))
        at = moment(day, float(chance.uniform(0, 24)))
        late = timedelta(days=int(chance.choice([0, 0, 0, 2])))
        raw["orders"].append(order(line, at, known_at=min(at + late, moment(23)), seller=f"seller-{number % 5}"))
        known_at = at + timedelta(days=float(chance.uniform(0, 9)))
        if number % 3 == 0 and known_at < moment(23, 20):
            kind, of_order = str(chance.choice(["complaint", "refund"])), bool(chance.integers(2))
            raw["cases"].append(case(line, known_at, kind=kind, of_order=of_order))
    for number in range(12):
        seller, known_at = f"seller-{number % 5}", moment(int(chance.integers(1, 23)), number)
        by = str(chance.choice(["audit", "enforcement", "automatic_rule"]))
        raw["labels"].append(said(seller, known_at, int(chance.integers(2)), by=by))
    hold = {"enforcement_id": "e", "subject_id": "seller-4", "action": "hold", "expires_at": moment(15)}
    raw["enforcements"].append(raw_row("enforcements", occurred_at=moment(9), known_at=moment(9), **hold))
    return raw


@pytest.fixture(scope="module")
def raw() -> Raw:
    return random_raw(4)


@pytest.fixture
def place(raw: Raw, tmp_path: Path) -> Place:
    made = Place(tmp_path / "place")
    made.land(raw)
    return made


@pytest.fixture(scope="module")
def at_once(raw: Raw, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, date], tuple[str, str]]:
    made = Place(tmp_path_factory.mktemp("at_once"))
    made.land(raw)
    made.run(DAYS)
    return made.digests()


def test_day_by_day_gives_the_digests_of_one_run(place: Place, at_once: object) -> None:
    for day in DAYS:
        place.run([day])
    assert place.digests() == at_once


def test_running_again_changes_no_digest_and_appends_nothing(place: Place, at_once: object) -> None:
    place.run(DAYS)
    ledger_size = place.ledger.between("claim", start=moment(0, 0), end=moment(24, 0)).height
    place.run(DAYS[3:])
    assert place.digests() == at_once
    assert place.ledger.between("claim", start=moment(0, 0), end=moment(24, 0)).height == ledger_size > 10
    assert [place.stale(label) for label in LABELS] == [[], []]
    assert statements.stale_days(place.lake, LABELS, DAYS) == []


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, len(DAYS) - 1), max_size=3))
def test_any_split_into_runs_gives_the_same_digests(
    raw: Raw, at_once: object, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    place = Place(tmp_path_factory.mktemp("split"))
    place.land(raw)
    edges = sorted({0, *cuts, len(DAYS)})
    for start, end in pairwise(edges):
        place.run(DAYS[start:end])
    assert place.digests() == at_once


class Killed(BaseException):
    """What a test raises where a process would have been killed."""


@pytest.mark.parametrize("stage", ["statements", "labels"])
def test_a_killed_run_leaves_whole_days_and_the_next_one_does_what_is_missing(
    place: Place, at_once: dict[tuple[str, date], tuple[str, str]], stage: str
) -> None:
    def kill(day: date, _: object) -> None:
        if day == DAYS[13]:
            raise Killed

    runs: dict[str, Callable[[], object]] = {
        "statements": lambda: statements.record_days(place.lake, place.ledger, LABELS, DAYS, on_day=kill),
        "labels": lambda: matured.build(place.lake, place.ledger, CLAIM, DAYS, on_day=kill),
    }
    if stage == "labels":
        statements.record_days(place.lake, place.ledger, LABELS, DAYS)
    with pytest.raises(Killed):
        runs[stage]()
    assert place.digests().items() <= at_once.items()
    left = statements.stale_days(place.lake, LABELS, DAYS) if stage == "statements" else place.stale(CLAIM)
    assert left == DAYS[14:]
    place.refresh()
    assert place.digests() == at_once


def test_a_day_delivered_again_ends_like_a_place_that_never_knew_better(place: Place, raw: Raw, tmp_path: Path) -> None:
    place.run(DAYS)
    corrected = {table: list(rows) for table, rows in raw.items()}
    day = next(row["known_at"].date() for row in raw["cases"] if row["known_at"] > moment(10, 0))
    corrected["cases"] = [row for row in raw["cases"] if row["known_at"].date() != day]
    corrected["labels"] = [row | {"value": 1 - row["value"]} for row in raw["labels"]]
    corrected["orders"] = [row for row in raw["orders"] if row["known_at"].date() != day]
    place.land(corrected)
    place.refresh()
    fresh = Place(tmp_path / "fresh")
    fresh.land(corrected)
    fresh.run(DAYS)
    assert place.digests() == fresh.digests()
    for label in LABELS:
        whole = {"start": moment(0, 0), "end": moment(24, 0)}
        key = ["entity_id", "known_at", "labeler"]
        mine, theirs = (one.ledger.between(label.name, **whole).sort(key) for one in (place, fresh))
        assert mine.equals(theirs, null_equal=True)


def test_a_missing_day_counts_as_absent_until_it_lands(place: Place, raw: Raw, at_once: object) -> None:
    for table in TABLES:
        place.lake.delete(f"raw/{table}", DAYS[8])
    place.run(DAYS)
    assert place.digests() != at_once
    place.land(raw, [DAYS[8]])
    place.refresh()
    assert place.digests() == at_once


def test_labels_are_stale_exactly_where_a_case_could_decide_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.land({table: [] for table in TABLES})
    place.run(DAYS)
    land_day(place.lake, "cases", DAYS[10], [case("line", moment(10))])
    assert place.stale(CLAIM) == DAYS[10:17]
    assert place.stale(FRAUD) == []


def test_labels_of_sellers_are_stale_after_a_statement_an_order_or_an_enforcement(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.land({table: [] for table in TABLES})
    place.run(DAYS)
    land_day(place.lake, "labels", DAYS[10], [said("s", moment(10), 1)])
    assert place.stale(FRAUD) == DAYS[10:17]
    place.refresh()
    land_day(place.lake, "orders", DAYS[10], [order("line", moment(10))])
    assert place.stale(FRAUD) == DAYS[16:23]
    place.refresh()
    ban = raw_row("enforcements", subject_id="s", action="ban", known_at=moment(10), occurred_at=moment(10))
    land_day(place.lake, "enforcements", DAYS[10], [ban])
    assert place.stale(FRAUD) == DAYS[16:]
    assert place.stale(CLAIM) == []


def test_an_order_known_late_is_decided_by_what_was_said_before_it_was_known(tmp_path: Path) -> None:
    """Placed on day 4, complained of on day 6, known on day 8: day 6 delivered again changes its label."""
    place = Place(tmp_path)
    raw: Raw = {table: [] for table in TABLES}
    raw["orders"].append(order("late", moment(4), known_at=moment(8)))
    place.land(raw)
    place.run(DAYS)
    assert place.labelled(CLAIM, "late") == [(0, None)]
    land_day(place.lake, "cases", DAYS[6], [case("late", moment(6))])
    assert DAYS[14] in place.stale(CLAIM)
    place.refresh()
    assert place.labelled(CLAIM, "late") == [(1, "complaint")]


def test_a_case_of_a_whole_order_is_a_case_of_each_of_its_lines(tmp_path: Path) -> None:
    place = Place(tmp_path)
    raw: Raw = {table: [] for table in TABLES}
    raw["orders"] = [order("a", moment(2)), order("b", moment(2)) | {"order_id": "order-a"}, order("c", moment(2))]
    raw["cases"] = [case("a", moment(3), kind="refund", of_order=True), case("c", moment(4))]
    place.land(raw)
    place.run(DAYS)
    assert {line: place.labelled(CLAIM, line) for line in "abc"} == {
        "a": [(1, "refund")],
        "b": [(1, "refund")],
        "c": [(1, "complaint")],
    }


def test_two_cases_of_one_line_in_the_same_microsecond_are_one_statement(tmp_path: Path) -> None:
    place = Place(tmp_path)
    raw: Raw = {table: [] for table in TABLES}
    raw["cases"] = [case("a", moment(3), kind=kind) for kind in ("refund", "complaint")]
    place.land(raw)
    place.run(DAYS)
    assert place.ledger.between("claim", start=moment(3, 0), end=moment(4, 0))["reason"].to_list() == ["complaint"]


def test_partitions_hold_what_matured_on_their_day_and_count_the_positives(place: Place) -> None:
    place.run(DAYS)
    for label, after in ((CLAIM, 6), (FRAUD, 6)):
        for day in DAYS:
            rows = place.lake.read(label.dataset, [day])
            manifest = place.lake.manifest(label.dataset, day)
            assert manifest is not None
            assert manifest.facts == {"positives": rows["label"].sum()}
            assert (rows["matured_at"] < midnight(day + timedelta(days=1))).all()
            assert rows.is_empty() or day >= DAYS[after]
        assert place.lake.read(label.dataset, DAYS)["label"].sum() > 0


def test_another_maturity_makes_every_label_stale(place: Place) -> None:
    place.run(DAYS)
    assert place.stale(CLAIM.with_maturity(7)) == DAYS
    shutil.rmtree(place.lake.root / CLAIM.dataset)
    assert place.stale(CLAIM) == DAYS
