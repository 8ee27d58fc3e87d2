"""The decision ledger in Postgres, where several machines decide."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from governance.decisions.ledger import Row
from governance.decisions.ledger_in_sql import INSERT, Parameters, SqlLedger, standing_query, table
from governance.errors import InputError, StoreError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

_CONNECT_SECONDS = 5

# Two services that start at once would both see no table; the second waits for the first.
_TABLE = f"""
SELECT pg_advisory_xact_lock(hashtext('decision ledger'));
{table(sequence="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")}
CREATE OR REPLACE FUNCTION decisions_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the decision ledger is append-only'; END $$;
CREATE OR REPLACE TRIGGER decisions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
FOR EACH STATEMENT EXECUTE FUNCTION decisions_stay();
"""
_INSERT = INSERT.format("%s") + " RETURNING decision_id"


class PostgresLedger(SqlLedger):
    """One connection writes and one reads, each used by one thread at a time; a broken one is opened anew.

    Parameters
    ----------
    address : `postgresql://user:password@host/database`; it is never part of a message.
    """

    def __init__(self, address: str) -> None:
        self._writing, self._reading = _Connection(address), _Connection(address)

    @property
    def quick(self) -> bool:
        """A read goes over the network."""
        return False

    def append_rows(self, rows: Sequence[Row]) -> list[str]:
        """Append in one transaction; return the bodies that stand."""
        from psycopg2.extras import execute_values

        with self._writing.transaction() as cursor:
            found = execute_values(cursor, _INSERT, rows, page_size=max(1, len(rows)), fetch=True)
            appended = {decision_id for (decision_id,) in found}
            return [row.body if row.decision_id in appended else _standing(cursor, row) for row in rows]

    def close(self) -> None:
        """Close both connections."""
        self._writing.close()
        self._reading.close()

    def _read(self, query: str, parameters: Parameters) -> list[Any]:
        with self._reading.transaction() as cursor:
            cursor.execute(_as_psycopg2(query), parameters)
            return list(cursor.fetchall())


class _Connection:
    """A connection that one thread at a time uses; Postgres' errors become ours."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._open: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        import psycopg2

        with self._lock:
            try:
                self._open = self._open or self._connect()
                with self._open, self._open.cursor() as cursor:
                    yield cursor
            except (psycopg2.DataError, psycopg2.IntegrityError, ValueError) as error:
                raise InputError(f"the decision ledger cannot store a decision: {error}") from error
            except psycopg2.Error as error:
                self._drop()
                raise StoreError(f"the decision ledger in Postgres failed: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._open:
            self._open.close()
        self._open = None

    def _connect(self) -> "Connection":
        import psycopg2

        opened = psycopg2.connect(self._address, connect_timeout=_CONNECT_SECONDS, application_name="decision ledger")
        with opened, opened.cursor() as cursor:
            cursor.execute(_TABLE)
        return opened


def _standing(cursor: Any, row: Row) -> str:
    query, parameters = standing_query(row)
    cursor.execute(_as_psycopg2(query), parameters)
    body: str = cursor.fetchone()[0]
    return body


def _as_psycopg2(query: str) -> str:
    """Where a value goes, in the words of this driver."""
    return query.replace("?", "%s")
