"""The alert ledger: what happened to every alert, and which channel was told of it; append-only, in SQLite.

What is open follows from the rows; nothing is ever changed or deleted (triggers refuse it). An observation is one
transaction, so that a kill leaves all of it or nothing, and two observers at once do not both open an alert.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from governance.oncall.alerts import Alert, Event, What, after, next_events
from governance.oncall.documents import document, finding_of
from governance.oncall.finding import Finding, Key, Severity, in_order
from governance.oncall.kinds import Kind

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, subject TEXT NOT NULL, episode INTEGER NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL,
  told INTEGER NOT NULL, under_kind TEXT, under_subject TEXT, finding TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS resolved_once ON events (kind, subject, episode) WHERE what = 'resolved';
CREATE INDEX IF NOT EXISTS events_by_key ON events (kind, subject, episode);
CREATE TABLE IF NOT EXISTS deliveries (
  sequence INTEGER PRIMARY KEY,
  event INTEGER NOT NULL REFERENCES events, channel TEXT NOT NULL, at TEXT NOT NULL, failure TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS delivered_once ON deliveries (event, channel) WHERE failure IS NULL;
CREATE TRIGGER IF NOT EXISTS events_stay BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the alert ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_remain BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the alert ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS deliveries_stay BEFORE UPDATE ON deliveries
BEGIN SELECT RAISE(ABORT, 'the alert ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS deliveries_remain BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'the alert ledger is append-only'); END;
"""

# An alert's state follows from its newest episode alone, and only from episodes that were not resolved.
_UNRESOLVED = """
SELECT e.* FROM events AS e
WHERE NOT EXISTS (
  SELECT 1 FROM events AS last
  WHERE last.kind = e.kind AND last.subject = e.subject AND last.episode = e.episode AND last.what = 'resolved')
ORDER BY sequence
"""
_UNTOLD = """
SELECT e.* FROM events AS e
WHERE told = 1 AND NOT EXISTS (
  SELECT 1 FROM deliveries AS d WHERE d.event = e.sequence AND d.channel = ? AND d.failure IS NULL)
AND (? OR EXISTS (
    SELECT 1 FROM deliveries AS d JOIN events AS tried ON tried.sequence = d.event
    WHERE d.channel = ? AND tried.kind = e.kind AND tried.subject = e.subject AND tried.episode = e.episode)
  OR NOT EXISTS (
    SELECT 1 FROM events AS last
    WHERE last.kind = e.kind AND last.subject = e.subject AND last.episode = e.episode AND last.what = 'resolved'))
ORDER BY sequence
"""
_DELIVERY = "INSERT OR IGNORE INTO deliveries (event, channel, at, failure) VALUES (?, ?, ?, ?)"
_NEWEST_DELIVERIES = """
SELECT channel, failure FROM deliveries WHERE sequence IN (SELECT max(sequence) FROM deliveries GROUP BY channel)
"""
_ALL = "SELECT * FROM events ORDER BY sequence"


@dataclass(frozen=True, slots=True)
class Message:
    """An event that people are to be told of; its number is the same on every channel."""

    number: int
    event: Event


