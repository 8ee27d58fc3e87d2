"""The decision ledger: append-only, one row a decision; the same request of the same caller is decided once.

SQLite where everything lies in one folder, Postgres where several machines decide. Nothing in it is ever changed or
deleted: triggers refuse it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from governance.contracts.calendar import midnight
from governance.contracts.epoch import EPOCH, microseconds
from governance.decisions.record import Decision, encoded
from governance.errors import ConfigurationError, InputError

DAY_MICROSECONDS = timedelta(days=1) // timedelta(microseconds=1)

PARTIES = ("buyer_id", "seller_id", "account_id", "creator_id")
"""Keys of a request by which decisions are found again, beside the entity."""


class Row(NamedTuple):
    """What a row holds beside its number: what it is found by, and the whole decision as JSON."""

    decision_id: str
    caller: str
    request_id: str | None
    point: str
    entity_id: str
    buyer_id: str | None
    seller_id: str | None
    account_id: str | None
    creator_id: str | None
    decided_at: int
    body: str


@dataclass(frozen=True, slots=True)
class DayMark:
    """What a ledger holds of one day: as long as it is equal, nothing was appended."""

    rows: int
    newest: int


class DecisionLedger(Protocol):
    """Every method may be called from any thread. StoreError where the ledger cannot be reached."""

    @property
    def quick(self) -> bool:
        """Whether a single read takes microseconds, so that an event loop may wait for it."""

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Put decisions on disk, all or none, and return for each what stands.

        That is the decision itself, or the earlier one under its caller and request id: appending again changes
        nothing.

        Raises
        ------
        InputError
            A value cannot be stored, whoever tries again.
        """

    def append_rows(self, rows: Sequence[Row]) -> list[str]:
        """The same of decisions that are encoded already (`row_of`); of each the body that stands, which is its own
        very object where it was appended."""

    def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision that was given to this request."""

    def get(self, decision_id: str) -> Decision | None:
        """The decision of this id."""

    def about(self, entity_id: str, *, at_most: int) -> list[Decision]:
        """The newest decisions about an entity or with it as a party, newest first."""

    def between(self, start: datetime, end: datetime, *, point: str | None = None) -> Iterator[Decision]:
        """Decisions about events from `start` to `end` (excluded), in order of time."""

    def days(self) -> Mapping[date, DayMark]:
        """The UTC days on which something was decided, in order; a decision belongs to the day of its event."""

    def close(self) -> None:
        """Let go of connections; the ledger opens them again when it is used."""


def open_ledger(where: str | Path) -> DecisionLedger:
    """The ledger at a `postgresql://` address, or in an SQLite file.

    Raises
    ------
    ConfigurationError
        The address is of neither.
    """
    if isinstance(where, Path):
        from governance.decisions.ledger_sqlite import SqliteLedger

        return SqliteLedger(where)
    if where.startswith(("postgresql://", "postgresql+psycopg2://")):
        from governance.decisions.ledger_postgres import PostgresLedger

        return PostgresLedger(where.replace("+psycopg2", "", 1))
    raise ConfigurationError(
        "the decision ledger is an SQLite file, or lies at postgresql://user:password@host/database"
    )


def row_of(decision: Decision) -> Row:
    """A decision as a row.

    Raises
    ------
    InputError
        A value has no JSON.
    """
    try:
        body = encoded(decision).decode()
    except (TypeError, ValueError) as error:
        raise InputError(f"decision {decision.decision_id!a} cannot be written down: {error}") from error
    keys = decision.keys.get
    return Row(
        decision.decision_id,
        decision.caller,
        decision.idempotency_key,
        decision.point,
        decision.entity_id,
        keys("buyer_id"),
        keys("seller_id"),
        keys("account_id"),
        keys("creator_id"),
        microseconds(decision.decided_at),
        body,
    )


def day_of(number: int) -> date:
    """The UTC day of so many days since 1970."""
    return (EPOCH + timedelta(days=number)).date()


def span(day: date) -> tuple[datetime, datetime]:
    """A UTC day as `between` takes it."""
    return midnight(day), midnight(day + timedelta(days=1))
