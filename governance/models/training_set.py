"""Training sets: matured decisions, the features valid when they were made, and the context of the request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from governance.counters.catalogue import named
from governance.counters.offline import counters_of_days
from governance.errors import NotReady
from governance.features.order_context import (
    FEATURE_INPUTS,
    ORDER_CONTEXT,
    ORDER_INPUTS,
    TRENDING_CONTEXT,
    Values,
    days_since,
    order_context,
)
from governance.features.view import View
from governance.labels.decisions import SCHEMA, decisions_of, stops
from governance.labels.definition import LabelDefinition
from governance.models.catalogue import Model
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "5"

PointInTimeJoin = Callable[[pl.DataFrame, Sequence[View]], pl.DataFrame]
"""(rows with `row_id`, keys and `decided_at`; views) to the rows with features and `feature_time:<view>`."""

_ORDER_KEYS = ("buyer_id", "seller_id", "product_id")


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """One row per matured decision before `as_of`; `features` names the columns that a model may see."""

    frame: pl.DataFrame
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Features that rows of one `key` share, or nearly so: for a test, such rows are one observation."""

    name: str
    key: str
    features: tuple[str, ...]


def dataset(name: str) -> str:
    """Where a model's training sets lie in the lake, by their `as_of`."""
    return f"training_sets/{name}"


def build(
    lake: Lake,
    model: Model,
    views: Mapping[str, View],
    *,
    as_of: date,
    join: PointInTimeJoin,
    decided_from: datetime | None = None,
) -> TrainingSet:
    """The training set of a model as of a UTC midnight (excluded).

    Parameters
    ----------
    decided_from
        Leaves out the decisions before this time, when histories were still too short to tell anything.

    Raises
    ------
    NotReady
        No label has matured before `as_of`.
    """
    labels = matured_before(lake, model.label, as_of)
    if decided_from is not None:
        labels = labels.filter(pl.col("decided_at") >= decided_from)
    if labels.is_empty():
        raise NotReady(f"{model.name}: no decision since {decided_from:%Y-%m-%d} has a matured label by {as_of}")
    rows = _with_counters(lake, model, _with_keys(lake, model, labels))
    return assemble(model, views, join(rows, [views[name] for name in model.spec.views if name in views]))


def unlabelled(
    lake: Lake, model: Model, views: Mapping[str, View], *, days: Sequence[date], join: PointInTimeJoin
) -> pl.DataFrame:
    """The inputs of the decisions of `days`, in the columns of a training set but without labels.

    Raises
    ------
    NotReady
        There was no decision on these days.
    """
    stopped = stops(lake, max(days))
    landed = [day for day in days if lake.path("raw/orders", day).exists()]
    made = [decisions_of(lake, model.label, day, stopped) for day in landed]
    rows = pl.concat(made) if made else SCHEMA.to_frame()
    if rows.is_empty():
        raise NotReady(f"{model.name}: no decision was made from {days[0]} to {days[-1]}")
    keyed = _with_counters(lake, model, _with_keys(lake, model, rows))
    return assemble(model, views, join(keyed, [views[name] for name in model.spec.views if name in views])).frame


def matured_before(lake: Lake, label: LabelDefinition, as_of: date) -> pl.DataFrame:
    """Every matured label of a definition, partitions before `as_of` only."""
    days = lake.days(label.dataset, last=as_of - timedelta(days=1))
    labels = lake.read(label.dataset, days) if days else None
    if labels is None or labels.is_empty():
        raise NotReady(f"{label.name}: no decision has a label of {label.maturity_days} days by {as_of}")
    return labels


def assemble(model: Model, views: Mapping[str, View], joined: pl.DataFrame) -> TrainingSet:
    """Turn joined rows into model inputs: recency, counters, request context, as 64-bit floats; the rest aside."""
    present = [views[name] for name in model.spec.views if name in views]
    decided = _seconds(joined["decided_at"])
    derived = {_recency(view): days_since(decided, _floats(joined[view.last_day])) for view in present}
    if model.spec.order_context:
        derived |= order_context(context_inputs(joined))
    names = [name for view in present for name in view.feature_names if name != view.last_day]
    features = [name for name in (*names, *_counted(model), *derived) if name not in model.spec.excluded_features]
    columns = [name for name in joined.columns if name in _ASIDE or name.startswith("feature_time:")]
    frame = joined.with_columns(pl.Series(name, values) for name, values in derived.items())
    return TrainingSet(frame.select(*columns, *(pl.col(name).cast(pl.Float64) for name in features)), tuple(features))


