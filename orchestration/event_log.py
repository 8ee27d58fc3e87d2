"""Dagster's event log in SQLite, written a batch at a time.

A run over many days tells of every partition twice: that it is planned, and that it is made. Dagster's own SQLite log
opens both of its files anew for each of these events, 11 ms each, which was 40 % of the main job. Dagster hands such
events over in batches where it is told to (`DAGSTER_EVENT_BATCH_SIZE`), and its log in Postgres writes them so; this
one does the same.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH_SIZE = 1_000
"""Events of one transaction, which takes about a quarter of a second."""

# Whoever opens this log writes in batches: run workers, the daemon and the webserver alike.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_SIZE))

_BY_BATCH = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_OBSERVATION,
}


class BatchingEventLog(SqliteEventLogStorage):
    """`SqliteEventLogStorage`, whose batches of asset events are one transaction of each of its two files."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "BatchingEventLog":
        """Dagster's makes one of its own class whatever class is named."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of one run; those that are not about assets' partitions one by one, as Dagster does."""
        together = [event for event in events if event.dagster_event_type in _BY_BATCH]
        if together:
            self._store_together(together)
        for event in events:
            if event.dagster_event_type not in _BY_BATCH:
                self.store_event(event)

    def _store_together(self, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            ids = [_inserted(connection, row) for row in rows]
            self._store_asset_event_tags(connection, events, ids)
            # What an asset's own row says is of its last event.
            last = {
                event.get_dagster_event().asset_key: (event, number) for event, number in zip(events, ids, strict=True)
            }
            for event, number in last.values():
                self._store_asset_event(connection, event, number)


def _inserted(connection: "Connection", row: Mapping[str, Any]) -> int:
    """The number of an event that is written."""
    key: Any = connection.execute(SqlEventLogStorageTable.insert(), row).inserted_primary_key
    return int(key[0])
