"""What each raw table adds to the windows: one ibis expression per table, a row per event, measures as integers.

An event counts only what its own row says; nothing is looked up in other tables, so that a day
costs what its rows cost.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

SECONDS_A_DAY = 86_400

Measures = Mapping[str, Any]


def orders(table: Any) -> Measures:
    """Lines ordered and their price, in minor units of the reference currency."""
    return {"orders": _one(table), "revenue": reference_minor(table, "price_minor")}


def cases(table: Any) -> Measures:
    """After-sales cases by kind; a correction of a case (version above 1) does not count again."""
    first = table.version == 1
    return {
        "cases": first,
        "complaints": first & (table.kind == "complaint"),
        "cancellations": first & (table.kind == "cancellation"),
        "refund_cases": first & table.kind.isin(["refund", "return", "dispute"]),
    }


def shipments(table: Any) -> Measures:
    """Scans on the way to the buyer, and those later than promised."""
    forward = table.direction == "forward"
    late = (table.occurred_at > table.due_at).fill_null(False)
    handed_over = forward & (table.kind == "handed_over")
    delivered = forward & (table.kind == "delivered")
    return {
        "handovers": handed_over,
        "late_handovers": handed_over & late,
        "deliveries": delivered,
        "late_deliveries": delivered & late,
    }


def reviews(table: Any) -> Measures:
    """Ratings, low ones (2 stars or fewer) and their sum."""
    return {"reviews": _one(table), "low_reviews": table.rating <= 2, "stars": table.rating}


def enforcements(table: Any) -> Measures:
    """Measures taken against the account."""
    return {"enforcements": _one(table)}


MEASURES: Mapping[str, Callable[[Any], Measures]] = {
    "orders": orders,
    "cases": cases,
    "shipments": shipments,
    "reviews": reviews,
    "enforcements": enforcements,
}

_KEY_COLUMNS = {"enforcements": "subject_id"}
"""Where a table names the key of a view differently from the view."""


def reference_minor(table: Any, column: str) -> Any:
    """An amount in minor units of the reference currency; halves round up, as everywhere in this project."""
    return (table[column] * table.reference_rate + 0.5).floor().cast("int64")


def events(table: Any, *, name: str, key: str, measures: tuple[str, ...], all_measures: tuple[str, ...]) -> Any:
    """The events of one raw table, summed to a row per key, day of occurrence and day of knowledge.

    Rows that add nothing to any measure (a return scan, a corrected case) are no events.

    Parameters
    ----------
    table : ibis table of the contract `name`.
    key : column of the result that holds the view's key.
    measures : those that this table adds; every other one of `all_measures` is zero.

    Returns
    -------
    ibis table: `key`, `occurred_day`, `known_day` (UTC days since 1970), `known_at` (largest),
    `last_order_day` (0 where no order), then `all_measures` as int64.
    """
    source = table.filter(table[_KEY_COLUMNS.get(name, key)].notnull())
    values = MEASURES[name](source)
    rows = source.select(
        **{key: source[_KEY_COLUMNS.get(name, key)]},
        occurred_day=_day(source.occurred_at),
        known_day=_day(source.known_at),
        known_at=source.known_at,
        **{measure: values[measure].cast("int64") for measure in measures},
    )
    counting = rows.filter(reduce(or_, [rows[measure] != 0 for measure in measures]))
    summed = counting.group_by([key, "occurred_day", "known_day"]).agg(
        known_at=counting.known_at.max(),
        **{measure: counting[measure].sum().cast("int64") for measure in measures},
    )
    return summed.select(
        key,
        "occurred_day",
        "known_day",
        "known_at",
        last_order_day=summed.occurred_day if name == "orders" else _zero(),
        **{measure: summed[measure] if measure in measures else _zero() for measure in all_measures},
    )


def _day(timestamp: Any) -> Any:
    return (timestamp.epoch_seconds() // SECONDS_A_DAY).cast("int64")


def _one(table: Any) -> Any:
    return table.known_at.notnull()


def _zero() -> Any:
    import ibis

    return ibis.literal(0, type="int64")
