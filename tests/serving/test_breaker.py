"""The breaker opens where too much is blocked, tries again, and closes; over decisions in order, without a service."""

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.breaker import Breaker, BreakerBounds
from serving.minutes import Minutes

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHARES = {"checkout": 0.2, "payout": 0.2}
BOUNDS = BreakerBounds(shares=SHARES, decisions_at_least=50, blocked_at_least=10, trial_decisions=20)


def minutes(number: float) -> datetime:
    return AT + timedelta(minutes=number)


def feed(breaker: Breaker, decisions: int, blocked: int, at: datetime, *, segment: str = "north") -> None:
    """So many decisions, the blocked ones spread among them."""
    for number in range(decisions):
        hurts = (number + 1) * blocked // decisions > number * blocked // decisions
        breaker.observe("checkout", segment, hurts, at)


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(BOUNDS)


def opened(breaker: Breaker) -> None:
    feed(breaker, 100, 60, AT)
    assert not breaker.allows("checkout", "north", AT)


def test_a_usual_share_of_blocks_is_allowed_for_ever(breaker: Breaker) -> None:
    for minute in range(300):
        feed(breaker, 20, 3, minutes(minute))
        assert breaker.allows("checkout", "north", minutes(minute))
    assert breaker.open_ones() == []


def test_it_opens_for_one_point_and_segment_and_no_other(breaker: Breaker) -> None:
    opened(breaker)
    assert breaker.allows("checkout", "south", AT)
    assert breaker.allows("payout", "north", AT)
    assert breaker.open_ones() == [("checkout", "north", "open")]


def test_of_few_decisions_nothing_is_concluded(breaker: Breaker) -> None:
    feed(breaker, 49, 49, AT)
    assert breaker.allows("checkout", "north", AT)


def test_each_point_states_its_own_share() -> None:
    breaker = Breaker(BreakerBounds(shares={"checkout": 0.7}, decisions_at_least=50))
    feed(breaker, 100, 60, AT)
    assert breaker.allows("checkout", "north", AT)


def test_blocks_of_more_than_an_hour_ago_do_not_count(breaker: Breaker) -> None:
    feed(breaker, 40, 40, AT)
    feed(breaker, 60, 1, minutes(61))
    assert breaker.allows("checkout", "north", minutes(61))


def test_after_the_cool_off_a_trial_within_its_share_closes_it_and_begins_a_new_hour(breaker: Breaker) -> None:
    opened(breaker)
    feed(breaker, 50, 50, minutes(5))
    assert not breaker.allows("checkout", "north", minutes(14.9))
    assert breaker.allows("checkout", "north", minutes(15))
    assert breaker.open_ones() == [("checkout", "north", "trial")]
    feed(breaker, 20, 4, minutes(15))
    assert breaker.open_ones() == []
    feed(breaker, 40, 8, minutes(16))
    assert breaker.allows("checkout", "north", minutes(16))


def test_a_trial_that_blocks_too_much_opens_it_again_at_once_for_twice_as_long(breaker: Breaker) -> None:
    opened(breaker)
    at, waits = 15.0, []
    for _ in range(6):
        assert breaker.allows("checkout", "north", minutes(at))
        allowed = 0
        while breaker.allows("checkout", "north", minutes(at)):
            breaker.observe("checkout", "north", True, minutes(at))
            allowed += 1
        assert allowed == 5
        began = at
        while not breaker.allows("checkout", "north", minutes(at)):
            at += 1
        waits.append(at - began)
    assert waits == [30, 60, 120, 240, 240, 240]


def test_segments_that_nobody_asks_about_are_forgotten_first() -> None:
    breaker = Breaker(BreakerBounds(shares=SHARES, decisions_at_least=50, segments_at_most=3))
    opened(breaker)
    for segment in ("a", "b"):
        feed(breaker, 1, 0, AT, segment=segment)
    feed(breaker, 1, 1, AT)
    feed(breaker, 1, 0, AT, segment="c")
    assert not breaker.allows("checkout", "north", AT)
    for segment in ("d", "e", "f"):
        feed(breaker, 1, 0, AT, segment=segment)
    assert breaker.allows("checkout", "north", AT)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=300))
def test_while_it_is_closed_less_than_its_share_was_blocked_within_the_hour(steps: list[tuple[int, bool]]) -> None:
    bounds = BreakerBounds(shares=SHARES, decisions_at_least=10, blocked_at_least=3, trial_decisions=5)
    breaker, minute, hour = Breaker(bounds), 0, deque[tuple[int, bool]]()
    for gap, blocked in steps:
        minute += gap
        breaker.observe("checkout", "north", blocked, minutes(minute))
        hour.append((minute, blocked))
        while hour[0][0] <= minute - 60:
            hour.popleft()
        hurt = sum(one for _, one in hour)
        too_much = len(hour) >= 10 and hurt >= 3 and hurt > 0.2 * len(hour)
        if too_much and blocked:
            assert not breaker.allows("checkout", "north", minutes(minute))
        if not breaker.allows("checkout", "north", minutes(minute)):
            return


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_a_ring_of_minutes_sums_what_a_list_would(size: int, added: list[tuple[int, int]], later: int) -> None:
    ring, kept, newest = Minutes(size, 2), [], 0
    for minute, count in added:
        ring.add(minute, (1, count))
        # What is older than the window that the newest one began is not asked of it.
        if minute > newest - size:
            kept.append((minute, count))
        newest = max(newest, minute)
    now = newest + later
    inside = [count for minute, count in kept if now - size < minute <= now]
    assert ring.sums(now) == [len(inside), sum(inside)]
