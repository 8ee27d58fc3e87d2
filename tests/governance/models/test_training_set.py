"""Training sets: one row per matured decision, inputs as numbers, and the same rows whenever they are asked for."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import ibis
import numpy as np
import polars as pl
import pytest
from history_join import history_join
from raw_events import Happening, days_from_first, land_day, land_raw, random_happenings, raw_row, rows_of

from governance.contracts.calendar import midnight
from governance.contracts.tables import TABLES
from governance.errors import NotReady
from governance.features import build as features
from governance.features.catalogue import VIEWS
from governance.features.events import reference_minor
from governance.features.order_context import ORDER_CONTEXT
from governance.labels import matured, statements
from governance.labels.decisions import decisions_of, stops
from governance.labels.definition import label_definitions
from governance.labels.ledger import LabelLedger
from governance.models.catalogue import CLAIM, MERCHANT_FRAUD, Model
from governance.models.training_set import TrainingSet, build, context_inputs, matured_before, unlabelled
from governance.storage.lake import Lake

DAYS = days_from_first(20)
A_DAY = timedelta(days=1)
AS_OF = DAYS[-1] + A_DAY
MODELS = {
    "claim": Model(CLAIM, label_definitions()["claim"].with_maturity(4)),
    "merchant_fraud": Model(MERCHANT_FRAUD, label_definitions()["merchant_fraud"].with_maturity(4)),
}


@dataclass(frozen=True)
class Place:
    """A lake with raw rows, features and labels."""

    lake: Lake
    raw: dict[str, list[dict[str, object]]]

    def set_of(self, name: str, *, as_of: date = AS_OF) -> TrainingSet:
        return build(self.lake, MODELS[name], VIEWS, as_of=as_of, join=history_join(self.lake))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("place")
    lake, ledger = Lake(root / "lake"), LabelLedger(root / "labels.sqlite")
    happenings = [*random_happenings(17, days=20, count=250), *(Happening("orders", 1, 6, 0, 1, 1) for _ in range(3))]
    land_raw(lake, happenings, DAYS)
    raw = rows_of(happenings)
    twice = next(row for row in raw["orders"] if row["known_at"].date() == DAYS[6])
    later = [row for row in raw["orders"] if row["known_at"].date() == DAYS[7]]
    land_day(lake, "orders", DAYS[7], [*later, twice | {"known_at": midnight(DAYS[7]), "price_minor": 999_999}])
    cases = [_case_of(row) for row in raw["orders"][::3] if row["known_at"].date() < DAYS[-2]]
    for day in DAYS:
        land_day(lake, "cases", day, [row for row in cases if row["known_at"].date() == day])
        land_day(lake, "labels", day, [])
    for view in VIEWS.values():
        features.build(lake, view, first_day=DAYS[0], first=DAYS[0], last=DAYS[-1])
    labels = [model.label for model in MODELS.values()]
    statements.record_days(lake, ledger, labels, DAYS)
    for label in labels:
        matured.build(lake, ledger, label, DAYS)
    return Place(lake, raw | {"cases": cases})


def _case_of(order: dict[str, object]) -> dict[str, object]:
    """A case on the day after an order became known."""
    known_at = order["known_at"]
    assert isinstance(known_at, datetime)
    keys = ("order_line_id", "order_id", "buyer_id", "seller_id", "product_id", "category")
    values = {name: order[name] for name in keys} | {"case_id": f"case of {order['order_line_id']}"}
    return raw_row("cases", **values, known_at=known_at + A_DAY, occurred_at=known_at + A_DAY)


@pytest.mark.parametrize("name", MODELS)
def test_a_training_set_has_one_row_per_matured_decision(place: Place, name: str) -> None:
    built = place.set_of(name)
    labelled = place.lake.read(MODELS[name].label.dataset, DAYS)
    assert built.frame["row_id"].is_unique().all()
    assert set(built.frame["row_id"]) == set(labelled["row_id"])
    assert (built.frame["matured_at"] < midnight(AS_OF)).all()
    assert (built.frame["matured_at"] - built.frame["decided_at"]).unique().to_list() == [timedelta(days=4)]


def test_a_line_that_two_days_deliver_is_one_decision_with_the_first_ones_price(place: Place) -> None:
    frame, labelled = place.set_of("claim").frame, place.lake.read(MODELS["claim"].label.dataset, DAYS)
    assert labelled.height == frame.height + 1
    assert frame["order_price"].max() < 999_999


@pytest.mark.parametrize("name", MODELS)
def test_features_are_floats_and_everything_else_stands_beside_them(place: Place, name: str) -> None:
    built = place.set_of(name)
    aside = [column for column in built.frame.columns if column not in built.features]
    assert {built.frame.schema[feature] for feature in built.features} == {pl.Float64()}
    assert len(set(built.features)) == len(built.features)
    assert {"row_id", "entity_id", "group_id", "decided_at", "matured_at", "label", "label_reason"} <= set(aside)
    assert {"weight", "amount_minor", "market", "category"} <= set(aside)
    assert {column for column in aside if column.startswith("feature_time:")} == {
        f"feature_time:{view}" for view in MODELS[name].spec.views
    }
    assert [feature for feature in built.features if feature.endswith("last_order_day")] == []


def test_only_a_model_with_a_request_sees_the_order_context(place: Place) -> None:
    assert set(ORDER_CONTEXT) <= set(place.set_of("claim").features)
    assert not set(ORDER_CONTEXT) & set(place.set_of("merchant_fraud").features)


def test_excluded_features_and_absent_views_are_left_out(place: Place) -> None:
    model = MODELS["claim"]
    excluded = ("order_price", "seller_orders_7d")
    narrowed = replace(model, spec=replace(model.spec, excluded_features=excluded))
    views = {name: VIEWS[name] for name in ("seller", "buyer")}
    built = build(place.lake, narrowed, views, as_of=AS_OF, join=history_join(place.lake))
    assert not set(excluded) & {*built.features, *built.frame.columns}
    assert [name for name in built.features if name.startswith(("product_", "category_"))] == []
    assert built.frame["order_price_to_product"].is_nan().all()
    assert built.frame["order_price_to_seller"].is_not_nan().any()


@pytest.mark.parametrize("name", MODELS)
def test_decisions_of_the_burn_in_are_left_out(place: Place, name: str) -> None:
    first = midnight(DAYS[8])
    everything = place.set_of(name).frame
    built = build(place.lake, MODELS[name], VIEWS, as_of=AS_OF, join=history_join(place.lake), decided_from=first).frame
    kept = everything.filter(pl.col("decided_at") >= first)
    assert 0 < kept.height < everything.height
    assert built.sort("row_id").equals(kept.sort("row_id"), null_equal=True)


def test_a_burn_in_without_an_end_leaves_nothing_to_train_on(place: Place) -> None:
    with pytest.raises(NotReady, match="no decision since"):
        build(
            place.lake,
            MODELS["claim"],
            VIEWS,
            as_of=AS_OF,
            join=history_join(place.lake),
            decided_from=midnight(AS_OF),
        )


@pytest.mark.parametrize("name", MODELS)
def test_building_again_gives_the_same_rows(place: Place, name: str) -> None:
    assert place.set_of(name).frame.equals(place.set_of(name).frame, null_equal=True)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("earlier", [8, 13])
def test_an_earlier_set_is_that_part_of_a_later_one_that_had_matured(place: Place, name: str, earlier: int) -> None:
    before, after = place.set_of(name, as_of=DAYS[earlier]).frame, place.set_of(name).frame
    assert 0 < before.height < after.height
    common = after.join(before, on="row_id", how="semi").sort("row_id")
    assert common.equals(before.sort("row_id"), null_equal=True)


def test_labels_that_mature_on_the_day_itself_come_with_the_next_set(place: Place) -> None:
    label = MODELS["claim"].label
    matured_then = place.lake.read(label.dataset, [DAYS[12]])["row_id"]
    assert len(matured_then) > 0
    assert not set(matured_then) & set(matured_before(place.lake, label, DAYS[12])["row_id"])
    assert set(matured_then) <= set(matured_before(place.lake, label, DAYS[13])["row_id"])


def test_without_a_matured_label_there_is_no_training_set_and_a_reason(place: Place) -> None:
    with pytest.raises(NotReady, match=f"claim: no decision has a label of 4 days by {DAYS[2]}"):
        place.set_of("claim", as_of=DAYS[2])


@pytest.mark.parametrize("name", MODELS)
def test_the_same_decisions_have_the_same_inputs_before_their_labels_are_known(place: Place, name: str) -> None:
    built, model = place.set_of(name), MODELS[name]
    live = unlabelled(place.lake, model, VIEWS, days=DAYS, join=history_join(place.lake))
    assert not {"label", "label_reason", "matured_at"} & set(live.columns)
    both = live.join(built.frame, on="row_id", how="semi").unique("row_id").sort("row_id")
    assert both.height == built.frame.height < live.height
    assert both.select(built.features).equals(built.frame.sort("row_id").select(built.features), null_equal=True)


def test_days_without_a_decision_are_not_ready(place: Place) -> None:
    with pytest.raises(NotReady, match="claim: no decision was made from"):
        unlabelled(place.lake, MODELS["claim"], VIEWS, days=[AS_OF + 9 * A_DAY], join=history_join(place.lake))


@pytest.mark.parametrize(
    ("minor", "rate", "whole"),
    [(101, 0.5, 51), (103, 0.5, 52), (1, 0.5, 1), (0, 0.5, 0), (100, 0.054, 5), (7, 1.0, 7), (3, 0.4999999, 1)],
)
def test_money_rounds_alike_in_features_decisions_and_context(
    tmp_path: Path, minor: int, rate: float, whole: int
) -> None:
    """Three engines compute the reference amount; halves round up in each."""
    day = DAYS[0]
    row = raw_row("orders", price_minor=minor, reference_rate=rate, occurred_at=midnight(day), known_at=midnight(day))
    land_day(Lake(tmp_path), "orders", day, [row])
    orders = Lake(tmp_path).read("raw/orders", [day])
    table = ibis.memtable(orders.select("price_minor", "reference_rate").to_arrow())
    in_features = ibis.to_sql(table.select(found=reference_minor(table, "price_minor")), dialect="duckdb")
    with duckdb.connect() as connection:
        connection.register(table.get_name(), orders.to_arrow())
        assert connection.sql(str(in_features)).fetchall() == [(whole,)]
    decided = decisions_of(Lake(tmp_path), MODELS["claim"].label, day, stops(Lake(tmp_path), day))
    assert decided["amount_minor"].to_list() == [whole]
    context = context_inputs(orders.rename({"occurred_at": "decided_at"}))
    assert context["price_reference"].tolist() == [float(whole)]


def test_absent_columns_and_nulls_are_missing_values() -> None:
    orders = TABLES["orders"].empty().rename({"occurred_at": "decided_at"})
    one = pl.concat(
        [
            orders,
            pl.DataFrame(
                [{"price_minor": 5, "reference_rate": 2.0}],
                schema_overrides={"price_minor": pl.Int64, "reference_rate": pl.Float64},
            ),
        ],
        how="diagonal",
    )
    inputs = context_inputs(one)
    present = {name for name, values in inputs.items() if not np.isnan(values).any()}
    assert present == {"price_reference"}
    assert inputs["price_reference"].tolist() == [10.0]
