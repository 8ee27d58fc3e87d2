"""The decision ledger in the lake: a partition holds what was decided about the events of one UTC day."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from governance.contracts.schema import Kind
from governance.decisions.ledger import DayMark, DecisionLedger, span
from governance.decisions.points import DecisionPoint, load_points
from governance.decisions.record import Decision, decoded, encoded
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "1"
DATASET = "decisions/ledger"

_TIME = Kind.TIMESTAMP.polars
SCHEMA = pl.Schema(
    {
        "decision_id": pl.String(),
        "point": pl.String(),
        "entity_id": pl.String(),
        "market": pl.String(),
        "decided_at": _TIME,
        "recorded_at": _TIME,
        "amount_minor": pl.Int64(),
        "proposed": pl.String(),
        "action": pl.String(),
        "explored": pl.Boolean(),
        "propensity": pl.Float64(),
        "arm": pl.String(),
        "degraded": pl.String(),
        "latency_us": pl.Int64(),
        "body": pl.String(),
    }
)
"""Columns of a landed decision: what one asks for most often, then the whole decision as JSON."""

OnDay = Callable[[date, Manifest], None]


def stale_days(lake: Lake, ledger: DecisionLedger, days: Sequence[date]) -> list[date]:
    """Days that were never landed, or to which something was appended since."""
    marks, stored = ledger.days(), lake.manifests(DATASET)
    return [
        day for day in days if (found := stored.get(day)) is None or found.fingerprint != _made_from(marks.get(day))
    ]


def build(lake: Lake, ledger: DecisionLedger, days: Sequence[date], on_day: OnDay) -> None:
    """Land each of these days whole; one on which nothing was decided is an empty partition."""
    # The marks first: what is appended while a day is read makes it stale again.
    points, marks = load_points(), ledger.days()
    for day in days:
        mark = marks.get(day)
        decisions = list(ledger.between(*span(day))) if mark else []
        manifest = lake.write(
            DATASET,
            day,
            frame_of(decisions),
            key=["decision_id"],
            fingerprint=_made_from(mark),
            facts=facts_of(decisions, points),
        )
        on_day(day, manifest)


def landed(lake: Lake, days: Sequence[date]) -> list[Decision]:
    """The decisions of the days that have landed, in order of their events."""
    if not any(lake.path(DATASET, day).exists() for day in days):
        return []
    frame = lake.read(DATASET, days).sort("decided_at", "decision_id")
    return [decoded(body) for body in frame["body"]]


def frame_of(decisions: Sequence[Decision]) -> pl.DataFrame:
    """Decisions in the columns of `SCHEMA`."""
    rows = [
        {name: getattr(one, name, None) for name in SCHEMA}
        | {"degraded": " ".join(one.degraded), "body": encoded(one).decode()}
        for one in decisions
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def facts_of(decisions: Sequence[Decision], points: Mapping[str, DecisionPoint]) -> dict[str, Any]:
    """The figures of a day: how many, what was done, how blind, how fast. Shares are absent where nothing was asked."""
    if not decisions:
        return {"decisions": 0, "said": "nothing was decided on this day"}
    latencies = np.array([one.latency_us for one in decisions]) / 1000
    known = [(one, points[one.point]) for one in decisions if one.point in points]
    by_point: dict[str, dict[str, int]] = {}
    for one in decisions:
        actions = by_point.setdefault(one.point, {})
        actions[one.action] = actions.get(one.action, 0) + 1
    return {
        "decisions": len(decisions),
        "acted_share": _share(one.action != point.mildest for one, point in known),
        "hurting_share": _share(one.action in point.actions and point.hurts(one.action) for one, point in known),
        "explored_share": _share(one.explored for one in decisions),
        "degraded_share": _share(bool(one.degraded) for one in decisions),
        "latency_p50_ms": float(np.percentile(latencies, 50)),
        "latency_p99_ms": float(np.percentile(latencies, 99)),
        "actions": by_point,
    }


def _share(met: Any) -> float:
    found = list(met)
    return sum(found) / len(found) if found else 0.0


def _made_from(mark: DayMark | None) -> str:
    return fingerprint(CODE_VERSION, [mark.rows, mark.newest] if mark else None)
