import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from governance.labels.ledger import SCHEMA, LabelLedger

DAY = datetime(2024, 3, 1, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


def statement(
    entity: str, *, hour: int = 5, value: int = 1, labeler: str = "desk", reason: str | None = None
) -> dict[str, object]:
    known = DAY + timedelta(hours=hour)
    return {
        "label": "claim",
        "entity_id": entity,
        "occurred_at": DAY,
        "labeler": labeler,
        "known_at": known,
        "value": value,
        "reason": reason,
    }


def statements(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA)


def believed(ledger: LabelLedger) -> pl.DataFrame:
    return ledger.between("claim", start=DAY, end=NEXT).sort("entity_id", "known_at")


@pytest.fixture
def ledger(tmp_path: Path) -> LabelLedger:
    return LabelLedger(tmp_path / "ledgers" / "labels.sqlite")


def test_what_was_stated_is_read_back_to_the_microsecond(ledger: LabelLedger) -> None:
    odd = statement("a") | {"known_at": DAY + timedelta(microseconds=123_457), "reason": "späte Lieferung"}
    ledger.replace("claim", start=DAY, end=NEXT, statements=statements(odd))
    assert_frame_equal(believed(ledger), statements(odd))


def test_stating_a_day_twice_appends_nothing(ledger: LabelLedger) -> None:
    rows = statements(statement("a"), statement("b", value=0))
    assert ledger.replace("claim", start=DAY, end=NEXT, statements=rows) == 2
    assert ledger.replace("claim", start=DAY, end=NEXT, statements=rows) == 0


def test_a_day_that_is_delivered_again_retracts_what_it_no_longer_says(ledger: LabelLedger, tmp_path: Path) -> None:
    ledger.replace("claim", start=DAY, end=NEXT, statements=statements(statement("a"), statement("b")))
    corrected = statements(statement("b", value=0), statement("c"))
    assert ledger.replace("claim", start=DAY, end=NEXT, statements=corrected) == 4
    assert_frame_equal(believed(ledger), corrected)
    with sqlite3.connect(tmp_path / "ledgers" / "labels.sqlite") as connection:
        kept = connection.execute("SELECT count(*), sum(retracted) FROM statements").fetchone()
    assert kept == (6, 2)


def test_what_was_retracted_may_be_stated_again(ledger: LabelLedger) -> None:
    first = statements(statement("a"))
    for rows in (first, statements(), first):
        ledger.replace("claim", start=DAY, end=NEXT, statements=rows)
    assert_frame_equal(believed(ledger), first)


def test_another_day_and_another_label_are_left_alone(ledger: LabelLedger) -> None:
    later = statement("a") | {"known_at": NEXT}
    ledger.replace("claim", start=NEXT, end=NEXT + timedelta(days=1), statements=statements(later))
    ledger.replace("claim", start=DAY, end=NEXT, statements=statements())
    assert ledger.between("claim", start=NEXT, end=NEXT + timedelta(days=1)).height == 1
    assert ledger.between("fraud", start=DAY, end=NEXT + timedelta(days=1)).is_empty()


@pytest.mark.parametrize("change", ["UPDATE statements SET value = 0", "DELETE FROM statements"])
def test_nobody_changes_the_ledger(ledger: LabelLedger, tmp_path: Path, change: str) -> None:
    ledger.replace("claim", start=DAY, end=NEXT, statements=statements(statement("a")))
    connection = sqlite3.connect(tmp_path / "ledgers" / "labels.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change)
    connection.close()


Days = st.lists(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 1)), max_size=5, unique_by=lambda r: r[:2]
    ),
    min_size=1,
    max_size=5,
)


@given(deliveries=Days)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_last_delivery_is_always_what_is_believed(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[list[tuple[str, int, int]]]
) -> None:
    ledger = LabelLedger(tmp_path_factory.mktemp("ledger") / "labels.sqlite")
    for delivery in deliveries:
        rows = statements(*(statement(entity, hour=hour, value=value) for entity, hour, value in delivery))
        ledger.replace("claim", start=DAY, end=NEXT, statements=rows)
    assert_frame_equal(believed(ledger), rows.sort("entity_id", "known_at"))
