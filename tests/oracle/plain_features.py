"""The windowed features of the design, recomputed for one key and one moment by looping over its events.

Day rules: an event counts from the midnight after the day on which it became known, and in a window of
N days until the midnight N days after the one that ends its own day. Values are valid from a midnight
plus the landing delay.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from plain_rows import Row, day_number, start_of, whole

from governance.contracts.calendar import LANDING_DELAY, WINDOW_DAYS

Values = dict[str, int | float | None]


def _orders(row: Row) -> dict[str, int]:
    return {"orders": 1, "revenue": whole(row["price_minor"] * row["reference_rate"])}


def _cases(row: Row) -> dict[str, int]:
    if row["version"] != 1:
        return {}
    return {
        "cases": 1,
        "complaints": int(row["kind"] == "complaint"),
        "cancellations": int(row["kind"] == "cancellation"),
        "refund_cases": int(row["kind"] in ("refund", "return", "dispute")),
    }


def _shipments(row: Row) -> dict[str, int]:
    late = int(row["due_at"] is not None and row["occurred_at"] > row["due_at"])
    if row["direction"] != "forward":
        return {}
    if row["kind"] == "handed_over":
        return {"handovers": 1, "late_handovers": late}
    return {"deliveries": 1, "late_deliveries": late} if row["kind"] == "delivered" else {}


def _reviews(row: Row) -> dict[str, int]:
    return {"reviews": 1, "low_reviews": int(row["rating"] <= 2), "stars": row["rating"]}


def _enforcements(_: Row) -> dict[str, int]:
    return {"enforcements": 1}


MEASURES: Mapping[str, Callable[[Row], dict[str, int]]] = {
    "orders": _orders,
    "cases": _cases,
    "shipments": _shipments,
    "reviews": _reviews,
    "enforcements": _enforcements,
}

_CASE_RATE = {"case_rate": ("cases", "orders")}
_PRICE_MEAN = {"price_mean": ("revenue", "orders")}
_LOW_REVIEWS = {"low_review_rate": ("low_reviews", "reviews")}
_LATE_DELIVERIES = {"late_delivery_rate": ("late_deliveries", "deliveries")}


@dataclass(frozen=True)
class Described:
    """What the catalogue of the project promises of a view."""

    key: str
    measures: tuple[str, ...]
    rates: Mapping[str, tuple[str, str]]


VIEWS: Mapping[str, Described] = {
    "buyer": Described(
        "buyer_id",
        ("orders", "revenue", "cases", "complaints", "refund_cases", "reviews", "low_reviews"),
        _CASE_RATE | _LOW_REVIEWS | _PRICE_MEAN,
    ),
    "seller": Described(
        "seller_id",
        (
            *("orders", "revenue", "cases", "complaints", "cancellations", "refund_cases"),
            *("handovers", "late_handovers", "deliveries", "late_deliveries"),
            *("reviews", "low_reviews", "stars", "enforcements"),
        ),
        {
            **_CASE_RATE,
            **_LOW_REVIEWS,
            **_PRICE_MEAN,
            **_LATE_DELIVERIES,
            "rating_mean": ("stars", "reviews"),
            "handover_rate": ("handovers", "orders"),
            "late_handover_rate": ("late_handovers", "handovers"),
        },
    ),
    "product": Described(
        "product_id",
        ("orders", "revenue", "cases", "reviews", "low_reviews"),
        _CASE_RATE | _LOW_REVIEWS | _PRICE_MEAN,
    ),
    "category": Described(
        "category",
        ("orders", "revenue", "cases", "deliveries", "late_deliveries", "reviews", "low_reviews"),
        _CASE_RATE | _LOW_REVIEWS | _PRICE_MEAN | _LATE_DELIVERIES,
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """What one raw row adds to its key."""

    occurred_day: int
    known_day: int
    adds: Mapping[str, int]


class Features:
    """Every event of every key, to be asked what was known of a key at a moment."""

    def __init__(self, raw: Mapping[str, Iterable[Row]]) -> None:
        self._events: dict[str, dict[str, list[Event]]] = {view: defaultdict(list) for view in VIEWS}
        for table, measures in MEASURES.items():
            for row in raw[table]:
                self._add(table, row, measures(row))

    def _add(self, table: str, row: Row, adds: Mapping[str, int]) -> None:
        for view, described in VIEWS.items():
            key = row.get("subject_id" if table == "enforcements" and view == "seller" else described.key)
            counted = {name: value for name, value in adds.items() if name in described.measures}
            if key is not None and any(counted.values()):
                event = Event(day_number(row["occurred_at"]), day_number(row["known_at"]), counted)
                self._events[view][key].append(event)

    def at(self, view: str, key: str, moment: datetime) -> tuple[datetime | None, Values]:
        """When the values valid at a moment became valid (None: nothing was known), and the values."""
        newest = day_number(moment - LANDING_DELAY) - 1
        known = [event for event in self._events[view].get(key, ()) if event.known_day <= newest]
        if not known:
            return None, dict.fromkeys(_names(view))
        changed = max(day for event in known for day in _changes(event) if day <= newest)
        return start_of(changed + 1) + LANDING_DELAY, _values(view, known, newest)


def _changes(event: Event) -> list[int]:
    """The days at whose end an event enters or leaves a window."""
    exits = [event.occurred_day + days for days in WINDOW_DAYS]
    return [event.known_day, *(day for day in exits if event.known_day < day)]


def _values(view: str, known: list[Event], newest: int) -> Values:
    described, values = VIEWS[view], Values()
    for window in (*WINDOW_DAYS, None):
        inside = [event for event in known if window is None or newest < event.occurred_day + window]
        suffix = "lifetime" if window is None else f"{window}d"
        sums = {name: sum(event.adds.get(name, 0) for event in inside) for name in described.measures}
        values |= {f"{view}_{name}_{suffix}": total for name, total in sums.items()}
        for rate, (numerator, denominator) in described.rates.items():
            values[f"{view}_{rate}_{suffix}"] = sums[numerator] / sums[denominator] if sums[denominator] else None
    ordered = [event.occurred_day for event in known if "orders" in event.adds]
    values[f"{view}_last_order_day"] = max(ordered, default=None)
    return values


def _names(view: str) -> list[str]:
    described = VIEWS[view]
    suffixes = [*(f"{days}d" for days in WINDOW_DAYS), "lifetime"]
    sums = [f"{view}_{name}_{suffix}" for name in (*described.measures, *described.rates) for suffix in suffixes]
    return [*sums, f"{view}_last_order_day"]
