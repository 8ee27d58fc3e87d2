"""Plays days of a marketplace through the service, in order, and tells what it served from what stands offline.

Every order line and every login is asked about before it counts. What happens is sent as events; a decision that
must not miss them names the token of the last ones.
"""

import math
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
from programs import GOVERN
from serving_process import Connected

from governance.contracts.tables import TABLES
from governance.counters.catalogue import counters_over
from governance.counters.offline import counters_of_days
from governance.decisions.record import Decision
from governance.workspace import Workspace

POINTS = {"orders": "checkout", "sessions": "login"}
KEYS = {"orders": ("buyer_id", "seller_id", "product_id", "category"), "sessions": ("account_id",)}
COUNTED_BY = ("account_id", "buyer_id", "seller_id", "device", "network", "instrument", "address", "coupon")
_SENT_AT_ONCE = 400
_TIMES = pl.Datetime("us", "UTC")

Row = dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """A row of a contract table, and when it reached us."""

    table: str
    event_id: str
    row: Row

    @property
    def asked(self) -> bool:
        """Whether a decision is asked for first."""
        return self.table == "orders" or (self.table == "sessions" and self.row["kind"] == "login")


@dataclass
class Played:
    """How many decisions were answered, and how often one had to be asked again because events were not counted yet."""

    decided: int = 0
    asked_again: int = 0
    tokens: list[str] = field(default_factory=list)


def happenings(workspace: Workspace, *, first: datetime, last: datetime) -> list[Happening]:
    """What the counters count, with personal values in the clear, as it reached us between two moments."""
    tables = {counter.table for counter in counters_over(workspace.marketplace.tables)}
    days = [day for day in workspace.days() if first.date() <= day <= last.date()]
    found = []
    with workspace.source() as source:
        for table in sorted(tables):
            names = [name for name in TABLES[table].key if name != "known_at"]
            for _, rows in source.deliveries(table, days):
                assert isinstance(rows, pl.DataFrame)
                known = rows.filter(pl.col("known_at").is_between(first, last, closed="left"))
                found += [Happening(table, "/".join(str(row[name]) for name in names), row) for row in known.to_dicts()]
    return sorted(found, key=lambda one: (one.row["known_at"], one.table, one.event_id))


def send(running: Connected, played: Played, past: Sequence[Happening]) -> None:
    """Let events count without asking about any."""
    for first in range(0, len(past), _SENT_AT_ONCE):
        _send(running, played, past[first : first + _SENT_AT_ONCE])


def play(running: Connected, played: Played, present: Sequence[Happening], *, at_each: Callable[[int], None]) -> None:
    """Ask about what happens and let it count, in order; `at_each` is told the number of each decision."""
    moments: dict[datetime, list[Happening]] = {}
    for one in present:
        moments.setdefault(one.row["known_at"], []).append(one)
    for now in moments.values():
        # Of what happens at one moment nothing counts before all of it was asked about.
        for one in now:
            if one.asked:
                at_each(played.decided)
                _ask(running, played, one)
        _send(running, played, now)


def question(one: Happening, number: int, after: str) -> Row:
    """What a service asks before a line is ordered or a login let in."""
    row = one.row
    keys = {name: row[name] for name in KEYS[one.table] if row[name] is not None}
    context = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name not in (*keys, "occurred_at", "known_at", "market") and value is not None
    }
    asked = {"entity_id": one.event_id, "request_id": f"{one.table}-{one.event_id}-{number}"}
    about = {"occurred_at": row["known_at"].isoformat(), "market": row["market"], "keys": keys, "context": context}
    return {**asked, **about, **({"after": after} if after else {})}


def _ask(running: Connected, played: Played, one: Happening) -> None:
    number = 0
    while True:
        after = played.tokens[-1] if played.tokens else ""
        answer = running.ask("POST", f"/v1/decisions/{POINTS[one.table]}", question(one, number, after))
        assert answer.status == 200, answer.body
        if "counters" not in answer.body["degraded"]:
            played.decided += 1
            return
        # Events are not counted yet: the service says so, and who must not miss them asks again.
        played.asked_again += 1
        number += 1


def _send(running: Connected, played: Played, happened: Sequence[Happening]) -> None:
    events = [
        {
            "table": one.table,
            "event_id": one.event_id,
            "occurred_at": one.row["occurred_at"].isoformat(),
            "fields": {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in one.row.items()
                if name not in ("occurred_at", "known_at")
            },
        }
        for one in happened
    ]
    answer = running.ask("POST", "/v1/events", {"events": events})
    assert answer.status == 202, answer.body
    if answer.body["token"]:
        played.tokens.append(answer.body["token"])


def mismatches(workspace: Workspace, decisions: Sequence[Decision], *, join: Any) -> list[str]:
    """A sentence for each counter or feature that was served otherwise than it stands offline."""
    offline = _offline(workspace, decisions, join=join)
    found = []
    for decision in decisions:
        wanted = offline[decision.decision_id]
        for name, value in wanted.items():
            served = decision.features.get(name)
            if not _same(served, value):
                found.append(f"{decision.point} {decision.entity_id}: {name} was {served!r}, offline it is {value!r}")
        # A view whose key the point does not name is served as unknown.
        for name in sorted(
            name for name in decision.features.keys() - wanted.keys() if decision.features[name] is not None
        ):
            found.append(f"{decision.point} {decision.entity_id}: {name} is not known offline")
    return found


def _offline(workspace: Workspace, decisions: Sequence[Decision], *, join: Any) -> dict[str, Row]:
    keys = [*COUNTED_BY, "product_id", "category"]
    columns = {"row_id": pl.String, **dict.fromkeys(keys, pl.String), "decided_at": _TIMES}
    rows = [{"row_id": one.decision_id, **_keys(one, keys), "decided_at": one.decided_at} for one in decisions]
    asked = pl.DataFrame(rows, schema=columns)
    counters = counters_over(workspace.marketplace.tables)
    counted = counters_of_days(workspace.lake, asked, counters).select(
        "row_id", *(n for c in counters for n in c.features)
    )
    found = {
        row["row_id"]: {name: value for name, value in row.items() if name != "row_id"} for row in counted.to_dicts()
    }
    views = [
        view for view in workspace.views.values() if view.key in ("buyer_id", "seller_id", "product_id", "category")
    ]
    lines = asked.filter(pl.col("product_id").is_not_null())
    names = [name for view in views for name in view.feature_names]
    for row in join(lines, views).select("row_id", *names).to_dicts() if lines.height else []:
        found[row.pop("row_id")] |= row
    return found


def _keys(decision: Decision, names: Sequence[str]) -> Row:
    said = {**decision.context, **decision.keys}
    return {name: said.get(name) for name in names}


def _same(served: Any, value: Any) -> bool:
    if served is None or value is None:
        return served is None and value is None

    return bool(served == value) or (isinstance(value, float) and math.isnan(value) and served is None)


@dataclass
class Counting:
    """The process that counts, which is killed and started again."""

    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    kills: int = 0

    def start(self) -> None:
        """Start it under the name that it had."""
        command = [GOVERN, "count", "--name", "counting"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it where it stands, and start it again."""
        assert self.process
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()


@contextmanager
def counting(environment: Mapping[str, str]) -> Iterator[Counting]:
    """A consumer for as long as the block lasts; it ends as an operator ends it."""
    running = Counting(environment)
    running.start()
    try:
        yield running
    finally:
        assert running.process
        running.process.terminate()
        assert running.process.wait(30) == 0
