"""Change points: one cumulative sum of what enters and leaves the day windows gives every feature row.

An event enters at the midnight after its day of knowledge and leaves an N-day window N days after
the midnight that ends its day of occurrence; it never enters a window that it has already left.
Rows appear only where a value changes. Days are integers since 1970; a row of day D holds what is
valid from the midnight that ends D.
"""

from typing import Any

from governance.contracts.calendar import WINDOW_DAYS
from governance.features.view import WINDOWS, View

_LIFETIME = 1_000_000
"""Days of the window that nothing ever leaves."""


def change_points(view: View, events: Any, state: Any, *, first: Any, last: Any) -> Any:
    """Feature rows of the days `first` to `last` (both included).

    Parameters
    ----------
    events : ibis table of summed events: everything that enters from `first` to `last` and
        everything that entered earlier and leaves a window from `first` to `last`; more does no harm.
    state : ibis table of the newest values before `first`: key, `created`, newest order day, the view's sums.
    first, last : days, as integers or ibis scalars.

    Returns
    -------
    ibis table: key, `day`, `created`, the view's features.
    """
    moves = _entering(view, events, first, last)
    for days in WINDOW_DAYS:
        moves = moves.union(_leaving(view, events, days, first, last))
    deltas = _deltas(view, moves)
    opening = state.semi_join(deltas, view.key).mutate(day=first - 1).select(deltas.columns)
    running = _cumulative(view, deltas.union(opening))
    return _with_rates(view, running.filter(running.day >= first))


def changes_of_a_day(view: View, events: Any, state: Any, *, day: Any) -> Any:
    """Feature rows of one day, as `change_points` gives them.

    On one day an event enters the windows or leaves exactly one, so that each window has a sign for it; and a
    key has one row, so that its state is added and nothing runs over rows. That costs a third (measured: 60 ms
    against 200 for 7,264 buyers).
    """
    import ibis

    entering, age = events.known_day == day, day - events.occurred_day
    signs = {_sign(window): _sign_in(window, entering, age) for window in WINDOWS}
    moves = events.filter(entering | age.isin(WINDOW_DAYS)).select(
        view.key,
        created=entering.ifelse(events.known_at, _missing_time(events)),
        last_order_day=entering.ifelse(events.last_order_day, 0),
        **_measures(view, events),
        **signs,
    )
    deltas = moves.group_by(view.key).agg(
        created=moves.created.max(),
        **{view.last_day: moves.last_order_day.max()},
        **{
            f"{view.name}_{name}_{window}": (measure * moves[_sign(window)]).sum()
            for name, measure in _measures(view, moves).items()
            for window in WINDOWS
        },
    )
    rows = deltas.left_join(state, view.key).select(
        view.key,
        day=day,
        # A missing value is never the greatest.
        created=ibis.greatest(deltas.created, state.created),
        **{name: deltas[name] + state[name].fill_null(0) for name in view.sums},
        **{view.last_day: ibis.greatest(deltas[view.last_day], state[view.last_day].fill_null(0))},
    )
    return _with_rates(view, rows)


def _sign(window: str) -> str:
    return f"sign_{window}"


def _sign_in(window: str, entering: Any, age: Any) -> Any:
    """1 for an event that enters the window today, -1 for one that leaves it, else 0."""
    import ibis

    if window == "lifetime":
        return entering.ifelse(_integer(1), _integer(0))
    length = _length(window)
    return ibis.cases(
        (entering & (age < length), _integer(1)), (~entering & (age == length), _integer(-1)), else_=_integer(0)
    )


def _entering(view: View, events: Any, first: Any, last: Any) -> Any:
    """What enters: `move` is the length of the shortest window that it enters; it enters all longer ones too."""
    import ibis

    rows = events.filter(events.known_day.between(first, last))
    age = rows.known_day - rows.occurred_day
    shortest = ibis.cases(*((age < days, days) for days in WINDOW_DAYS), else_=_LIFETIME)
    return rows.select(
        view.key,
        day=rows.known_day,
        move=shortest.cast("int64"),
        created=rows.known_at,
        last_order_day=rows.last_order_day,
        **_measures(view, rows),
    )


def _leaving(view: View, events: Any, days: int, first: Any, last: Any) -> Any:
    """What leaves the window of so many days: `move` is minus its length."""
    exits = events.occurred_day + days
    rows = events.filter((events.known_day < exits) & exits.between(first, last))
    return rows.select(
        view.key,
        day=rows.occurred_day + days,
        move=_integer(-days),
        created=_missing_time(rows),
        last_order_day=_integer(0),
        **_measures(view, rows),
    )


def _deltas(view: View, moves: Any) -> Any:
    """By how much each sum of a key changes on a day."""
    # The few measures are summed before the many windows look at them.
    few = moves.group_by([view.key, "day", "move"]).agg(
        created=moves.created.max(),
        last_order_day=moves.last_order_day.max(),
        **{name: measure.sum().cast("int64") for name, measure in _measures(view, moves).items()},
    )
    changes = {
        f"{view.name}_{name}_{window}": _change(few.move, measure, _length(window)).sum().cast("int64")
        for name, measure in _measures(view, few).items()
        for window in WINDOWS
    }
    return few.group_by([view.key, "day"]).agg(
        created=few.created.max(), **{view.last_day: few.last_order_day.max()}, **changes
    )


def _change(move: Any, measure: Any, length: int) -> Any:
    return (move == -length).ifelse(-measure, move.between(1, length).ifelse(measure, 0))


def _cumulative(view: View, deltas: Any) -> Any:
    import ibis

    so_far = ibis.cumulative_window(group_by=view.key, order_by="day")
    return deltas.select(
        view.key,
        "day",
        created=deltas.created.max().over(so_far),
        **{name: deltas[name].sum().over(so_far).cast("int64") for name in view.sums},
        **{view.last_day: deltas[view.last_day].max().over(so_far)},
    )


def _with_rates(view: View, rows: Any) -> Any:
    rates = {
        f"{view.name}_{rate.name}_{window}": rows[f"{view.name}_{rate.numerator}_{window}"].cast("float64")
        / rows[f"{view.name}_{rate.denominator}_{window}"].nullif(0)
        for rate in view.rates
        for window in WINDOWS
    }
    return rows.mutate(**rates).select(view.key, "day", "created", *view.feature_names)


def _measures(view: View, rows: Any) -> dict[str, Any]:
    return {measure.name: rows[measure.name] for measure in view.measures}


def _length(window: str) -> int:
    return _LIFETIME if window == "lifetime" else int(window[:-1])


def _integer(value: int) -> Any:
    import ibis

    return ibis.literal(value, type="int64")


def _missing_time(rows: Any) -> Any:
    import ibis

    return ibis.null(rows.known_at.type())
