"""What a decision ledger in a relational database is, whichever one it lies in: its table and its questions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from governance.contracts.epoch import microseconds
from governance.decisions.ledger import DAY_MICROSECONDS, PARTIES, DayMark, Row, day_of, row_of
from governance.decisions.record import Decision, decoded

Parameters = Sequence[str | int | None]

INSERT = f"INSERT INTO decisions ({', '.join(Row._fields)}) VALUES {{}} ON CONFLICT DO NOTHING"  # noqa: S608 - our names

# The request goes before the id: it is what a caller asks by.
_STANDING = """
SELECT body FROM decisions WHERE decision_id = ? OR (caller = ? AND request_id = ?)
ORDER BY coalesce(caller = ? AND request_id = ?, false) DESC LIMIT 1
"""
_ABOUT = " UNION ".join(
    f"SELECT sequence, body FROM decisions WHERE {column} = ?"  # noqa: S608 - our names
    for column in ("entity_id", *PARTIES)
)
_BETWEEN = """
SELECT decided_at, sequence, body FROM decisions
WHERE (decided_at, sequence) > (?, ?) AND decided_at < ? AND (CAST(? AS TEXT) IS NULL OR point = ?)
ORDER BY decided_at, sequence LIMIT ?
"""
_DAYS = "SELECT decided_at / ? AS day, count(*), max(sequence) FROM decisions GROUP BY day ORDER BY day"
_PAGE = 500


def table(*, sequence: str) -> str:
    """The table and its indexes; `sequence` is how the database numbers rows."""
    return f"""
CREATE TABLE IF NOT EXISTS decisions (
  sequence {sequence},
  decision_id TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT, point TEXT NOT NULL, entity_id TEXT NOT NULL,
  {", ".join(f"{party} TEXT" for party in PARTIES)},
  decided_at BIGINT NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_id ON decisions (decision_id);
CREATE UNIQUE INDEX IF NOT EXISTS one_a_request ON decisions (caller, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_time ON decisions (decided_at, sequence);
CREATE INDEX IF NOT EXISTS by_entity ON decisions (entity_id);
{"".join(f"CREATE INDEX IF NOT EXISTS by_{p} ON decisions ({p}) WHERE {p} IS NOT NULL;" for p in PARTIES)}
"""


def standing_query(row: Row) -> tuple[str, Parameters]:
    """What asks for what stands in place of a decision: the one under its request, else the one of its id."""
    request = (row.caller, row.request_id)
    return _STANDING, (row.decision_id, *request, *request)


class SqlLedger(ABC):
    """The questions of a `DecisionLedger`; `?` stands for a value in every query."""

    @abstractmethod
    def _read(self, query: str, parameters: Parameters) -> list[Any]:
        """The rows of a query."""

    @abstractmethod
    def append_rows(self, rows: Sequence[Row]) -> list[str]:
        """Append in one transaction; return the bodies that stand."""

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Append in one transaction; return what stands."""
        rows = [row_of(decision) for decision in decisions]
        standing = zip(decisions, rows, self.append_rows(rows), strict=True)
        return [decision if body is row.body else decoded(body) for decision, row, body in standing]

    def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision of a request."""
        return self._one("SELECT body FROM decisions WHERE caller = ? AND request_id = ?", caller, request_id)

    def get(self, decision_id: str) -> Decision | None:
        """The decision of an id."""
        return self._one("SELECT body FROM decisions WHERE decision_id = ?", decision_id)

    def about(self, entity_id: str, *, at_most: int) -> list[Decision]:
        """The newest decisions about an entity or with it as a party."""
        query = f"SELECT body FROM ({_ABOUT}) AS found ORDER BY sequence DESC LIMIT ?"  # noqa: S608 - our names
        asked: Parameters = (*[entity_id] * (1 + len(PARTIES)), at_most)
        return [decoded(body) for (body,) in self._read(query, asked)]

    def between(self, start: datetime, end: datetime, *, point: str | None = None) -> Iterator[Decision]:
        """Decisions in order of time, a page at a time: what is appended meanwhile keeps nobody waiting."""
        last, until = (microseconds(start) - 1, 2**62), microseconds(end)
        while page := self._read(_BETWEEN, (*last, until, point, point, _PAGE)):
            last = page[-1][:2]
            yield from (decoded(body) for _, _, body in page)

    def days(self) -> Mapping[date, DayMark]:
        """Days with what they hold."""
        return {day_of(day): DayMark(rows, newest) for day, rows, newest in self._read(_DAYS, (DAY_MICROSECONDS,))}

    def _one(self, query: str, *parameters: str) -> Decision | None:
        found = self._read(query, parameters)
        return decoded(found[0][0]) if found else None
