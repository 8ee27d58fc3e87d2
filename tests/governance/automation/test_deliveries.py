"""Which deliveries may land now, and what the others wait for."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from governance.automation.deliveries import Delivery, Wave, changed_days, new_days
from governance.marketplaces.pace import Pace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PACE = Pace()
FIRST = date(2026, 1, 1)


def delivery(
    number: int, table: str = "orders", *, kind: str = "new", hours: float | None = 10.0, refused: bool = False
) -> Delivery:
    """A table's day that arrived so many hours ago; None where it has not."""
    arrived = None if hours is None else NOW - timedelta(hours=hours)
    day = FIRST + timedelta(days=number)
    return Delivery(table=table, day=day, kind=kind, arrived=arrived, refused=refused, mark="")  # type: ignore[arg-type]


def numbers(wave: Wave) -> list[tuple[int, str]]:
    return [((one.day - FIRST).days, one.table) for one in wave.deliveries]


def test_days_that_arrive_at_once_land_at_once() -> None:
    found = [delivery(number, table) for number in range(3) for table in ("cases", "orders")]

    assert numbers(new_days(found, now=NOW, pace=PACE, closing=False)) == [
        (number, table) for number in range(3) for table in ("cases", "orders")
    ]


def test_a_missing_day_holds_back_the_next_one_until_the_hour_of_closing_after_patience() -> None:
    found = [delivery(0), delivery(1, hours=None), delivery(2, hours=5)]

    assert numbers(new_days(found, now=NOW, pace=PACE, closing=False)) == [(0, "orders")]
    held = new_days(found[1:], now=NOW, pace=PACE, closing=True)
    assert (held.deliveries, held.waits) == (
        (),
        "2026-01-02 lacks orders: it is closed at 0 6 * * *, until then it waits",
    )
    later = NOW + timedelta(hours=2)
    assert numbers(new_days(found[1:], now=later, pace=PACE, closing=True)) == [(2, "orders")]


def test_files_that_may_still_be_written_are_left_alone() -> None:
    assert (
        new_days([delivery(0, hours=0)], now=NOW, pace=PACE, closing=True).waits
        == "files of 2026-01-01 are still arriving"
    )
    changed = [delivery(0, kind="again"), delivery(1, kind="late", hours=0)]
    assert changed_days(changed, now=NOW, pace=PACE).deliveries == ()


def test_what_was_refused_or_is_missing_is_not_among_changed_days() -> None:
    found = [
        delivery(0, kind="late", hours=None),
        delivery(1, kind="again", refused=True),
        delivery(2, kind="late"),
        delivery(3),
    ]

    assert numbers(changed_days(found, now=NOW, pace=PACE)) == [(2, "orders")]


ARRIVALS = st.lists(st.one_of(st.none(), st.floats(0, 48)), min_size=1, max_size=12)


@given(arrivals=ARRIVALS, closing=st.booleans())
def test_what_lands_is_without_gap_from_the_first_day_on_unless_days_are_closed(
    arrivals: list[float | None], closing: bool
) -> None:
    found = [delivery(number, hours=hours) for number, hours in enumerate(arrivals)]

    taken = [number for number, _ in numbers(new_days(found, now=NOW, pace=PACE, closing=closing))]

    usable = [number for number, hours in enumerate(arrivals) if hours is not None]
    assert taken == usable[: len(taken)]
    if not closing:
        assert taken == list(range(len(taken)))


@given(arrivals=ARRIVALS)
def test_the_sensor_and_the_schedule_never_take_the_same_days(arrivals: list[float | None]) -> None:
    found = [delivery(number, hours=hours) for number, hours in enumerate(arrivals)]

    by_sensor = new_days(found, now=NOW, pace=PACE, closing=False)
    by_schedule = new_days(found, now=NOW, pace=PACE, closing=True)

    # The schedule leaves everything to the sensor while that has something to take.
    if not by_sensor.deliveries and by_schedule.deliveries:
        assert "lacks" in by_sensor.waits
