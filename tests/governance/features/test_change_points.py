"""Change-point rows against the dense grid that they stand for: every key on every day, counted one by one."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plain_features import Features
from raw_events import EVENT_TABLES, FIRST, Happening, days_from_first, frame_of, rows_of

from governance.contracts.calendar import WINDOW_DAYS, valid_at
from governance.features.catalogue import VIEWS
from governance.features.engine import DuckDBEngine
from governance.features.expressions import event_columns, state_columns
from governance.features.view import View

DAYS = 110
LATENESS = st.sampled_from([0, 0, 0, 1, 2, 6, 7, 8, 29, 30, 31, 89, 90, 91, 120])

happenings = st.builds(
    lambda table, key, known, late, moment, variety: Happening(table, key, known - late, late, moment, variety),
    table=st.sampled_from(EVENT_TABLES),
    key=st.integers(0, 2),
    known=st.integers(0, DAYS - 1),
    late=LATENESS,
    moment=st.integers(0, 2),
    variety=st.integers(0, 3),
)


def change_points(view: View, events: Sequence[Happening]) -> pl.DataFrame:
    """Feature rows of all days at once, from frames."""
    engine, start = DuckDBEngine(threads=1), (FIRST - date(1970, 1, 1)).days
    for table, rows in rows_of(events).items():
        if table in view.tables:
            engine.bind_frame(f"raw_{table}", frame_of(table, rows))
    for name, columns in (("late", event_columns(view)), ("state", state_columns(view))):
        engine.bind_frame(name, pl.DataFrame(schema={column: kind.polars for column, kind in columns.items()}))
    engine.bind_frame("bounds", pl.DataFrame({"first_day": [start], "last_day": [start + DAYS - 1]}))
    engine.sum_events(view)
    return engine.rows(view, days=DAYS).with_columns(day=pl.col("day") - start).sort(view.key, "day")


def dense_grid(view: View, events: Sequence[Happening]) -> dict[tuple[str, int], dict[str, Any]]:
    """The values of each key at the end of each day on which any of them changed."""
    features, found = Features(rows_of(events)), {}
    keys = {happening.row(0)[column] for happening in events for column in (view.key, "subject_id")}
    for key in sorted(keys):
        before: dict[str, Any] = {}
        for offset, day in enumerate(days_from_first(DAYS)):
            since, values = features.at(view.name, key, valid_at(day))
            values[view.last_day] = values[view.last_day] or 0  # No order yet is stored as day 0.
            if since is not None and values != before:
                found[key, offset] = before = values
    return found


@pytest.mark.parametrize("name", ["seller", "category"])
@settings(max_examples=30, deadline=None)
@given(events=st.lists(happenings, max_size=12))
@example(events=[])
@example(events=[Happening("orders", 0, 5, late, 2, 1) for late in (0, 0, 1, 7)])
@example(events=[Happening("shipments", 0, 5, 0, 1, 3), Happening("cases", 0, 5, 0, 1, 3)])
def test_rows_are_where_a_value_changes_and_hold_what_counting_one_by_one_finds(
    name: str, events: list[Happening]
) -> None:
    view = VIEWS[name]
    found = {(row.pop(view.key), row.pop("day")): row for row in change_points(view, events).drop("created").to_dicts()}
    assert found == dense_grid(view, events)


@settings(max_examples=15, deadline=None)
@given(events=st.lists(happenings.filter(lambda one: one.variety < 3), min_size=1, max_size=10))
def test_created_is_the_newest_knowledge_behind_a_row(events: list[Happening]) -> None:
    view = VIEWS["product"]
    counted = [one for one in events if one.table in ("orders", "cases", "reviews")]
    for row in change_points(view, counted).to_dicts():
        ends = valid_at(FIRST + timedelta(days=row["day"])) - timedelta(hours=2)
        known = [one.known_at for one in counted if f"product_id-{one.key}" == row["product_id"]]
        assert row["created"] == max(moment for moment in known if moment < ends)


@settings(max_examples=15, deadline=None)
@given(events=st.lists(happenings, max_size=10))
def test_the_order_of_events_makes_no_difference(events: list[Happening]) -> None:
    view = VIEWS["product"]
    assert change_points(view, events[::-1]).equals(change_points(view, events), null_equal=True)


@settings(max_examples=15, deadline=None)
@given(events=st.lists(happenings, min_size=1, max_size=10))
def test_a_window_holds_nothing_negative_and_no_more_than_a_longer_one(events: list[Happening]) -> None:
    view = VIEWS["category"]
    rows = change_points(view, events)
    for measure in view.measures:
        names = [f"category_{measure.name}_{days}d" for days in WINDOW_DAYS]
        assert rows.select(pl.col(names).ge(0).all()).row(0) == (True,) * len(names)
        for shorter, longer in zip(names, [*names[1:], f"category_{measure.name}_lifetime"], strict=True):
            assert rows.filter(pl.col(shorter) > pl.col(longer)).is_empty()
