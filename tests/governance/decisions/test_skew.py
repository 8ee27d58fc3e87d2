"""Skew: what was served beside what history says, by brute force on small histories."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from some_decision import some_decision

from governance.contracts.schema import Kind
from governance.counters.definition import Counter
from governance.decisions.record import Decision
from governance.decisions.skew import NOTHING, SkewReport, find_skew, sampled
from governance.features.catalogue import VIEWS
from governance.features.view import View
from governance.labels.definition import label_definitions
from governance.models.catalogue import CLAIM, Model
from governance.models.training_set import PointInTimeJoin

SELLER = VIEWS["seller"].over(["orders"])
ORDERS, REVENUE = "seller_orders_7d", "seller_revenue_7d"
LANDED = datetime(2024, 1, 5, 2, tzinfo=UTC)
NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)

History = dict[str, list[tuple[datetime, dict[str, Any]]]]


def joining(history: History) -> PointInTimeJoin:
    """A point-in-time join by a loop: the newest row of each seller that was valid by the decision."""

    def join(rows: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
        found = []
        for row in rows.to_dicts():
            valid = [one for one in history.get(row["seller_id"], []) if one[0] <= row["decided_at"]]
            at, values = max(valid, default=(None, {}), key=lambda one: one[0])
            found.append({"feature_time:seller": at} | {name: values.get(name) for name in views[0].feature_names})
        schema = {"feature_time:seller": Kind.TIMESTAMP.polars} | {f.name: f.kind.polars for f in views[0].features}
        return rows.hstack(pl.DataFrame(found, schema=schema))

    return join


def compare(decisions: list[Decision], history: History) -> SkewReport:
    return find_skew(decisions, {"seller": SELLER}, [], join=joining(history))


@pytest.fixture
def served() -> Callable[..., Decision]:
    """A decision about a seller for which these features of `LANDED` were served."""

    def make(name: str, values: dict[str, Any], *, time: datetime | None = LANDED, **fields: Any) -> Decision:
        times = {"seller": time}
        keys = {"seller_id": fields.pop("seller", "s1")}
        return some_decision(name, features=values, feature_times=times, keys=keys, **{"decided_at": NOON, **fields})

    return make


def test_equal_features_are_no_skew(served: Callable[..., Decision]) -> None:
    values = {ORDERS: 3, REVENUE: 1999, "seller_price_mean_7d": 1 / 3, "seller_price_mean_30d": None}

    report = compare([served("a", values), served("b", values)], {"s1": [(LANDED, values)]})

    assert (report.decisions, report.sampled, report.compared, report.stale) == (2, 2, 2, 0)
    assert {one.share for one in report.features.values()} == {0.0}
    assert [*report.features] == [*values]
    assert report.passed


def test_each_kind_of_difference_is_counted_apart(served: Callable[..., Decision]) -> None:
    decisions = [
        served("equal", {ORDERS: 3}),
        served("mismatch", {ORDERS: 1}),
        served("missing", {ORDERS: None}),
        served("missing as well", {ORDERS: float("nan")}),
        served("extra", {ORDERS: 3}, seller="unknown"),
    ]

    found = compare(decisions, {"s1": [(LANDED, {ORDERS: 3})]}).features[ORDERS]

    assert (found.compared, found.mismatches, found.missing, found.extra, found.both) == (5, 1, 2, 1, 2)
    assert found.share == 0.8
    # |1 - 3| over the mean of 1 and 3 is 1, of two values that both have.
    assert found.smape == pytest.approx(0.5)


def test_a_blind_decision_and_one_without_features_are_not_compared(served: Callable[..., Decision]) -> None:
    decisions = [served("a", {ORDERS: 9}, degraded=("features",)), served("b", {}), served("c", {"counter": 4.0})]

    report = compare(decisions, {"s1": [(LANDED, {ORDERS: 3})]})

    assert report.features == {}
    assert report.passed


def test_what_was_decided_before_the_store_was_brought_up_to_date_is_late_not_wrong(
    served: Callable[..., Decision],
) -> None:
    yesterday = LANDED - timedelta(days=1)
    history: History = {name: [(yesterday, {ORDERS: 1}), (LANDED, {ORDERS: 3})] for name in ("s1", "s2")}
    soon, later, last = (LANDED + timedelta(minutes=minutes) for minutes in (5, 60, 90))
    decisions = [
        served("soon", {ORDERS: 1}, time=yesterday, decided_at=soon),
        served("after the refresh", {ORDERS: 3}, decided_at=later),
        served("left behind", {ORDERS: 1}, time=yesterday, seller="s2", decided_at=last),
    ]

    report = compare(decisions, history)

    assert (report.stale, report.compared) == (1, 2)
    assert report.features[ORDERS].mismatches == 1, "the store was up to date by then, but not for this seller"


def test_features_from_the_future_are_a_mismatch(served: Callable[..., Decision]) -> None:
    tomorrow = LANDED + timedelta(days=1)
    history: History = {"s1": [(LANDED, {ORDERS: 3}), (tomorrow, {ORDERS: 4})]}

    report = compare([served("a", {ORDERS: 4}, time=tomorrow)], history)

    assert report.features[ORDERS].mismatches == 1
    assert not report.passed


def test_one_value_in_two_hundred_passes_and_two_do_not(served: Callable[..., Decision]) -> None:
    def report(wrong: int) -> SkewReport:
        decisions = [served(str(n), {ORDERS: 3 + (n < wrong), REVENUE: 5}) for n in range(200)]
        return compare(decisions, {"s1": [(LANDED, {ORDERS: 3, REVENUE: 5})]})

    assert report(1).passed
    assert not report(2).passed
    worst = report(2).worst
    assert worst is not None
    assert (worst.name, worst.share) == (ORDERS, 0.01)


def test_derived_inputs_are_recomputed_where_they_were_served() -> None:
    model = Model(CLAIM, label_definitions()["claim"])
    views = {name: VIEWS[name].over(["orders"]) for name in CLAIM.views}
    context = {"price_minor": 4_000, "reference_rate": 0.5, "line_count": 2, "ship_by": "2024-01-08T00:00:00Z"}
    derived = {"order_price": 2_000.0, "order_line_count": 2.0, "order_handling_days": 3.0, "order_weekday": 4.0}
    decision = some_decision("a", decided_at=NOON, context=context, features=derived | {"order_hour": 11.0})

    def join(rows: pl.DataFrame, wanted: Sequence[View]) -> pl.DataFrame:
        times = {f"feature_time:{view.name}": pl.lit(None, Kind.TIMESTAMP.polars) for view in wanted}
        values = {f.name: pl.lit(None, f.kind.polars) for view in wanted for f in view.features}
        return rows.with_columns(**times, **values)

    report = find_skew([decision], views, [model], join=join)

    assert {name for name, one in report.features.items() if one.share} == {"order_hour"}
    assert set(report.features) == {*derived, "order_hour"}


@pytest.mark.parametrize("landed", [True, False])
def test_counters_are_recomputed_once_raw_rows_have_landed(landed: bool) -> None:
    served = {"buyer_lines_1h": 2, "device_buyers_1h": 1, "no_counter": 5}
    decision = some_decision("a", features=served, context={"device": "d1"})
    asked: list[pl.DataFrame] = []

    def count(rows: pl.DataFrame, counters: Sequence[Counter]) -> pl.DataFrame:
        asked.append(rows.select({counter.asked_by for counter in counters}))
        return rows.with_columns(buyer_lines_1h=pl.lit(2), device_buyers_1h=pl.lit(3))

    report = find_skew([decision], {"seller": SELLER}, [], join=joining({}), count=count if landed else None)

    assert {name: one.mismatches for name, one in report.features.items()} == (
        {"buyer_lines_1h": 0, "device_buyers_1h": 1} if landed else {}
    )
    assert [frame.to_dicts() for frame in asked] == ([[{"buyer_id": "b1", "device": "d1"}]] if landed else [])


def test_the_same_entities_are_sampled_every_day() -> None:
    days = [[some_decision(f"{day}.{n}", entity_id=f"e{n % 500}") for n in range(1_000)] for day in range(2)]

    chosen = [{one.entity_id for one in sampled(day, 100)} for day in days]

    assert chosen[0] == chosen[1]
    assert 20 <= len(chosen[0]) <= 90
    assert chosen[0] <= {one.entity_id for one in sampled(days[0], 300)}
    assert sampled(days[0], 1_000) == days[0]


values = st.none() | st.integers(-5, 5) | st.just(math.nan) | st.floats(-5, 5)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_counts_agree_with_a_plain_loop_and_reports_add_up(pairs: list[tuple[Any, Any]]) -> None:
    name = "seller_price_mean_7d"
    history: History = {f"s{n}": [(LANDED, {name: there})] for n, (_, there) in enumerate(pairs)}
    decisions = [
        some_decision(
            f"d{n}",
            features={name: here},
            feature_times={"seller": LANDED},
            keys={"seller_id": f"s{n}"},
            decided_at=NOON,
        )
        for n, (here, _) in enumerate(pairs)
    ]

    found = compare(decisions, history)
    apart = sum((compare([one], history) for one in decisions), NOTHING)

    absent = [(here is None or math.isnan(here), there is None or math.isnan(there)) for here, there in pairs]
    expected = {
        "missing": sum(here and not there for here, there in absent),
        "extra": sum(there and not here for here, there in absent),
        "mismatches": sum(
            float(here) != float(there) for (here, there), gone in zip(pairs, absent, strict=True) if not any(gone)
        ),
    }
    one = found.features[name]
    assert {kind: getattr(one, kind) for kind in expected} == expected
    assert 0 <= one.smape <= 2
    assert apart.features[name].share == one.share
    assert apart.features[name].smape == pytest.approx(one.smape)
