"""Change points: one cumulative sum of what enters and leaves the day windows gives every feature row.

An event enters at the midnight after its day of knowledge and leaves an N-day window N days after
the midnight that ends its day of occurrence; it never enters a window that it has already left.
Rows appear only where a value changes. Days are integers since 1970; a row of day D holds what is
valid from the midnight that ends D.
"""

from typing import Any

from governance.contracts.calendar import WINDOW_DAYS
from governance.features.view import WINDOWS, View


def change_points(view: View, events: Any, state: Any, *, first: Any, last: Any) -> Any:
    """Feature rows of the days `first` to `last` (both included).

    Parameters
    ----------
    events : ibis table as `events.events` gives it: everything that enters from `first` to `last` and
        everything that entered earlier and leaves a window from `first` to `last`; more does no harm.
    state : ibis table of the newest values before `first`: key, `created`, newest order day, the view's sums.
    first, last : days, as integers or ibis scalars.

    Returns
    -------
    ibis table: key, `day`, `created`, the view's features.
    """
    deltas = _entering(view, events, first, last)
    for days in WINDOW_DAYS:
        deltas = deltas.union(_leaving(view, events, days, first, last))
    touched = deltas.select(view.key).distinct()
    opening = state.semi_join(touched, view.key).mutate(day=first - 1).select(deltas.columns)
    running = _cumulative(view, deltas.union(opening))
    return _with_rates(view, running.filter(running.day >= first))


def _entering(view: View, events: Any, first: Any, last: Any) -> Any:
    rows = events.filter(events.known_day.between(first, last))
    return rows.select(
        view.key,
        day=rows.known_day,
        created=rows.known_at,
        **{view.last_day: rows.last_order_day},
        **{
            f"{view.name}_{measure.name}_{window}": _share_entering(rows, measure.name, window)
            for measure in view.measures
            for window in WINDOWS
        },
    )


def _share_entering(rows: Any, measure: str, window: str) -> Any:
    if window == "lifetime":
        return rows[measure]
    return (rows.known_day < rows.occurred_day + int(window[:-1])).ifelse(rows[measure], 0)


def _leaving(view: View, events: Any, days: int, first: Any, last: Any) -> Any:
    exits = events.occurred_day + days
    rows = events.filter((events.known_day < exits) & exits.between(first, last))
    return rows.select(
        view.key,
        day=rows.occurred_day + days,
        created=_missing_time(rows),
        **{view.last_day: _integer(0)},
        **{
            f"{view.name}_{measure.name}_{window}": -rows[measure.name] if window == f"{days}d" else _integer(0)
            for measure in view.measures
            for window in WINDOWS
        },
    )


def _cumulative(view: View, deltas: Any) -> Any:
    import ibis

    a_day = deltas.group_by([view.key, "day"]).agg(
        created=deltas.created.max(),
        **{view.last_day: deltas[view.last_day].max()},
        **{name: deltas[name].sum().cast("int64") for name in view.sums},
    )
    so_far = ibis.cumulative_window(group_by=view.key, order_by="day")
    return a_day.select(
        view.key,
        "day",
        created=a_day.created.max().over(so_far),
        **{name: a_day[name].sum().over(so_far).cast("int64") for name in view.sums},
        **{view.last_day: a_day[view.last_day].max().over(so_far)},
    )


def _with_rates(view: View, rows: Any) -> Any:
    rates = {
        f"{view.name}_{rate.name}_{window}": rows[f"{view.name}_{rate.numerator}_{window}"].cast("float64")
        / rows[f"{view.name}_{rate.denominator}_{window}"].nullif(0)
        for rate in view.rates
        for window in WINDOWS
    }
    return rows.mutate(**rates).select(view.key, "day", "created", *view.feature_names)


def _integer(value: int) -> Any:
    import ibis

    return ibis.literal(value, type="int64")


def _missing_time(rows: Any) -> Any:
    import ibis

    return ibis.null(rows.known_at.type())
