"""What a model reads in a request: profiles, counters, recency and context, assembled as for training."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.contracts.epoch import microseconds
from governance.counters.definition import Counter
from governance.decisions.record import Value
from governance.errors import InputError, StoreError
from governance.features.order_context import FEATURE_INPUTS, ORDER_CONTEXT, ORDER_INPUTS, days_since, order_context
from governance.features.view import View

Context = Mapping[str, Any]
"""Columns of the event, named as in the contract tables; times as text or as times."""

_TIMES = ("ship_by", "deliver_by")
_MINOR = {name: name.replace("_reference", "_minor") for name in ORDER_INPUTS if name.endswith("_reference")}
_NUMBERS = tuple(name for name in ORDER_INPUTS if name not in (*_MINOR, *_TIMES, "occurred_at"))


class Inputs:
    """Makes one model's inputs of what is known in a request; `training_set.assemble` is the same for many rows.

    Parameters
    ----------
    features
        What the model reads, in its order.
    views, counters
        Those that its spec names, as far as the marketplace has them.
    of_orders
        Whether its spec names the context of an order.

    Raises
    ------
    StoreError
        The model reads a feature that none of them gives.
    """

    def __init__(
        self, features: Sequence[str], *, views: Sequence[View], counters: Sequence[Counter] = (), of_orders: bool
    ) -> None:
        recency = {f"{view.name}_days_since_last_order": view.last_day for view in views}
        known = {name for view in views for name in view.feature_names}
        known |= {name for counter in counters for name in counter.features}
        context = ORDER_CONTEXT.keys() if of_orders else set[str]()
        if unknown := [name for name in features if name not in known | recency.keys() | context]:
            raise StoreError(
                f"the model reads {', '.join(unknown[:3])}, which nothing in this marketplace gives; train it again"
            )
        self._features = tuple(features)
        self._known = [name for name in features if name in known]
        self._recency = [(name, recency[name]) for name in features if name in recency]
        self._context = [name for name in features if name in context]

    def __call__(self, values: Mapping[str, Value], context: Context, decided_at: datetime) -> dict[str, float]:
        """The model's inputs by name, in its order; what is not known is NaN.

        Parameters
        ----------
        values
            Features and counters by name.
        decided_at
            With a time zone.

        Raises
        ------
        InputError
            A column of the context has another type than in its contract.
        """
        seconds = _seconds(decided_at)
        found = dict.fromkeys(self._features, math.nan)
        for name in self._known:
            value = values.get(name)
            if value is not None:
                found[name] = float(value)
        for name, last_day in self._recency:
            found[name] = days_since(seconds, _number(values.get(last_day)))
        if self._context:
            computed = order_context(_order(values, context, seconds))
            for name in self._context:
                found[name] = computed[name]
        return found


def _order(values: Mapping[str, Value], context: Context, decided: float) -> dict[str, float]:
    """What `order_context` asks for, of one order; `training_set.context_inputs` is the same for many."""
    rate = _given(context, "reference_rate")
    found = {"occurred_at": decided}
    for name in FEATURE_INPUTS:
        found[name] = _number(values.get(name))
    for name, minor in _MINOR.items():
        # Floor division, because `math.floor` knows no NaN.
        found[name] = (_given(context, minor) * rate + 0.5) // 1.0
    for name in _NUMBERS:
        found[name] = _given(context, name)
    for name in _TIMES:
        found[name] = _moment(context, name)
    return found


def _number(value: Value) -> float:
    return math.nan if value is None else float(value)


def _given(context: Context, name: str) -> float:
    value = context.get(name)
    if value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value)
    raise InputError(f"{name} should be a number, not {value!r:.40}")


def _moment(context: Context, name: str) -> float:
    value = context.get(name)
    if value is None:
        return math.nan
    try:
        return _seconds(datetime.fromisoformat(value) if isinstance(value, str) else value)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"{name} should be a time with its zone such as 2026-01-31T12:00:00Z, not {value!r:.40}"
        ) from problem


def _seconds(time: datetime) -> float:
    """Seconds since 1970, rounded as `training_set` rounds them."""
    return microseconds(time) / 1e6
