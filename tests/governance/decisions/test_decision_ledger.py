"""The decision ledger: it only grows, decides a request once, and a killed writer leaves whole batches."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from some_decision import some_decision

from governance.decisions.ledger import DayMark, DecisionLedger, open_ledger, row_of, span
from governance.decisions.ledger_sqlite import _chunks
from governance.decisions.record import Decision, ModelScore, RuleHit, decoded, encoded
from governance.errors import ConfigurationError, InputError, StoreError
from governance.models.explain import Reason

PROJECT = Path(__file__).parents[3]
DAY = date(2024, 1, 5)
NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)

whole_slots = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_decision_comes_back_as_it_was_given(ledger: DecisionLedger) -> None:
    score = ModelScore(
        model="claim",
        digest="d",
        role="shadow",
        probability=0.1,
        threshold=0.3,
        acts=False,
        reasons=(Reason("x", 0.5),),
    )
    given_ = some_decision(
        "a",
        scores=(score,),
        rules=(RuleHit(rule="r", version=2, mode="active", action="warn"),),
        reasons=("r",),
        degraded=("counters",),
        features={"whole": 3, "share": 1 / 3, "small": 5e-324, "text": "ä\u2028\"'", "flag": True, "none": None},
    )

    assert ledger.append([given_]) == [given_]
    assert ledger.get("a") == given_
    assert [*ledger.between(*span(DAY))] == [given_]


def test_a_missing_number_is_kept_as_none() -> None:
    assert decoded(encoded(some_decision("a", features={"rate": float("nan")}))).features == {"rate": None}


def test_the_same_request_is_decided_once(ledger: DecisionLedger) -> None:
    first = some_decision("a", idempotency_key="r1")

    assert ledger.append([first]) == [first]
    assert ledger.append([some_decision("b", idempotency_key="r1", action="warn")]) == [first]
    assert ledger.find("shop", "r1") == first
    assert ledger.get("b") is None


def test_request_ids_of_different_callers_are_different(ledger: DecisionLedger) -> None:
    both = [some_decision("a", idempotency_key="r1"), some_decision("b", idempotency_key="r1", caller="bank")]

    assert ledger.append(both) == both
    assert ledger.find("bank", "r1") == both[1]
    assert ledger.find("nobody", "r1") is None


def test_appending_again_changes_nothing(ledger: DecisionLedger) -> None:
    rows = [some_decision("a", idempotency_key="r1"), some_decision("b"), some_decision("c")]
    ledger.append(rows)
    before = ledger.days()

    assert ledger.append(rows) == rows
    assert ledger.days() == before == {DAY: DayMark(3, before[DAY].newest)}


@given(st.integers(0, 2_000))
def test_rows_are_inserted_by_few_statements_however_many_they_are(count: int) -> None:
    """A statement is kept for each length: with any length that comes, memory would grow for hours."""
    rows = [row_of(some_decision(str(number))) for number in range(3)] * (count // 3 + 1)
    pieces = [*_chunks(rows[:count])]

    assert [row for piece in pieces for row in piece] == rows[:count]
    assert {len(piece) for piece in pieces} <= {1, 2, 4, 8, 16, 32, 64, 128, 256}
    assert len(pieces) <= count // 256 + 8


def test_nothing_is_there_before_the_first_decision(ledger: DecisionLedger) -> None:
    assert ledger.days() == {}
    assert ledger.get("a") is None
    assert ledger.about("s1", at_most=5) == []
    assert [*ledger.between(*span(DAY))] == []


def test_decisions_are_found_by_entity_and_by_party_newest_first(ledger: DecisionLedger) -> None:
    rows = [some_decision(str(n), keys={"seller_id": f"s{n % 2}"}) for n in range(6)]
    ledger.append(rows)

    assert [one.decision_id for one in ledger.about("s1", at_most=2)] == ["5", "3"]
    assert ledger.about("line-4", at_most=5) == [rows[4]]


def test_decisions_are_read_in_order_of_their_events_across_pages_by_point(ledger: DecisionLedger) -> None:
    # More than two pages, many at one moment, handed in backwards.
    rows = [
        some_decision(f"{n:04}", decided_at=NOON + timedelta(seconds=n // 7), point="payout" if n % 3 else "checkout")
        for n in range(1_100)
    ]
    ledger.append(rows[::-1])

    found = [*ledger.between(NOON, NOON + timedelta(seconds=100))]
    assert sorted(one.decision_id for one in found) == [f"{n:04}" for n in range(700)]
    assert [one.decided_at for one in found] == sorted(one.decided_at for one in found)
    assert {one.point for one in ledger.between(*span(DAY), point="payout")} == {"payout"}


def test_a_decision_belongs_to_the_day_of_its_event(ledger: DecisionLedger) -> None:
    midnight = datetime(2024, 1, 6, tzinfo=UTC)
    ledger.append([some_decision("late", decided_at=midnight)])
    ledger.append([some_decision("early", decided_at=midnight - timedelta(microseconds=1))])

    assert {day: mark.rows for day, mark in ledger.days().items()} == {DAY: 1, date(2024, 1, 6): 1}
    assert [one.decision_id for one in ledger.between(*span(DAY))] == ["early"]


def test_a_batch_is_kept_whole_or_not_at_all(ledger: DecisionLedger) -> None:
    # A lone surrogate has no UTF-8: no ledger can hold it, however often it is tried.
    spoilt = some_decision("c", entity_id="\ud800")

    with pytest.raises(InputError):
        ledger.append([some_decision("a"), spoilt])

    assert ledger.days() == {}
    assert ledger.append([some_decision("a")]) == [some_decision("a")]


@pytest.mark.parametrize("statement", ["UPDATE decisions SET body = '{}'", "DELETE FROM decisions"])
def test_sqlite_refuses_to_change_or_delete(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    open_ledger(path).append([some_decision("a")])

    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE decisions SET body = '{}'", "DELETE FROM decisions", "TRUNCATE decisions"]
)
def test_postgres_refuses_to_change_or_delete(statement: str, postgres: str) -> None:
    import psycopg2

    ledger = open_ledger(postgres)
    ledger.append([some_decision("never changed")])

    with (
        closing(psycopg2.connect(postgres)) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.RaiseException, match="append-only"),
    ):
        cursor.execute(statement)
    ledger.close()


@st.composite
def batches(draw: st.DrawFn) -> list[list[tuple[str, str | None, str]]]:
    """Batches of (decision id, request id, action), with ids that meet again and again."""
    one = st.tuples(
        st.sampled_from("abcdef"), st.none() | st.sampled_from(["r1", "r2", "r3"]), st.sampled_from(["allow", "warn"])
    )
    return draw(st.lists(st.lists(one, max_size=5), min_size=1, max_size=6))


@given(batches())
@whole_slots
def test_what_stands_is_the_first_of_each_request_and_id_in_any_order_of_batches(
    tmp_path_factory: pytest.TempPathFactory, given_: list[list[tuple[str, str | None, str]]]
) -> None:
    ledger = open_ledger(tmp_path_factory.mktemp("ledger") / "decisions.sqlite")
    stored: list[Decision] = []
    for batch in given_:
        decisions = [some_decision(name, idempotency_key=request, action=action) for name, request, action in batch]
        before = [*ledger.between(*span(DAY))]

        standing = ledger.append(decisions)

        for decision in decisions:
            same = [s for s in stored if s.decision_id == decision.decision_id or _same_request(s, decision)]
            stored += [] if same else [decision]
        for decision, found in zip(decisions, standing, strict=True):
            of_request = [s for s in stored if _same_request(s, decision)]
            of_id = [s for s in stored if s.decision_id == decision.decision_id]
            assert found == (of_request or of_id)[0]
        after = [*ledger.between(*span(DAY))]
        assert after == stored
        assert after[: len(before)] == before, "what was there is still there"
    ledger.append(list(stored))
    assert [*ledger.between(*span(DAY))] == stored
    ledger.close()


def _same_request(one: Decision, other: Decision) -> bool:
    return one.idempotency_key is not None and one.idempotency_key == other.idempotency_key


WRITER = """
import sys
from pathlib import Path
from msgspec import structs
from governance.decisions.ledger import open_ledger
from governance.decisions.record import decoded
ledger, template, number = open_ledger(Path(sys.argv[1])), decoded(sys.argv[2]), int(sys.argv[3])
while True:
    facts = {"batch": number}
    ledger.append([structs.replace(template, decision_id=f"{number}.{row}", facts=facts) for row in range(7)])
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[[int], "subprocess.Popen[str]"]]:
    """Start a process that appends batches of seven, from this number on, and says which ones are on disk."""
    started: list[subprocess.Popen[str]] = []

    def start(number: int) -> "subprocess.Popen[str]":
        template = encoded(some_decision("template")).decode()
        words = [sys.executable, "-c", WRITER, str(tmp_path / "decisions.sqlite"), template, str(number)]
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_killed_writer_leaves_whole_batches_and_all_that_it_acknowledged(
    tmp_path: Path, writer: Callable[[int], "subprocess.Popen[str]"]
) -> None:
    for round_ in range(3):
        process = writer(1_000 * round_)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(5 + 7 * round_)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()

        ledger = open_ledger(tmp_path / "decisions.sqlite")
        found = [one.facts["batch"] for one in ledger.between(*span(DAY))]
        ledger.close()
        counts = {number: found.count(number) for number in found}
        assert set(counts.values()) == {7}
        # The last line may have been cut off by the kill.
        assert {int(line) for line in said if line.endswith("\n")} <= set(counts)


