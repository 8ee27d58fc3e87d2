"""The decision ledger in Postgres, where several machines decide."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from governance.decisions.ledger import (
    COLUMNS,
    DAY_MICROSECONDS,
    PARTIES,
    DayMark,
    day_of,
    microseconds,
    row_of,
)
from governance.decisions.record import Decision, decoded
from governance.errors import InputError, StoreError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

_CONNECT_SECONDS = 5
_PAGE = 500

# Two services that start at once would both see no table; the second waits for the first.
_TABLE = f"""
SELECT pg_advisory_xact_lock(hashtext('decision ledger'));
CREATE TABLE IF NOT EXISTS decisions (
  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  decision_id TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT, point TEXT NOT NULL, entity_id TEXT NOT NULL,
  {", ".join(f"{party} TEXT" for party in PARTIES)},
  decided_at BIGINT NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_id ON decisions (decision_id);
CREATE UNIQUE INDEX IF NOT EXISTS one_a_request ON decisions (caller, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_time ON decisions (decided_at, sequence);
CREATE INDEX IF NOT EXISTS by_entity ON decisions (entity_id);
{"".join(f"CREATE INDEX IF NOT EXISTS by_{p} ON decisions ({p}) WHERE {p} IS NOT NULL;" for p in PARTIES)}
CREATE OR REPLACE FUNCTION decisions_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the decision ledger is append-only'; END $$;
CREATE OR REPLACE TRIGGER decisions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
FOR EACH STATEMENT EXECUTE FUNCTION decisions_stay();
"""
_INSERT = (
    f"INSERT INTO decisions ({', '.join(COLUMNS)}) VALUES %s"  # noqa: S608 - our names
    " ON CONFLICT DO NOTHING RETURNING decision_id"
)
_ABOUT = " UNION ".join(
    f"SELECT sequence, body FROM decisions WHERE {column} = %(id)s"  # noqa: S608 - our names
    for column in ("entity_id", *PARTIES)
)
_BETWEEN = """
SELECT decided_at, sequence, body FROM decisions
WHERE (decided_at, sequence) > (%s, %s) AND decided_at < %s AND (%s::text IS NULL OR point = %s)
ORDER BY decided_at, sequence LIMIT %s
"""
_DAYS = "SELECT decided_at / %s AS day, count(*), max(sequence) FROM decisions GROUP BY day ORDER BY day"
_STANDING = """
SELECT body FROM decisions WHERE decision_id = %s OR (caller = %s AND request_id = %s)
ORDER BY coalesce(caller = %s AND request_id = %s, false) DESC LIMIT 1
"""


class PostgresLedger:
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

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Append in one transaction; return what stands."""
        from psycopg2.extras import execute_values

        rows = [row_of(decision) for decision in decisions]
        with self._writing.transaction() as cursor:
            found = execute_values(cursor, _INSERT, rows, page_size=max(1, len(rows)), fetch=True)
            appended = {decision_id for (decision_id,) in found}
            return [one if one.decision_id in appended else _standing(cursor, one) for one in decisions]

    def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision of a request."""
        return self._one("SELECT body FROM decisions WHERE caller = %s AND request_id = %s", caller, request_id)

    def get(self, decision_id: str) -> Decision | None:
        """The decision of an id."""
        return self._one("SELECT body FROM decisions WHERE decision_id = %s", decision_id)

    def about(self, entity_id: str, *, at_most: int) -> list[Decision]:
        """The newest decisions about an entity or with it as a party."""
        query = f"SELECT body FROM ({_ABOUT}) AS found ORDER BY sequence DESC LIMIT %(at_most)s"  # noqa: S608
        return [decoded(body) for (body,) in self._read(query, {"id": entity_id, "at_most": at_most})]

    def between(self, start: datetime, end: datetime, *, point: str | None = None) -> Iterator[Decision]:
        """Decisions in order of time, a page at a time."""
        last, until = (microseconds(start) - 1, 2**62), microseconds(end)
        while page := self._read(_BETWEEN, (*last, until, point, point, _PAGE)):
            last = page[-1][:2]
            yield from (decoded(body) for _, _, body in page)

    def days(self) -> Mapping[date, DayMark]:
        """Days with what they hold."""
        return {day_of(day): DayMark(rows, newest) for day, rows, newest in self._read(_DAYS, (DAY_MICROSECONDS,))}

    def close(self) -> None:
        """Close both connections."""
        self._writing.close()
        self._reading.close()

    def _one(self, query: str, *parameters: str) -> Decision | None:
        found = self._read(query, parameters)
        return decoded(found[0][0]) if found else None

    def _read(self, query: str, parameters: Any) -> list[Any]:
        with self._reading.transaction() as cursor:
            cursor.execute(query, parameters)
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


def _standing(cursor: Any, decision: Decision) -> Decision:
    """What the ledger holds in place of a decision: the one under its request, else the one of its id."""
    request = (decision.caller, decision.idempotency_key)
    cursor.execute(_STANDING, (decision.decision_id, *request, *request))
    return decoded(cursor.fetchone()[0])
