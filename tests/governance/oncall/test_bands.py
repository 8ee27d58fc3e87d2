"""What is usual, and since when it is not."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from governance.oncall.bands import USUAL_DAYS, Departure, band, departure
from governance.oncall.finding import Band

DAY = date(2024, 3, 1)


def series(*values: float) -> list[tuple[date, float]]:
    return [(DAY + timedelta(days=number), value) for number, value in enumerate(values)]


def judged(*values: float, slack: float = 0.5) -> Departure | None:
    return departure(series(*values), slack_at_least=slack)


def test_a_jump_is_found_with_its_first_day_and_the_band_before_it() -> None:
    found = judged(*[1.0] * 20, 3.0, 4.0)
    assert found is not None
    assert (found.since, found.value, found.usual) == (DAY + timedelta(days=20), 4.0, Band(1.0, 1.0))
    assert found.slacks == 6.0


def test_what_has_come_back_is_no_departure() -> None:
    assert judged(*[1.0] * 20, 3.0, 1.0) is None


def test_little_history_tells_nothing() -> None:
    assert judged(*[1.0] * 13, 9.0) is None


def test_a_change_that_is_not_worth_anybodys_attention_is_none() -> None:
    assert judged(*[1.0] * 20, 1.4) is None


def test_a_fall_is_found_as_well() -> None:
    assert judged(*[1.0] * 20, 0.2) is not None


def test_what_has_lasted_for_four_weeks_is_what_is_usual() -> None:
    assert judged(*[1.0] * 20, *[3.0] * (USUAL_DAYS - 1)) is not None
    assert judged(*[1.0] * 20, *[3.0] * USUAL_DAYS) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_band_lies_within_what_was_seen(values: list[float]) -> None:
    found = band(values)
    assert min(values) <= found.low <= found.high <= max(values)


@given(st.lists(st.floats(0, 1), min_size=15, max_size=120), st.floats(5, 9))
def test_a_large_jump_is_found_on_its_first_day_whatever_was_before(values: list[float], jump: float) -> None:
    found = departure(series(*values, jump), slack_at_least=0.01)
    assert found is not None
    assert found.value == jump
    assert found.since == DAY + timedelta(days=len(values))
