"""Decisions and their matured labels, recomputed from raw rows by the rules of the label definitions."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from plain_rows import Landed, Row, all_rows, whole

from governance.contracts.calendar import midnight, valid_at

STOPPING = ("hold", "removal", "ban")
ACTIVE_DAYS = 7
SAMPLED_ONE_DAY_IN = 7


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of a training set before its features; `entities` are those whose statements it takes."""

    row_id: str
    entities: tuple[str, ...]
    group_id: str
    decided_at: datetime
    matured_on: date
    market: str
    category: str
    amount_minor: int
    weight: float
    order: Row | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a labeler said; `rank` 0 is the best labeler."""

    occurred_at: datetime
    known_at: datetime
    rank: int
    value: int
    reason: str | None


Statements = Mapping[str, list[Statement]]


def order_lines(orders: Landed, maturity_days: int) -> dict[str, Decision]:
    """Every order line at its checkout; a line delivered on two days is the first one's."""
    decisions: dict[str, Decision] = {}
    for day in sorted(orders):
        for row in orders[day]:
            line = row["order_line_id"]
            decisions.setdefault(line, _of_line(line, row, day + timedelta(days=maturity_days)))
    return decisions


def _of_line(line: str, row: Row, matured_on: date) -> Decision:
    return Decision(
        row_id=line,
        entities=(line, row["order_id"]),
        group_id=row["seller_id"],
        decided_at=row["occurred_at"],
        matured_on=matured_on,
        market=row["market"],
        category=row["category"],
        amount_minor=_price(row),
        weight=row["weight"],
        order=row,
    )


def active_sellers(orders: Landed, enforcements: Landed, maturity_days: int) -> dict[str, Decision]:
    """Sellers with an order in seven days, one day in seven each, until an enforcement stops them."""
    stops = [row for row in all_rows(enforcements) if row["action"] in STOPPING]
    decisions: dict[str, Decision] = {}
    for day in sorted(orders):
        for seller, rows in _recent(orders, day).items():
            if _sampled(seller, day) and not _stopped(stops, seller, day):
                decision = _of_seller(seller, rows, day, maturity_days)
                decisions[decision.row_id] = decision
    return decisions


def _recent(orders: Landed, day: date) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for back in range(ACTIVE_DAYS):
        for row in orders.get(day - timedelta(days=back), ()):
            found[row["seller_id"]].append(row)
    return found


def _of_seller(seller: str, rows: Sequence[Row], day: date, maturity_days: int) -> Decision:
    newest = max(rows, key=lambda row: (row["occurred_at"], row["order_line_id"]))
    return Decision(
        row_id=f"{seller}@{day}",
        entities=(seller,),
        group_id=seller,
        decided_at=valid_at(day),
        matured_on=day + timedelta(days=1 + maturity_days),
        market=newest["market"],
        category=newest["category"],
        amount_minor=sum(_price(row) for row in rows),
        weight=1.0,
    )


def _sampled(seller: str, day: date) -> bool:
    return (hashlib.sha256(seller.encode()).digest()[0] + day.toordinal()) % SAMPLED_ONE_DAY_IN == 0


def _stopped(stops: Iterable[Row], seller: str, day: date) -> bool:
    return any(
        row["subject_id"] == seller
        and row["known_at"] < midnight(day + timedelta(days=1))
        and (row["expires_at"] is None or row["expires_at"] > valid_at(day))
        for row in stops
    )


def _price(row: Row) -> int:
    return whole(row["price_minor"] * row["reference_rate"])


def stated_by_cases(cases: Iterable[Row]) -> Statements:
    """Each version of a case says 1 of its line, or of its whole order where it names no line."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for row in cases:
        about = row["order_line_id"] if row["order_line_id"] is not None else row["order_id"]
        found[about].append(Statement(row["occurred_at"], row["known_at"], 0, 1, row["kind"]))
    return found


def stated_by_labels(labels: Iterable[Row], name: str, labelers: Sequence[str]) -> Statements:
    """The rows of the table `labels` by the labelers that the definition knows."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for row in labels:
        if row["label"] == name and row["labeler"] in labelers:
            rank = labelers.index(row["labeler"])
            said = Statement(row["occurred_at"], row["known_at"], rank, row["value"], row["reason"])
            found[row["entity_id"]].append(said)
    return found


def label_of(decision: Decision, statements: Statements, maturity_days: int) -> tuple[int, str | None]:
    """1 where any episode is 1 by its best labeler's newest statement known in time, and the first one's reason."""
    matured_at = decision.decided_at + timedelta(days=maturity_days)
    positive = []
    for entity in decision.entities:
        episodes: dict[datetime, list[Statement]] = defaultdict(list)
        for said in statements.get(entity, ()):
            if decision.decided_at < said.known_at <= matured_at:
                episodes[said.occurred_at].append(said)
        positive += [last for said in episodes.values() if (last := _settled(said)).value == 1]
    if not positive:
        return 0, None
    return 1, min(positive, key=lambda said: (said.known_at, said.reason or "")).reason


def _settled(said: Sequence[Statement]) -> Statement:
    best = min(statement.rank for statement in said)
    counted = [statement for statement in said if statement.rank == best]
    newest = max(statement.known_at for statement in counted)
    return min((statement for statement in counted if statement.known_at == newest), key=lambda one: one.reason or "")