class AlertLedger:
    """Alerts of one workspace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def observe(
        self,
        findings: Iterable[Finding],
        *,
        covering: Collection[Kind],
        at: datetime,
        remind_after: Mapping[Severity, timedelta],
    ) -> list[Event]:
        """Bring the ledger to what was seen, and return what that changed; seeing the same again changes nothing.

        `covering` names the kinds that were looked at in full: what is not among the findings is resolved.
        """
        with self._transaction() as connection:
            events = self._next(connection, findings, covering=covering, at=at, remind_after=remind_after)
            connection.executemany(
                "INSERT INTO events (kind, subject, episode, what, at, told, under_kind, under_subject, finding)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(event) for event in events],
            )
        return events

    def preview(
        self,
        findings: Iterable[Finding],
        *,
        covering: Collection[Kind],
        at: datetime,
        remind_after: Mapping[Severity, timedelta],
    ) -> list[Event]:
        """What `observe` would change; nothing is written."""
        if not self._path.exists():
            return next_events({}, {}, findings, covering=covering, at=at, remind_after=remind_after)
        with self._reading() as connection:
            return self._next(connection, findings, covering=covering, at=at, remind_after=remind_after)

    def standing(self) -> list[Alert]:
        """Open alerts in the order in which people should read them."""
        if not self._path.exists():
            return []
        with self._reading() as connection:
            alerts = _standing(connection)
        return sorted(alerts.values(), key=lambda alert: in_order(alert.finding))

    def history(self) -> list[Message]:
        """Every event there was, oldest first."""
        if not self._path.exists():
            return []
        with self._reading() as connection:
            return [_message(row) for row in connection.execute(_ALL)]

    def untold(self, channel: str, *, over_as_well: bool = False) -> list[Message]:
        """Messages that a channel has not delivered yet, oldest first.

        What was over before the channel ever heard of it (a ticket of the night, or all that was before the channel)
        is left out unless `over_as_well`; what it was to be told and could not is not.
        """
        if not self._path.exists():
            return []
        with self._reading() as connection:
            return [_message(row) for row in connection.execute(_UNTOLD, (channel, over_as_well, channel))]

    def delivered(self, messages: Iterable[Message], *, channel: str, at: datetime) -> None:
        """Note that a channel delivered these messages; noting it again changes nothing."""
        self._note(messages, channel=channel, at=at, failure=None)

    def undelivered(self, messages: Iterable[Message], *, channel: str, at: datetime, failure: str) -> None:
        """Note that a channel could not deliver these messages, and why."""
        self._note(messages, channel=channel, at=at, failure=failure)

    def failures(self) -> dict[str, str]:
        """Channels whose newest attempt failed, each with what it said."""
        if not self._path.exists():
            return {}
        with self._reading() as connection:
            newest = connection.execute(_NEWEST_DELIVERIES).fetchall()
        return {channel: failure for channel, failure in newest if failure is not None}

    def _next(
        self,
        connection: sqlite3.Connection,
        findings: Iterable[Finding],
        *,
        covering: Collection[Kind],
        at: datetime,
        remind_after: Mapping[Severity, timedelta],
    ) -> list[Event]:
        return next_events(
            _standing(connection),
            _episodes(connection),
            findings,
            covering=covering,
            at=at,
            remind_after=remind_after,
        )

    def _note(self, messages: Iterable[Message], *, channel: str, at: datetime, failure: str | None) -> None:
        rows = [(message.number, channel, at.isoformat(), failure) for message in messages]
        with self._transaction() as connection:
            connection.executemany(_DELIVERY, rows)

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that writes: whoever comes second waits."""
        return self._connected("BEGIN IMMEDIATE")

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that reads, and keeps no writer waiting."""
        return self._connected("BEGIN")

    @contextmanager
    def _connected(self, begin: str) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            connection.execute(begin)
            for statement in _statements(_TABLES):
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        finally:
            # Closing before a commit takes everything back.
            connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit what stands before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _standing(connection: sqlite3.Connection) -> dict[Key, Alert]:
    alerts: dict[Key, Alert] = {}
    for row in connection.execute(_UNRESOLVED):
        event = _message(row).event
        if (alert := after(alerts.get(event.key), event)) is not None:
            alerts[event.key] = alert
    return alerts


def _episodes(connection: sqlite3.Connection) -> dict[Key, int]:
    rows = connection.execute("SELECT kind, subject, max(episode) FROM events GROUP BY kind, subject")
    return {Key(Kind(kind), subject): episode for kind, subject, episode in rows}


def _row(event: Event) -> tuple[str | int | None, ...]:
    under = event.under or (None, None)
    packed = json.dumps(document(event.finding), sort_keys=True)
    return (*event.key, event.episode, event.what, event.at.isoformat(), int(event.told), *under, packed)


def _message(row: tuple[int, str, str, int, str, str, int, str | None, str | None, str]) -> Message:
    number, kind, subject, episode, what, at, told, under_kind, under_subject, packed = row
    under = Key(Kind(under_kind), under_subject) if under_kind and under_subject else None
    event = Event(
        key=Key(Kind(kind), subject),
        episode=episode,
        what=What(what),
        at=datetime.fromisoformat(at),
        told=bool(told),
        finding=finding_of(json.loads(packed)),
        under=under,
    )
    return Message(number, event)
