"""What a request's model reads equals what its training set would have held, bit for bit."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counters.catalogue import named
from governance.errors import InputError, StoreError
from governance.features.catalogue import VIEWS
from governance.features.order_context import FEATURE_INPUTS, ORDER_CONTEXT, ORDER_INPUTS, days_since, order_context
from governance.features.view import View
from governance.labels.definition import label_definitions
from governance.models.catalogue import CLAIM, MERCHANT_FRAUD, Model
from governance.models.spec import ModelSpec
from governance.models.training_set import assemble, order_columns
from governance.workspace import Workspace
from serving.inputs import Inputs

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SPECS = {"claim": CLAIM, "merchant_fraud": MERCHANT_FRAUD}
WHOLE = ("line_count", "instalments", "listing_photos", "listing_description_characters", "parcel_weight_grams")


def joined_rows(spec: ModelSpec, count: int, *, seed: int = 3) -> pl.DataFrame:
    """Decisions as `assemble` gets them: features, columns of orders, and a tenth of everything missing."""
    chance = np.random.default_rng(seed)

    def column(values: Any, dtype: Any) -> pl.Series:
        return pl.Series([None if chance.random() < 0.1 else value for value in values.tolist()], dtype=dtype)

    columns: dict[str, pl.Series] = {}
    for view in (VIEWS[name] for name in spec.views):
        for feature in view.features:
            numbers = (
                chance.integers(0, 4_000, count) if feature.kind.polars == pl.Int64 else chance.lognormal(size=count)
            )
            columns[feature.name] = column(numbers, feature.kind.polars)
        columns[view.last_day] = column(chance.choice([0, 20_400, 20_510], count), pl.Int64)
    decided = [DAY + timedelta(microseconds=int(one)) for one in chance.integers(0, 10**12, count)]
    for counter in named(spec.counters):
        columns |= {name: column(chance.integers(0, 50, count), pl.Int64) for name in counter.features}
    columns["decided_at"] = pl.Series(decided, dtype=pl.Datetime("us", "UTC"))
    if spec.order_context:
        columns |= {name: _order_column(name, decided, count, chance, column) for name in order_columns()}
    return pl.DataFrame(columns)


def _order_column(name: str, decided: list[datetime], count: int, chance: Any, column: Any) -> pl.Series:
    if name in ("ship_by", "deliver_by"):
        later = [
            one + timedelta(microseconds=int(more))
            for one, more in zip(decided, chance.integers(0, 10**12, count), strict=True)
        ]
        return pl.Series([None if chance.random() < 0.1 else one for one in later], dtype=pl.Datetime("us", "UTC"))
    if name.endswith(("_latitude", "_longitude")):
        return column(chance.uniform(-90, 90, count), pl.Float64)
    if name == "reference_rate":
        return column(chance.choice([1.0, 0.0625, 0.19], count), pl.Float64)
    return column(chance.integers(0, 50 if name in WHOLE else 10**6, count), pl.Int64)


def asked(spec: ModelSpec, row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], datetime]:
    """A joined row as a request brings it: features by name, context as JSON, the time."""
    names = [name for view in spec.views for name in VIEWS[view].feature_names]
    names += [name for counter in named(spec.counters) for name in counter.features]
    context = {name: row[name] for name in order_columns() if name in row}
    travelled = json.loads(json.dumps(context, default=datetime.isoformat))
    return {name: row[name] for name in names}, travelled, row["decided_at"]


def inputs_of(spec: ModelSpec, features: Sequence[str], views: Mapping[str, View]) -> Inputs:
    present = [views[name] for name in spec.views if name in views]
    return Inputs(features, views=present, counters=named(spec.counters), of_orders=spec.order_context)


@pytest.mark.parametrize("name", SPECS)
def test_inputs_of_single_requests_are_the_rows_of_a_training_set(name: str) -> None:
    spec = SPECS[name]
    rows = joined_rows(spec, 600)
    expected = assemble(Model(spec, label_definitions()[name]), VIEWS, rows)
    inputs = inputs_of(spec, expected.features, VIEWS)
    found = [inputs(*asked(spec, row)) for row in rows.iter_rows(named=True)]
    assert {tuple(one) for one in found} == {expected.features}
    wanted = expected.frame.select(expected.features).fill_null(float("nan")).to_numpy()
    assert np.array_equal(np.array([list(one.values()) for one in found]), wanted, equal_nan=True)


NUMBERS = st.one_of(st.just(float("nan")), st.floats(-1e9, 1e9), st.integers(0, 10**6).map(float))


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys((*ORDER_INPUTS, *FEATURE_INPUTS), NUMBERS)))
def test_the_context_of_one_order_has_the_bits_of_that_of_many(line: dict[str, float]) -> None:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        many = order_context({name: np.array([value] * 3) for name, value in line.items()})
        one = order_context(line)
    assert list(one) == list(many)
    for name, value in one.items():
        assert np.array_equal(np.full(3, value), many[name], equal_nan=True), name


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS)
def test_the_recency_of_one_entity_has_the_bits_of_that_of_many(decided: float, day: float) -> None:
    many = days_since(np.array([decided]), np.array([day]))
    assert np.array_equal([days_since(decided, day)], many, equal_nan=True)


def test_features_that_are_not_known_are_missing() -> None:
    inputs = Inputs(("seller_orders_30d", "seller_days_since_last_order"), views=[VIEWS["seller"]], of_orders=False)
    found = inputs({}, {}, DAY)
    assert all(np.isnan(value) for value in found.values())
    assert list(found) == ["seller_orders_30d", "seller_days_since_last_order"]


def test_a_time_may_come_as_text_of_any_zone_or_as_a_time() -> None:
    inputs = Inputs(("order_promised_days",), views=[], of_orders=True)
    due = DAY + timedelta(days=2)
    spoken: list[Any] = [due, "2026-03-03T00:00:00Z", "2026-03-03T02:30:00+02:30", due.isoformat()]
    assert {inputs({}, {"deliver_by": one}, DAY)["order_promised_days"] for one in spoken} == {2.0}


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"deliver_by": "tomorrow"}, "deliver_by should be a time"),
        ({"ship_by": "2026-03-03T00:00:00"}, "ship_by should be a time with its zone"),
        ({"ship_by": 5}, "ship_by should be a time"),
        ({"price_minor": "cheap"}, "price_minor should be a number, not 'cheap'"),
    ],
    ids=["no time", "no zone", "a number", "no number"],
)
def test_a_column_of_the_wrong_type_is_refused_by_name(context: dict[str, Any], said: str) -> None:
    inputs = Inputs(tuple(ORDER_CONTEXT), views=[], of_orders=True)
    with pytest.raises(InputError, match=said):
        inputs({}, context, DAY)


@pytest.mark.parametrize(
    ("features", "views", "context"),
    [
        (("seller_orders_30d",), [], True),
        (("order_price",), [VIEWS["seller"]], False),
        (("buyer_days_since_last_order",), [VIEWS["seller"]], True),
    ],
)
def test_a_model_that_reads_what_nobody_gives_is_refused(
    features: tuple[str, ...], views: list[View], context: bool
) -> None:
    with pytest.raises(StoreError, match=f"reads {features[0]}, which nothing"):
        Inputs(features, views=views, of_orders=context)


@pytest.mark.long
def test_scores_of_real_orders_are_the_batch_scores_bit_for_bit(
    own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    from assets.feast_store import joiner
    from governance.models.artifact import load_scorer
    from governance.models.training_set import unlabelled
    from serving.scorer import RowScorer

    workspace = bazaar_at(own_settled)
    model = workspace.models.present["claim"]
    pointer = workspace.registry.pointer("claim")
    assert pointer is not None
    files = workspace.registry.files("claim", pointer.champion)
    join, days = joiner(workspace), workspace.lake.days("raw/orders")[-2:]
    seen: list[pl.DataFrame] = []

    def remembering(rows: pl.DataFrame, views: Any) -> pl.DataFrame:
        seen.append(join(rows, views))
        return seen[-1]

    rows = unlabelled(workspace.lake, model, workspace.views, days=days, join=remembering)
    scorer = RowScorer(files)
    inputs = inputs_of(model.spec, scorer.features, workspace.views)
    found = [scorer.score(inputs(*asked(model.spec, row))) for row in seen[0].iter_rows(named=True)]
    assert len(found) > 100
    assert found == load_scorer(files).score(rows).tolist()
