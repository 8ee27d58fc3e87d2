"""Profiles and what a comparison with them says of one column."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import ConfigurationError
from monitoring.profiles import CATEGORIES_AT_MOST, NumericProfile, Profile, one_per_group, profile
from monitoring.statistics import ColumnDrift, compare, effect, proportion_p_value

numbers = st.one_of(st.none(), st.integers(-3, 3).map(float), st.floats(width=64))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "|", ""]), st.text(max_size=2))


@st.composite
def frames(draw, least=0):
    rows = draw(st.integers(least, 25))
    return pl.DataFrame(
        {
            "number": pl.Series(draw(st.lists(numbers, min_size=rows, max_size=rows)), dtype=pl.Float64),
            "word": pl.Series(draw(st.lists(words, min_size=rows, max_size=rows)), dtype=pl.String),
            "flag": pl.Series(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), dtype=pl.Boolean),
        }
    )


def drift_of(reference, current, **options) -> ColumnDrift:
    before, after = pl.DataFrame({"x": reference}), pl.DataFrame({"x": current})
    return compare(profile(before, ["x"], **options), after)[0]


@settings(max_examples=40, deadline=None)
@given(frames(), frames(), st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(reference, current, random):
    def shuffled(frame):
        return frame[random.sample(range(frame.height), frame.height)]

    columns = reference.columns
    straight = compare(profile(reference, columns), current)
    assert compare(profile(shuffled(reference), columns), shuffled(current)) == straight


@settings(max_examples=40, deadline=None)
@given(frames())
def test_identical_rows_never_drift(frame):
    for drift in compare(profile(frame, frame.columns), frame):
        assert drift.p_value == pytest.approx(1.0)
        assert drift.effect == 0.0
        assert drift.missing_before == drift.missing_after
        assert not drift.new_category_share


@settings(max_examples=40, deadline=None)
@given(frames(), frames())
def test_figures_are_finite_and_a_profile_read_from_json_gives_equal_ones(reference, current):
    remembered = profile(reference, reference.columns)
    text = remembered.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert Profile.from_json(text) == remembered
    drifts = compare(remembered, current)
    assert compare(Profile.from_json(text), current) == drifts
    for drift in drifts:
        assert 0.0 <= drift.p_value <= 1.0
        assert 0.0 <= drift.effect < np.inf


@settings(max_examples=40, deadline=None)
@given(frames(least=1), frames(least=1))
def test_the_effect_is_the_same_seen_from_either_side(reference, current):
    names = ["word", "flag"]
    there = compare(profile(reference, names), current)
    back = compare(profile(current, names), reference)
    for one, other in zip(there, back, strict=True):
        assert one.effect == pytest.approx(other.effect)
        assert one.p_value == pytest.approx(other.p_value)


@settings(max_examples=40, deadline=None)
@given(frames())
def test_every_row_is_counted_once(frame):
    column = profile(frame, ["number"]).columns["number"]
    assert isinstance(column, NumericProfile)
    assert sum(column.counts) + column.missing == frame.height
    assert list(column.edges) == sorted(set(column.edges))


def test_a_shifted_lognormal_amount_is_seen_where_equal_width_cells_are_blind():
    rng = np.random.default_rng(1)
    reference, current = rng.lognormal(sigma=2, size=20_000), rng.lognormal(mean=0.9, sigma=2, size=20_000)
    edges = np.linspace(reference.min(), reference.max(), 11)[1:-1]
    blind = NumericProfile(
        edges=tuple(edges),
        counts=tuple(np.bincount(np.searchsorted(edges, reference), minlength=10).astype(float)),
        missing=0.0,
    )
    assert effect(blind.cells(pl.Series(current))) < 0.02
    assert drift_of(reference, current).effect > 0.15


def test_missing_values_from_none_to_half_are_the_largest_drift_of_all():
    values = np.random.default_rng(2).normal(size=2_000)
    drift = drift_of(values, np.where(np.arange(2_000) % 2, values, np.nan))
    assert (drift.missing_before, drift.missing_after) == (0.0, 0.5)
    assert drift.effect > 1
    assert drift.p_value < 1e-100


def test_ten_missing_values_in_two_hundred_rows_are_significant_against_none_in_five_thousand():
    rng = np.random.default_rng(3)
    current = [None] * 10 + rng.normal(size=190).tolist()
    assert drift_of(rng.normal(size=5_000), current).p_value < 1e-9


@pytest.mark.parametrize("outlier", [1e12, np.inf, -np.inf], ids=["huge", "infinite", "minus infinite"])
def test_one_outlier_does_not_hide_a_shift(outlier):
    rng = np.random.default_rng(4)
    reference, current = rng.normal(size=2_000), rng.normal(0.5, size=2_000)
    clean, spoilt = drift_of(reference, current), drift_of([*reference[1:], outlier], [*current[1:], outlier])
    assert spoilt.effect == pytest.approx(clean.effect, rel=0.1)


def test_an_unchanged_id_like_column_does_not_drift():
    rng = np.random.default_rng(5)
    for many in (2_000, 200_000):
        reference, current = (rng.integers(0, many, size=20_000).astype(str) for _ in range(2))
        drift = drift_of(reference, current)
        assert drift.p_value > 0.01
        assert drift.effect < 0.01


def test_a_column_with_too_many_categories_keeps_the_common_ones_and_still_sees_them_change():
    rng = np.random.default_rng(6)
    tail = [f"id {i}" for i in range(2 * CATEGORIES_AT_MOST)]
    reference, current = ["common"] * 1_000 + tail, ["common"] * 500 + rng.choice(tail, 2_000).tolist()
    drift = drift_of(reference, current)
    assert drift.new_category_share is None
    assert drift.p_value < 1e-9
    assert drift.effect > 0.05


def test_empty_all_missing_and_constant_columns_are_compared_without_complaint():
    nothing = pl.Series([None] * 100, dtype=pl.Float64)
    one = pl.Series([1.0] * 100)
    assert drift_of(nothing, nothing).p_value == 1.0
    assert drift_of(one, one).p_value == 1.0
    assert drift_of(one.head(0), one).effect == 0.0
    assert drift_of(one, one.head(0)).effect == 0.0
    assert drift_of(nothing, one).p_value < 1e-9
    assert drift_of(pl.Series([None] * 100), pl.Series(["a"] * 100)).p_value < 1e-9


@pytest.mark.parametrize("now", [0.0, 2.0], ids=["below", "above"])
def test_a_constant_that_moves_is_seen_on_either_side(now):
    drift = drift_of([1.0] * 200, [now] * 200)
    assert drift.p_value < 1e-9
    assert drift.effect > 1


def test_a_zero_inflated_count_that_turns_negative_is_seen():
    rng = np.random.default_rng(7)
    reference = np.where(rng.random(2_000) < 0.9, 0, rng.poisson(3, 2_000))
    assert drift_of(reference, np.where(reference == 0, -1, reference)).effect > 1
    assert drift_of(reference, rng.permutation(reference)).effect == 0.0


def test_times_and_booleans_are_compared_too():
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 31), "1h", eager=True, time_zone="UTC")
    assert drift_of(days, days.dt.offset_by("60d")).effect > 0.1
    assert drift_of([True, False] * 500, [True, True, True, False] * 250).effect > 0.1


def test_a_column_that_is_absent_now_is_reported_as_missing_everywhere():
    frame = pl.DataFrame({"x": [1.0, 2.0] * 50, "y": ["a", "b"] * 50})
    for drift in compare(profile(frame, ["x", "y"]), pl.DataFrame({"z": [0] * 100})):
        assert drift.column_missing
        assert drift.missing_after == 1.0
        assert drift.p_value < 1e-9


def test_text_where_a_number_was_counts_as_missing():
    assert drift_of([1.0, 2.0] * 50, ["1", "two"] * 50).missing_after == 0.5


def test_weights_count_rows_and_honest_sample_sizes():
    rng = np.random.default_rng(8)
    frame = pl.DataFrame({"x": rng.normal(size=1_000), "w": 3.0})
    even = profile(frame, ["x"], weight="w")
    assert even.columns == profile(frame, ["x"]).columns
    lopsided = frame.with_columns(w=pl.when(pl.col("x") > 1).then(9.0).otherwise(1.0))
    drift = compare(profile(lopsided, ["x"], weight="w"), frame.with_columns(w=1.0))[0]
    assert drift.rows_reference < 500
    assert drift.effect > 0.3


def test_daily_rows_of_one_entity_are_reduced_to_one_whatever_their_order():
    daily = pl.DataFrame({"seller": ["a", "a", "b", None, None], "x": [20.0, 10.0, 1.0, 2.0, 3.0]})
    drawn = one_per_group(daily, "seller")
    assert drawn["seller"].to_list() == ["a", "b", None]
    assert drawn.rows() == [row for row in daily.rows() if row in drawn.rows()]
    assert one_per_group(daily.reverse(), "seller").sort("seller", nulls_last=True).equals(drawn)
    assert one_per_group(drawn, "seller").equals(drawn)


def test_the_row_that_stands_for_an_entity_is_any_of_its_rows_alike_often():
    daily = pl.DataFrame({"seller": range(2_000)}).join(pl.DataFrame({"day": range(5)}), how="cross")
    times = one_per_group(daily, "seller")["day"].value_counts()["count"]
    assert times.len() == 5
    assert times.is_between(320, 480).all()


def test_copies_of_rows_make_every_test_alarm_unless_they_are_reduced():
    rng = np.random.default_rng(9)

    def daily(sellers):
        entity = pl.DataFrame({"seller": [f"{rng.integers(1 << 60)}" for _ in range(sellers)]})
        entity = entity.with_columns(x=pl.Series(rng.normal(size=sellers)))
        return pl.concat([entity.with_columns(day=pl.lit(day)) for day in range(30)])

    frames = [(daily(100), daily(100)) for _ in range(20)]
    naive = [compare(profile(a, ["x"]), b)[0].p_value < 0.01 for a, b in frames]
    reduced = [compare(profile(a, ["x"], group="seller"), b)[0].p_value < 0.01 for a, b in frames]
    assert sum(naive) >= 19
    assert sum(reduced) <= 1


def test_a_profile_of_an_unknown_column_is_refused():
    frame = pl.DataFrame({"x": [1.0]})
    with pytest.raises(ConfigurationError, match="no column y"):
        profile(frame, ["y"])


def test_the_proportion_test_agrees_with_fisher_where_the_table_is_symmetric():
    from scipy.stats import fisher_exact

    for hits, other in [(0, 10), (3, 9), (50, 45)]:
        assert proportion_p_value(hits, 500, other, 500) == pytest.approx(
            fisher_exact([[hits, 500 - hits], [other, 500 - other]]).pvalue
        )


def test_a_profile_is_plain_json_of_a_few_kilobytes():
    frame = pl.DataFrame(np.random.default_rng(10).normal(size=(1_000, 60)))
    text = profile(frame, frame.columns).to_json()
    assert len(text) < 60_000
    assert json.loads(text)["rows"] == 1_000
