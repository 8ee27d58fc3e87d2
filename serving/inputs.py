"""What a model reads in a request: stored features, recency and context, assembled as for training."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from feature_repo.online_reader import Value
from governance.errors import InputError, StoreError
from governance.features.order_context import FEATURE_INPUTS, ORDER_CONTEXT, ORDER_INPUTS, days_since, order_context
from governance.features.view import View

Context = Mapping[str, Any]
Inputs = Callable[[Mapping[str, Value], Context, datetime], dict[str, float]]
"""From features by name, the request's context and the time of the decision to what a model reads, in its order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMES = ("ship_by", "deliver_by")
_MONEY = tuple(name for name in ORDER_INPUTS if name.endswith("_reference"))
_NUMBERS = tuple(name for name in ORDER_INPUTS if name not in (*_MONEY, *_TIMES, "occurred_at"))
_MINOR = {name: name.replace("_reference", "_minor") for name in _MONEY}


def compiled(features: Sequence[str], *, views: Sequence[View], order_context_too: bool) -> Inputs:
    """The function that makes a model's inputs.

    Parameters
    ----------
    features
        What the model reads, in its order.
    views
        Those that its spec names, as far as the marketplace has them.
    order_context_too
        Whether its spec names the context of an order.

    Raises
    ------
    StoreError
        The model reads a feature that none of them gives.
    """
    recency = {f"{view.name}_days_since_last_order": view.last_day for view in views}
    stored = {feature for view in views for feature in view.feature_names}
    known = stored | recency.keys() | (ORDER_CONTEXT.keys() if order_context_too else set())
    if unknown := [name for name in features if name not in known]:
        raise StoreError(
            f"the model reads {', '.join(unknown[:3])}, which no view of this marketplace gives; train it again"
        )
    recent = [(name, recency[name]) for name in features if name in recency]
    of_order = [name for name in features if name in ORDER_CONTEXT]

    def inputs(values: Mapping[str, Value], context: Context, decided_at: datetime) -> dict[str, float]:
        seconds = _seconds(decided_at)
        found = {name: _number(values.get(name)) for name in features}
        for name, last_day in recent:
            found[name] = days_since(seconds, _number(values.get(last_day)))
        if of_order:
            computed = order_context(_of_order(values, context, seconds))
            found.update((name, computed[name]) for name in of_order)
        return found

    return inputs


def _of_order(values: Mapping[str, Value], context: Context, decided: float) -> dict[str, float]:
    """What `order_context` asks for, of one order; `training_set.context_inputs` is the same for many."""
    rate = _given(context, "reference_rate")
    found = {name: _number(values.get(name)) for name in FEATURE_INPUTS}
    for name, minor in _MINOR.items():
        amount = _given(context, minor) * rate + 0.5
        found[name] = amount // 1.0
    for name in _NUMBERS:
        found[name] = _given(context, name)
    for name in _TIMES:
        found[name] = _moment(context, name)
    found["occurred_at"] = decided
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
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        return _seconds(time)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"{name} should be a time with its zone such as 2026-01-31T12:00:00Z, not {value!r:.40}"
        ) from problem


def _seconds(time: datetime) -> float:
    """Seconds since 1970, rounded as `training_set` rounds them."""
    return (time - _EPOCH) // _MICROSECOND / 1e6
