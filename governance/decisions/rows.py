"""Decisions as rows: for the join with features of the past, for labels, and with the features as they were served."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from governance.contracts.schema import Kind
from governance.decisions.points import DecisionPoint
from governance.decisions.record import Decision
from governance.labels.decisions import SCHEMA
from governance.labels.definition import LabelDefinition
from governance.models.rows import Floats
from governance.models.training_set import order_columns

_TIME = Kind.TIMESTAMP.polars
_TIMES = ("ship_by", "deliver_by")


def request_rows(decisions: Sequence[Decision], keys: Sequence[str]) -> pl.DataFrame:
    """One row a decision: `row_id`, `decided_at`, the keys, and the columns of the order as the request gave them.

    They are what a training set's rows are before features are joined.
    """
    order = {name: _times if name in _TIMES else numbers for name in order_columns()}
    return pl.DataFrame(
        {
            "row_id": _texts([one.decision_id for one in decisions]),
            "decided_at": pl.Series([one.decided_at for one in decisions], dtype=_TIME),
            **{key: _texts([_key(one, key) for one in decisions]) for key in keys},
            **{name: read([one.context.get(name) for one in decisions]) for name, read in order.items()},
        }
    )


def served_rows(decisions: Sequence[Decision], names: Sequence[str]) -> pl.DataFrame:
    """One row a decision: the named features as they were served, as 64-bit floats; missing is NaN."""
    return pl.DataFrame({name: numbers([one.features.get(name) for one in decisions]) for name in names})


def label_rows(
    decisions: Sequence[Decision], definition: LabelDefinition, points: Mapping[str, DecisionPoint]
) -> pl.DataFrame:
    """The decisions that a label says something about, in the columns of `labels.decisions.SCHEMA`.

    A label of order lines is about the line that the point decides on, or that the request names; one of sellers about
    the seller that the request names. Decisions that name none are left out.
    """
    about = _ABOUT[definition.decisions]
    found = [(one, entity) for one in decisions if (entity := about(one, points.get(one.point)))]
    rows = [
        {
            "row_id": one.decision_id,
            "entity_id": entity,
            "alternative_id": _text(one.context.get("order_id")) if definition.decisions == "order_lines" else None,
            "group_id": one.keys.get("seller_id"),
            "decided_at": one.decided_at,
            "market": one.market,
            "category": one.keys.get("category"),
            "amount_minor": one.amount_minor,
            "weight": 1.0,
        }
        for one, entity in found
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def numbers(values: Sequence[Any]) -> Floats:
    """Numbers and truth values as floats; whatever is neither is missing."""
    return np.array([float(value) if isinstance(value, int | float) else np.nan for value in values])


def _key(decision: Decision, key: str) -> str | None:
    """A key that the request names, or has as a column of the event: a device, an instrument."""
    return decision.keys.get(key) or _text(decision.context.get(key))


def _line(decision: Decision, point: DecisionPoint | None) -> str | None:
    if point is not None and point.entity == "order_line":
        return decision.entity_id
    return _text(decision.context.get("order_line_id"))


def _seller(decision: Decision, point: DecisionPoint | None) -> str | None:
    if point is not None and point.entity == "seller":
        return decision.entity_id
    return decision.keys.get("seller_id")


_ABOUT: Mapping[str, Callable[[Decision, DecisionPoint | None], str | None]] = {
    "order_lines": _line,
    "active_sellers": _seller,
}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(values: Sequence[str | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def _times(values: Sequence[Any]) -> pl.Series:
    return pl.Series([_time(value) for value in values], dtype=_TIME)


def _time(value: Any) -> datetime | None:
    """A time with its zone; a model that reads it has refused anything else when it was asked."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found if isinstance(found, datetime) and found.tzinfo else None
