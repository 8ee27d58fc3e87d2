"""One expression per view, from raw rows to feature rows, over tables that an engine binds by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.contracts.calendar import WINDOW_DAYS
from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES
from governance.features.events import events
from governance.features.view import View
from governance.features.windows import change_points


@dataclass(frozen=True, slots=True)
class Inputs:
    """The tables of a view's expression.

    `entering` and `earlier` hold a raw table each by name: the days that are built, and the days before
    them whose events leave a window now. `late` holds summed events known after their own day, `state`
    each key's newest values before the first day, `bounds` one row with the first and the last day.
    """

    entering: Mapping[str, Any]
    earlier: Mapping[str, Any]
    late: Any
    state: Any
    bounds: Any

    @classmethod
    def unbound(cls, view: View, types: Mapping[Kind, str]) -> "Inputs":
        """The tables as names and schemas, for an engine to translate."""
        import ibis

        schemas = {
            table: {column.name: types[column.kind] for column in TABLES[table].columns} for table in view.tables
        }
        return cls(
            entering={table: ibis.table(schemas[table], name=f"entering_{table}") for table in view.tables},
            earlier={table: ibis.table(schemas[table], name=f"earlier_{table}") for table in view.tables},
            late=ibis.table(_typed(late_columns(view), types), name="late"),
            state=ibis.table(_typed(state_columns(view), types), name="state"),
            bounds=ibis.table({"first_day": "int64", "last_day": "int64"}, name="bounds"),
        )


def late_columns(view: View) -> dict[str, Kind]:
    """Columns of the summed events, as `events` gives them."""
    measures = {measure.name: Kind.INTEGER for measure in view.measures}
    days = {"occurred_day": Kind.INTEGER, "known_day": Kind.INTEGER}
    return {view.key: Kind.STRING, **days, "known_at": Kind.TIMESTAMP, "last_order_day": Kind.INTEGER, **measures}


def state_columns(view: View) -> dict[str, Kind]:
    """Columns of the running state: what the next row of a key starts from."""
    sums = dict.fromkeys(view.sums, Kind.INTEGER)
    return {view.key: Kind.STRING, "created": Kind.TIMESTAMP, view.last_day: Kind.INTEGER, **sums}


def feature_rows(view: View, inputs: Inputs) -> Any:
    """Feature rows of the days in `bounds`: key, `day`, `created`, the features."""
    first, last = inputs.bounds.first_day.as_scalar(), inputs.bounds.last_day.as_scalar()
    earlier = _summed(view, inputs.earlier)
    relevant = _summed(view, inputs.entering).union(
        earlier.filter(earlier.known_day == earlier.occurred_day), inputs.late
    )
    return change_points(view, relevant, inputs.state, first=first, last=last)


def late_events(view: View, inputs: Inputs) -> Any:
    """Events that became known after their own day but before leaving the widest window."""
    rows = _summed(view, inputs.entering)
    return rows.filter((rows.occurred_day < rows.known_day) & (rows.occurred_day + max(WINDOW_DAYS) > rows.known_day))


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
