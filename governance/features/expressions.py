"""The expressions of a view, from raw rows to feature rows, over tables that an engine binds by name.

They come in two steps, so that raw rows are read once: `moving_events` sums what raw rows add, and
everything else stands over its result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.contracts.calendar import WINDOW_DAYS
from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES
from governance.features.events import events
from governance.features.view import View
from governance.features.windows import change_points, changes_of_a_day


@dataclass(frozen=True, slots=True)
class Inputs:
    """The tables of a view's expressions.

    `raw` holds the rows of each raw table by name: of the days that are built, and of the days before them
    whose events leave a window now. `late` holds earlier summed events known after their own day, `events`
    what `moving_events` gives, `state` the newest values before the first day of every key that is found
    in `events`, more does no harm, and `bounds` one row with the first and the last day.
    """

    raw: Mapping[str, Any]
    late: Any
    events: Any
    state: Any
    bounds: Any

    @property
    def first(self) -> Any:
        """The first day that is built."""
        return self.bounds.first_day.as_scalar()

    @property
    def last(self) -> Any:
        """The last day that is built."""
        return self.bounds.last_day.as_scalar()

    @classmethod
    def unbound(cls, view: View, types: Mapping[Kind, str]) -> "Inputs":
        """The tables as names and schemas, for an engine to translate."""
        import ibis

        schemas = {
            table: {column.name: types[column.kind] for column in TABLES[table].columns} for table in view.tables
        }
        return cls(
            raw={table: ibis.table(schemas[table], name=f"raw_{table}") for table in view.tables},
            late=ibis.table(_typed(event_columns(view), types), name="late"),
            events=ibis.table(_typed(event_columns(view), types), name="events"),
            state=ibis.table(_typed(state_columns(view), types), name="state"),
            bounds=ibis.table({"first_day": "int64", "last_day": "int64"}, name="bounds"),
        )


def event_columns(view: View) -> dict[str, Kind]:
    """Columns of the summed events, as `events` gives them."""
    measures = {measure.name: Kind.INTEGER for measure in view.measures}
    days = {"occurred_day": Kind.INTEGER, "known_day": Kind.INTEGER}
    return {view.key: Kind.STRING, **days, "known_at": Kind.TIMESTAMP, "last_order_day": Kind.INTEGER, **measures}


def state_columns(view: View) -> dict[str, Kind]:
    """Columns of the running state: what the next row of a key starts from."""
    sums = dict.fromkeys(view.sums, Kind.INTEGER)
    return {view.key: Kind.STRING, "created": Kind.TIMESTAMP, view.last_day: Kind.INTEGER, **sums}


def moving_events(view: View, inputs: Inputs) -> Any:
    """Summed events that enter a window in `bounds`, and those that entered earlier and may leave one there."""
    rows = _summed(view, inputs.raw)
    # A raw partition holds what became known on its day. Of the earlier ones only what was known on its own day
    # counts: everything else is in `late`, whichever partition it came with.
    return rows.filter((rows.known_day >= inputs.first) | (rows.known_day == rows.occurred_day)).union(inputs.late)


def feature_rows(view: View, inputs: Inputs) -> Any:
    """Feature rows of the days in `bounds`: key, `day`, `created`, the features."""
    return change_points(view, inputs.events, inputs.state, first=inputs.first, last=inputs.last)


def feature_rows_of_a_day(view: View, inputs: Inputs) -> Any:
    """The same where `bounds` hold a single day, for less."""
    return changes_of_a_day(view, inputs.events, inputs.state, day=inputs.first)


def late_events(inputs: Inputs) -> Any:
    """Events that became known in `bounds`, after their own day but before leaving the widest window."""
    rows = inputs.events
    unfinished = rows.occurred_day + max(WINDOW_DAYS) > rows.known_day
    return rows.filter((rows.known_day >= inputs.first) & (rows.occurred_day < rows.known_day) & unfinished)


def _summed(view: View, tables: Mapping[str, Any]) -> Any:
    names = tuple(measure.name for measure in view.measures)
    parts = [
        events(
            tables[table],
            name=table,
            key=view.key,
            measures=tuple(measure.name for measure in view.measures if measure.table == table),
            all_measures=names,
        )
        for table in view.tables
    ]
    return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


def _typed(columns: Mapping[str, Kind], types: Mapping[Kind, str]) -> dict[str, str]:
    return {name: types[kind] for name, kind in columns.items()}
