"""Room for requests: a burst may fill it, and where more come than can be answered only a part of it is given."""

from contextlib import ExitStack

import pytest

from serving.limits import InFlight, Overloaded


class Hands:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def in_flight(hands: Hands) -> InFlight:
    return InFlight(8, lasting=3, clock=hands)


def entered(stack: ExitStack, in_flight: InFlight, count: int) -> int:
    """How many of so many requests are let in; they stay until the stack is closed."""
    before = in_flight.count
    for _ in range(count):
        try:
            stack.enter_context(in_flight)
        except Overloaded:
            continue
    return in_flight.count - before


def test_a_burst_takes_all_the_room_and_no_more(in_flight: InFlight) -> None:
    with ExitStack() as stack:
        assert entered(stack, in_flight, 10) == 8
    assert in_flight.count == 0


def test_bursts_that_are_worked_off_leave_the_room_as_it_is(in_flight: InFlight, hands: Hands) -> None:
    for _ in range(5):
        with ExitStack() as stack:
            assert entered(stack, in_flight, 8) == 8
            hands.seconds += 0.09
        hands.seconds += 0.09


def test_where_it_stays_crowded_only_what_keeps_a_worker_busy_is_let_in(in_flight: InFlight, hands: Hands) -> None:
    with ExitStack() as others, ExitStack() as stack:
        entered(stack, in_flight, 3)
        entered(others, in_flight, 3)
        hands.seconds += 0.11
        assert entered(stack, in_flight, 2) == 0
        others.close()
        # As long as somebody has to be turned away, it is crowded.
        for _ in range(5):
            hands.seconds += 0.09
            assert entered(stack, in_flight, 2) == 0
            stack.close()
            assert entered(stack, in_flight, 4) == 3


def test_once_nobody_is_turned_away_for_a_while_a_burst_has_room_again(in_flight: InFlight, hands: Hands) -> None:
    with ExitStack() as stack:
        entered(stack, in_flight, 3)
        hands.seconds += 0.11
        assert entered(stack, in_flight, 1) == 0
        stack.close()
        hands.seconds += 0.11
        assert entered(stack, in_flight, 8) == 8


def test_as_many_as_last_may_stay_for_ever(in_flight: InFlight, hands: Hands) -> None:
    with ExitStack() as stack:
        entered(stack, in_flight, 2)
        for _ in range(10):
            hands.seconds += 1.0
            with ExitStack() as third:
                assert entered(third, in_flight, 1) == 1
