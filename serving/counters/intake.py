"""From what a caller sends to an event that can be counted: checked by the table's contract, personal values hashed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from governance.contracts.epoch import microseconds
from governance.contracts.personal import KeyedHash
from governance.contracts.schema import Column, Kind
from governance.contracts.tables import TABLES
from governance.counters.definition import Counter, Event
from governance.errors import InputError

_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.STRING: (str,),
    Kind.INTEGER: (int,),
    Kind.FLOAT: (int, float),
    Kind.BOOLEAN: (bool,),
    Kind.TIMESTAMP: (str, datetime),
}


class Intake:
    """Reads events of the tables that counters count. Columns that no counter looks at are not kept."""

    def __init__(self, counters: Sequence[Counter], keyed_hash: KeyedHash) -> None:
        self._counters, self._hash = tuple(counters), keyed_hash

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, Column]]:
        """For each table that can be sent, the columns that are kept."""
        wanted: dict[str, set[str]] = {}
        for counter in self._counters:
            # The times come beside the fields.
            wanted.setdefault(counter.table, set()).update(counter.columns - {"occurred_at", "known_at"})
        return {
            table: {column.name: column for column in TABLES[table].columns if column.name in names}
            for table, names in wanted.items()
        }

    def event(self, table: str, event_id: str, occurred_at: datetime, fields: Mapping[str, Any]) -> Event:
        """One event.

        Raises
        ------
        InputError
            Nothing counts this table, or a value is not what the table's contract says.
        """
        columns = self.columns.get(table)
        if columns is None:
            raise InputError(f"no counter counts {table!r}; events can be of {', '.join(sorted(self.columns))}")
        kept = {name: self._value(f"{table} {event_id}", column, fields.get(name)) for name, column in columns.items()}
        return Event(table, event_id, occurred_at, kept)

    def _value(self, what: str, column: Column, value: Any) -> Any:
        if value is None:
            if not column.nullable:
                raise InputError(f"{what} lacks {column.name}: {column.meaning}")
            return None
        # The exact type: to isinstance, True is an integer.
        if type(value) not in _TYPES[column.kind]:
            raise InputError(f"{what}: {column.name} must be {column.kind.value}, not {value!r:.60}")
        if column.one_of and value not in column.one_of:
            raise InputError(f"{what}: {column.name} must be one of {', '.join(column.one_of)}, not {value!r:.60}")
        if column.kind is Kind.TIMESTAMP:
            return microseconds(_moment(what, column.name, value))
        return self._hash.text(value) if column.personal else value


def _moment(what: str, name: str, value: str | datetime) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError as problem:
        raise InputError(f"{what}: {name} is no time: {value!r:.60}") from problem
    if moment.tzinfo is None:
        raise InputError(f"{what}: {name} names no time zone")
    return moment