def test_two_handles_at_once_decide_a_request_once(open_empty: Callable[[], DecisionLedger]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    handles = [open_empty() for _ in range(4)]

    def race(number: int) -> list[str]:
        rows = [some_decision(f"{number}.{row}", idempotency_key=f"r{row}") for row in range(40)]
        return [handles[number].append([row])[0].decision_id for row in rows]

    with ThreadPoolExecutor(4) as pool:
        said = [*pool.map(race, range(4))]

    assert said[0] == said[1] == said[2] == said[3]
    assert handles[0].days()[DAY].rows == 40


def test_an_unreachable_postgres_is_a_store_error_without_the_password() -> None:
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    ledger = open_ledger("postgresql+psycopg2://judge:hush@127.0.0.1:1/governance")

    with pytest.raises(StoreError) as raised:
        ledger.append([some_decision("a")])

    assert "hush" not in str(raised.value)


def test_a_broken_connection_is_opened_anew(postgres: str) -> None:
    import psycopg2

    ledger, known = open_ledger(postgres), some_decision("before the break")
    ledger.append([known])
    with closing(psycopg2.connect(postgres)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'decision ledger'"
        )

    with pytest.raises(StoreError):
        ledger.append([structs.replace(known, decision_id="after the break")])
    ledger.append([structs.replace(known, decision_id="after the break")])

    assert ledger.get("after the break") is not None
    ledger.close()


def test_other_addresses_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="postgresql://"):
        open_ledger("mysql://somewhere")
