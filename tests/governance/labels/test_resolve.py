"""Of what was said about a decision, what counts: the best labeler, its newest word, within the maturity window."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_labels import Decision, label_of, stated_by_labels

from governance.labels import decisions, ledger
from governance.labels.definition import label_definitions
from governance.labels.matured import resolve

FRAUD = label_definitions()["merchant_fraud"].with_maturity(30)
DECIDED = datetime(2025, 3, 1, 2, tzinfo=UTC)
MATURED = DECIDED + timedelta(days=30)
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)


def said(value: int = 1, *, by: str = "enforcement", **more: Any) -> dict[str, Any]:
    """A statement that became known a day after the decision, of an episode of that decision's day."""
    plain = {"entity_id": "s", "occurred_at": DECIDED, "known_at": DECIDED + DAY, "reason": f"{by} said {value}"}
    return plain | {"label": "merchant_fraud", "labeler": by, "value": value} | more


def decision(**values: Any) -> dict[str, Any]:
    plain = dict.fromkeys(decisions.SCHEMA) | {"row_id": "r", "entity_id": "s", "decided_at": DECIDED}
    return plain | {"group_id": "s", "amount_minor": 1, "weight": 1.0} | values


def resolved(statements: Sequence[Mapping[str, Any]], *made: Mapping[str, Any]) -> list[tuple[int, str | None]]:
    asked = pl.DataFrame(made or [decision()], schema=decisions.SCHEMA)
    stated = pl.DataFrame(statements, schema=ledger.SCHEMA)
    found = resolve(asked, stated, FRAUD).sort("row_id")
    assert found.height == asked.height
    assert (found["matured_at"] - asked.sort("row_id")["decided_at"]).unique().to_list() == [timedelta(days=30)]
    return list(zip(found["label"], found["label_reason"], strict=True))


def label(*statements: Mapping[str, Any]) -> int:
    return resolved(statements)[0][0]


def test_a_decision_of_which_nothing_was_said_is_negative() -> None:
    assert resolved([]) == [(0, None)]
    assert label(said(entity_id="another")) == 0


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [
        (DECIDED - DAY, 0),
        (DECIDED, 0),
        (DECIDED + MICROSECOND, 1),
        (MATURED, 1),
        (MATURED + MICROSECOND, 0),
    ],
    ids=["before", "at the decision", "just after it", "at maturity", "just after maturity"],
)
def test_a_statement_counts_strictly_after_the_decision_and_up_to_its_maturity(
    known_at: datetime, expected: int
) -> None:
    assert label(said(known_at=known_at, occurred_at=DECIDED - 5 * DAY)) == expected


def test_the_best_labeler_overrules_the_others_whenever_it_spoke() -> None:
    upheld, overruled = said(1, by="enforcement"), said(0, by="audit", known_at=DECIDED + 9 * DAY)
    assert label(upheld, overruled) == 0
    assert label(said(0, by="enforcement", known_at=MATURED), said(1, by="audit")) == 1
    assert label(said(1, by="automatic_rule"), said(0, by="enforcement")) == 0


def test_a_better_labeler_that_spoke_too_late_overrules_nobody() -> None:
    assert label(said(1), said(0, by="audit", known_at=MATURED + MICROSECOND)) == 1


def test_the_newest_word_of_a_labeler_counts() -> None:
    assert label(said(1), said(0, known_at=DECIDED + 2 * DAY)) == 0
    assert label(said(0), said(1, known_at=DECIDED + 2 * DAY)) == 1


def test_a_labeler_that_the_definition_does_not_know_is_not_heard() -> None:
    assert label(said(1, by="somebody")) == 0
    assert label(said(0, by="somebody"), said(1, by="automatic_rule")) == 1


def test_episodes_are_settled_one_by_one() -> None:
    """An audit that clears one incident says nothing about another one."""
    cleared = [said(1), said(0, by="audit")]
    other = said(1, by="automatic_rule", occurred_at=DECIDED + 3 * DAY, known_at=DECIDED + 4 * DAY)
    assert label(*cleared) == 0
    assert label(*cleared, other) == 1


def test_the_reason_is_that_of_the_first_positive_episode_to_become_known() -> None:
    later = said(occurred_at=DECIDED - DAY, known_at=DECIDED + 5 * DAY, reason="later")
    sooner = said(occurred_at=DECIDED + DAY, known_at=DECIDED + 2 * DAY, reason="sooner")
    assert resolved([later, sooner]) == resolved([sooner, later]) == [(1, "sooner")]
    assert resolved([said(reason=None)]) == [(1, None)]


def test_a_line_takes_what_was_said_of_itself_and_of_its_whole_order() -> None:
    lines = [decision(row_id=name, entity_id=name, alternative_id="order") for name in ("line-1", "line-2")]
    apart = decision(row_id="line-3", entity_id="line-3", alternative_id="another order")
    of_line = said(entity_id="line-1", reason="of the line", known_at=DECIDED + 2 * DAY)
    of_order = said(entity_id="order", reason="of the order")
    assert resolved([of_line], *lines, apart) == [(1, "of the line"), (0, None), (0, None)]
    assert resolved([of_order], *lines, apart) == [(1, "of the order"), (1, "of the order"), (0, None)]


def test_a_case_of_the_line_and_one_of_its_order_are_two_episodes_even_where_they_began_at_once() -> None:
    line = decision(row_id="line", entity_id="line", alternative_id="order")
    of_line = said(1, entity_id="line", reason="of the line")
    of_order = said(0, entity_id="order", known_at=DECIDED + 2 * DAY)
    assert resolved([of_line, of_order], line) == [(1, "of the line")]


def test_each_decision_has_its_own_window() -> None:
    made = [decision(row_id=f"r{day}", decided_at=DECIDED + day * DAY) for day in (0, 20, 40)]
    assert [found for found, _ in resolved([said(known_at=DECIDED + 25 * DAY)], *made)] == [1, 1, 0]


hours = st.integers(-2, 12)
statements = st.builds(
    lambda entity, occurred, known, by, value: said(
        value,
        by=by,
        entity_id=entity,
        occurred_at=DECIDED + occurred * DAY,
        known_at=DECIDED + known * timedelta(days=3) + (known % 3 - 1) * MICROSECOND,
        reason=f"{by} on {known}",
    ),
    entity=st.sampled_from(["line", "order", "other"]),
    occurred=st.integers(0, 1),
    known=hours,
    by=st.sampled_from([*FRAUD.labelers, "somebody"]),
    value=st.integers(0, 1),
)


def _key(statement: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(statement[name] for name in ("entity_id", "occurred_at", "labeler", "known_at"))


@settings(max_examples=150, deadline=None)
@given(stated=st.lists(statements, max_size=8, unique_by=_key))
def test_labels_equal_those_of_the_oracle(stated: list[dict[str, Any]]) -> None:
    line = decision(row_id="line", entity_id="line", alternative_id="order")
    plain = Decision("line", ("line", "order"), "s", DECIDED, date(2025, 4, 1), "m", "c", 1, 1.0)
    wanted = label_of(plain, stated_by_labels(stated, "merchant_fraud", FRAUD.labelers), 30)
    assert resolved(stated, line) == [wanted]
