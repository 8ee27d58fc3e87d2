"""The request-time context against known places, the calendar, and what is missing."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.features.order_context import (
    FEATURE_INPUTS,
    ORDER_CONTEXT,
    ORDER_INPUTS,
    Values,
    days_since,
    order_context,
)

SATURDAY = datetime(2025, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
CITIES = {
    "Jakarta": (-6.2088, 106.8456),
    "Surabaya": (-7.2575, 112.7521),
    "London": (51.5074, -0.1278),
    "Edinburgh": (55.9533, -3.1883),
    "Auckland": (-36.8485, 174.7633),
    "Papeete": (-17.5516, -149.5585),
}


def inputs(**values: Any) -> dict[str, Values]:
    """One order line in which everything is 1, but for `values`."""
    plain = dict.fromkeys((*ORDER_INPUTS, *FEATURE_INPUTS), 1.0) | values
    return {name: np.array([value], dtype=np.float64) for name, value in plain.items()}


def context(**values: Any) -> dict[str, float]:
    return {name: float(found[0]) for name, found in order_context(inputs(**values)).items()}


def between(origin: str, destination: str) -> float:
    latitudes = {"origin_latitude": CITIES[origin][0], "destination_latitude": CITIES[destination][0]}
    longitudes = {"origin_longitude": CITIES[origin][1], "destination_longitude": CITIES[destination][1]}
    return context(**latitudes, **longitudes)["order_distance_km"]


@pytest.mark.parametrize(
    ("origin", "destination", "km"),
    [
        ("Jakarta", "Surabaya", 663),
        ("London", "Edinburgh", 534),
        ("Auckland", "Papeete", 4_092),
        ("London", "London", 0),
    ],
)
def test_distances_are_those_of_the_atlas_also_across_the_date_line(origin: str, destination: str, km: float) -> None:
    assert between(origin, destination) == pytest.approx(km, rel=0.005, abs=1e-6)
    assert between(origin, destination) == pytest.approx(between(destination, origin), rel=1e-12)


@pytest.mark.parametrize("moment", [SATURDAY, SATURDAY + timedelta(microseconds=1), datetime(2024, 2, 29, tzinfo=UTC)])
def test_hour_and_weekday_are_those_of_the_utc_calendar(moment: datetime) -> None:
    found = context(occurred_at=moment.timestamp())
    assert (found["order_hour"], found["order_weekday"]) == (moment.hour, moment.weekday())


@settings(max_examples=200)
@given(
    placed=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    days=st.integers(0, 30),
    until=st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_times_agree_with_datetime(placed: datetime, days: int, until: timedelta) -> None:
    placed = placed.replace(tzinfo=UTC)
    ship_by = placed.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days, hours=5)
    times = {"occurred_at": placed, "ship_by": ship_by, "deliver_by": placed + until}
    found = context(**{name: time.timestamp() for name, time in times.items()})
    assert (found["order_hour"], found["order_weekday"]) == (placed.hour, placed.weekday())
    assert found["order_handling_days"] == days
    assert found["order_promised_days"] == pytest.approx(until / timedelta(days=1), abs=1e-9)


def test_shares_and_prices_are_ratios_and_missing_where_the_divisor_is_zero() -> None:
    found = context(
        price_reference=80.0, shipping_reference=20.0, discount_reference=8.0, category_price_mean_90d=160.0
    )
    ratios = {"order_shipping_share": 0.2, "order_discount_share": 0.1, "order_price_to_category": 0.5}
    assert {name: found[name] for name in ratios} == ratios
    free = context(price_reference=0.0, shipping_reference=0.0, seller_price_mean_90d=0.0)
    missing = {name for name, value in free.items() if math.isnan(value)}
    assert missing >= {"order_shipping_share", "order_discount_share", "order_subsidy_share", "order_price_to_seller"}


@pytest.mark.parametrize("name", [*ORDER_INPUTS, *FEATURE_INPUTS])
def test_a_missing_input_makes_missing_what_is_computed_from_it_and_nothing_else(name: str) -> None:
    lines = {key: np.array([2.0, 2.0]) for key in (*ORDER_INPUTS, *FEATURE_INPUTS)}
    lines |= {"occurred_at": np.array([1e9, 1e9]), "deliver_by": np.array([1.001e9, 1.001e9])}
    lines["origin_latitude"] = np.array([10.0, 10.0])
    whole = order_context(lines)
    lines[name] = np.array([2.0, np.nan]) if name not in ("occurred_at", "deliver_by") else np.array([1e9, np.nan])
    found = order_context(lines)
    missing = {feature for feature, values in found.items() if np.isnan(values[1])}
    assert missing
    assert all(found[feature][1] == whole[feature][1] for feature in set(found) - missing)
    assert not any(np.isnan(values).any() for values in whole.values())


def test_every_feature_of_the_catalogue_is_computed_in_the_shape_of_its_inputs() -> None:
    for shape in ((0,), (1,), (7,)):
        found = order_context({name: np.ones(shape) for name in (*ORDER_INPUTS, *FEATURE_INPUTS)})
        assert list(found) == list(ORDER_CONTEXT)
        assert {values.shape for values in found.values()} == {shape}
        assert {values.dtype for values in found.values()} == {np.dtype(np.float64)}


def test_the_context_of_many_lines_is_that_of_each_line() -> None:
    chance = np.random.default_rng(5)
    lines = {name: chance.uniform(0.5, 80.0, 20) for name in (*ORDER_INPUTS, *FEATURE_INPUTS)}
    together = order_context(lines)
    for row in range(20):
        alone = order_context({name: values[row : row + 1] for name, values in lines.items()})
        for name, values in together.items():
            assert alone[name] == pytest.approx(values[[row]], rel=1e-12, nan_ok=True), name


def test_the_inputs_stay_as_they_were() -> None:
    lines = inputs(occurred_at=1e9)
    order_context(lines)
    assert {name: values.tolist() for name, values in lines.items()} == {
        name: values.tolist() for name, values in inputs(occurred_at=1e9).items()
    }


def test_days_since_the_newest_order_count_utc_midnights() -> None:
    day = 20_000
    decided = np.array([day, day + 1 - 1e-6, day + 1, day, day]) * 86_400.0
    last = np.array([day, day, day, 0, np.nan], dtype=np.float64)
    assert np.array_equal(days_since(decided, last), [0, 0, 1, np.nan, np.nan], equal_nan=True)