def context_inputs(rows: pl.DataFrame) -> dict[str, Values]:
    """Arrays for `order_context` from rows of orders joined with features; a column that is absent is missing."""
    times = ("ship_by", "deliver_by")
    rate = _floats(rows["reference_rate"])
    inputs = {name: _floats(rows[name]) if name in rows.columns else _missing(rows) for name in FEATURE_INPUTS}
    for name in ORDER_INPUTS:
        if name.endswith("_reference"):
            inputs[name] = np.floor(_floats(rows[name.replace("_reference", "_minor")]) * rate + 0.5)
        elif name in times:
            inputs[name] = _seconds(rows[name])
        elif name != "occurred_at":
            inputs[name] = _floats(rows[name])
    inputs["occurred_at"] = _seconds(rows["decided_at"])
    return inputs


def trending(model: Model, views: Mapping[str, View]) -> frozenset[str]:
    """Features that grow with the age of the marketplace, and those derived from one that does.

    No order lies further back than the marketplace is old, and fewer and fewer keys have none.
    """
    present = [views[name] for name in model.spec.views if name in views]
    grown = {feature.name for view in present for feature in view.features if feature.trending}
    return frozenset(grown | {_recency(view) for view in present} | set(TRENDING_CONTEXT))


def feature_groups(model: Model, views: Mapping[str, View]) -> tuple[FeatureGroup, ...]:
    """The features of a model by what they describe: each view's key, the bursts within the day, and the request.

    The lines of one seller share its promises, its bursts and its listings' photos, weights and prices, so that
    these go by the model's group.
    """
    present = [views[name] for name in model.spec.views if name in views]
    groups = [(view.name, view.key, _features_of(view)) for view in present]
    if model.spec.counters:
        groups.append(("counters", model.spec.group, _counted(model)))
    if model.spec.order_context:
        groups.append(("request", model.spec.group, tuple(ORDER_CONTEXT)))
    excluded = frozenset(model.spec.excluded_features)
    kept = [(name, key, tuple(each for each in features if each not in excluded)) for name, key, features in groups]
    return tuple(FeatureGroup(name, key, features) for name, key, features in kept if features)


def features_of(manifest: Manifest) -> tuple[str, ...]:
    """The feature names that a stored training set's manifest records."""
    return tuple(manifest.facts["features"])


_ASIDE = frozenset(
    {
        *("row_id", "entity_id", "group_id", "decided_at", "matured_at", "label", "label_reason"),
        *("weight", "amount_minor", "market", "category"),
        *_ORDER_KEYS,
    }
)
"""Columns of a training set that are no features."""


def _recency(view: View) -> str:
    return f"{view.name}_days_since_last_order"


def _features_of(view: View) -> tuple[str, ...]:
    """A view's features as models see them: days since the newest order in place of its date."""
    return (*(name for name in view.feature_names if name != view.last_day), _recency(view))


def order_columns() -> list[str]:
    """Columns of `orders` that the request context needs, beside the keys."""
    money = ["price_minor", "shipping_minor", "discount_minor", "subsidy_minor", "reference_rate"]
    others = [name for name in ORDER_INPUTS if not name.endswith("_reference") and name != "occurred_at"]
    return [*money, *others]


def _with_keys(lake: Lake, model: Model, labels: pl.DataFrame) -> pl.DataFrame:
    if model.spec.entity == "seller":
        return labels.with_columns(seller_id=pl.col("entity_id"))
    orders = pl.scan_parquet(lake.paths("raw/orders"), hive_partitioning=False)
    counted_by = {counter.asked_by for counter in named(model.spec.counters)} - {*labels.columns, *_ORDER_KEYS}
    # A line that was delivered on two days is one decision: the first.
    wanted = orders.select("order_line_id", *_ORDER_KEYS, *sorted(counted_by), *order_columns()).unique(
        "order_line_id", keep="first", maintain_order=True
    )
    decided = labels.unique("row_id", keep="first", maintain_order=True)
    return decided.join(wanted.collect(), left_on="row_id", right_on="order_line_id", how="left", validate="1:1")


def _with_counters(lake: Lake, model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    counters = named(model.spec.counters)
    return counters_of_days(lake, rows, counters) if counters else rows


def _counted(model: Model) -> tuple[str, ...]:
    return tuple(feature for counter in named(model.spec.counters) for feature in counter.features)


def _floats(series: pl.Series) -> Values:
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _seconds(series: pl.Series) -> Values:
    """Times as seconds since 1970; missing is NaN."""
    return _floats(series.cast(pl.Int64)) / 1e6


def _missing(rows: pl.DataFrame) -> Values:
    return np.full(rows.height, np.nan)
