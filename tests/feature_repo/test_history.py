"""Historical retrieval through Feast: what decisions saw, in the shape that training sets take."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feature_repo.history import point_in_time
from governance.errors import InputError, StoreError
from governance.features.view import View

SELLER = "seller_count0_1d"
BUYER = "buyer_count0_1d"


@pytest.fixture(scope="module")
def store(
    tmp_path_factory: pytest.TempPathFactory,
    workspace_at: Callable[[Path], Any],
    view_of: Callable[..., View],
    spec_of: Callable[..., Any],
) -> Any:
    workspace = workspace_at(tmp_path_factory.mktemp("history"))
    store = workspace.open()
    views = [view_of("seller"), view_of("buyer")]
    workspace.apply(store, views, [spec_of("claim", ["seller", "buyer"])])
    workspace.land(views[0], 0, {"s1": 10, "s2": 20})
    workspace.land(views[0], 2, {"s1": 12}, created_hours=48)
    workspace.land(views[1], 1, {"b1": 100})
    return store


def decisions(rows: list[tuple[str, str | None, str, datetime]]) -> pl.DataFrame:
    schema = {"row_id": pl.String, "seller_id": pl.String, "buyer_id": pl.String}
    return pl.DataFrame(rows, schema=schema | {"decided_at": pl.Datetime("us", "UTC")}, orient="row")


def test_each_decision_sees_the_latest_values_and_when_they_became_valid(
    store: Any, valid_at: Callable[[int], datetime]
) -> None:
    entities = decisions(
        [
            ("late", "s1", "b1", valid_at(2)),
            ("early", "s1", "b1", valid_at(2) - timedelta(microseconds=1)),
            ("before", "s2", "b1", valid_at(0) - timedelta(seconds=1)),
            ("nobody", None, "b9", valid_at(5)),
            ("late", "s1", "b1", valid_at(2)),
        ]
    )
    found = point_in_time(store, store.get_feature_service("claim"), entities)
    assert found.columns[:3] == ["row_id", "feature_time:seller", "feature_time:buyer"]
    assert found.select("row_id", SELLER, BUYER, "feature_time:seller", "feature_time:buyer").rows() == [
        ("late", 12, 100, valid_at(2), valid_at(1)),
        ("early", 10, 100, valid_at(0), valid_at(1)),
        ("before", None, None, None, None),
        ("nobody", None, None, None, None),
        ("late", 12, 100, valid_at(2), valid_at(1)),
    ]


def test_rows_that_became_known_later_are_left_out_when_asked(store: Any, valid_at: Callable[[int], datetime]) -> None:
    known_at = valid_at(2) + timedelta(hours=48)
    entities = decisions([("then", "s1", "b1", known_at - timedelta(microseconds=1)), ("later", "s1", "b1", known_at)])
    assert point_in_time(store, [f"seller:{SELLER}"], entities)[SELLER].to_list() == [12, 12]
    assert point_in_time(store, [f"seller:{SELLER}"], entities, known_by_then=True)[SELLER].to_list() == [10, 12]


@pytest.mark.parametrize(
    "written",
    [
        pl.Series(["2024-05-04 00:30:00", "2024-05-04T09:29:59+09:00"]),
        pl.Series([datetime(2024, 5, 4, 0, 30), datetime(2024, 5, 4, 0, 29, 59)]),
        pl.Series([datetime(2024, 5, 4, 0, 30), datetime(2024, 5, 4, 0, 29, 59)]).cast(pl.Datetime("ms")),
        pl.Series([datetime(2024, 5, 4, 9, 30), datetime(2024, 5, 4, 9, 29, 59)]).dt.replace_time_zone("Asia/Tokyo"),
    ],
    ids=["text", "naive", "milliseconds", "Tokyo"],
)
@pytest.mark.parametrize("frame", ["polars", "arrow", "pandas"])
def test_timestamps_may_be_text_naive_or_of_any_zone(store: Any, written: pl.Series, frame: str) -> None:
    if written.dtype == pl.String:
        written = pl.Series(["2024-05-04T00:30:00+00:00", written[1]])
    rows = pl.DataFrame({"seller_id": ["s1", "s1"], "event_timestamp": written})
    entities = {"polars": rows, "arrow": rows.to_arrow(), "pandas": rows.to_pandas()}[frame]
    found = store.get_historical_features(entities, [f"seller:{SELLER}"]).to_df()
    assert found[SELLER].tolist() == [12, 10]
    assert str(found["event_timestamp"].dtype) == "datetime64[us, UTC]"


def test_a_query_in_place_of_rows_is_refused(store: Any) -> None:
    with pytest.raises(InputError, match="not SQL: run the query and pass its rows"):
        store.get_historical_features("SELECT 1", [f"seller:{SELLER}"])
    with pytest.raises(InputError, match="joins frames of entity rows"):
        store.get_historical_features(None, [f"seller:{SELLER}"], start_date=datetime(2024, 5, 1, tzinfo=UTC))


def test_keys_of_another_type_and_taken_names_are_refused(store: Any, valid_at: Callable[[int], datetime]) -> None:
    rows = pl.DataFrame({"seller_id": [1], "event_timestamp": [valid_at(0)]})
    with pytest.raises(InputError, match="key seller_id is Int64 in the entity rows and String in the history"):
        store.get_historical_features(rows, [f"seller:{SELLER}"]).to_arrow()
    rows = pl.DataFrame({"seller_id": ["s1"], SELLER: [1], "event_timestamp": [valid_at(0)]})
    with pytest.raises(InputError, match=f"already hold {SELLER}"):
        store.get_historical_features(rows, [f"seller:{SELLER}"]).to_arrow()
    with pytest.raises(InputError, match="entity rows lack seller_id, the key of feature view seller"):
        store.get_historical_features(rows.drop("seller_id", SELLER), [f"seller:{SELLER}"]).to_arrow()


def test_a_view_without_files_is_an_error_and_not_a_column_of_nulls(
    workspace: Any, view_of: Callable[..., View], valid_at: Callable[[int], datetime]
) -> None:
    store = workspace.open()
    workspace.apply(store, [view_of("seller")])
    entities = decisions([("one", "s1", "b1", valid_at(0))])
    with pytest.raises(StoreError, match="features/seller holds no rows yet"):
        point_in_time(store, [f"seller:{SELLER}"], entities)
    workspace.land(view_of("seller"), 0, {})
    assert point_in_time(store, [f"seller:{SELLER}"], entities)[SELLER].to_list() == [None]


def test_no_entity_rows_give_no_rows(store: Any) -> None:
    found = point_in_time(store, [f"seller:{SELLER}"], decisions([]))
    assert (found.height, found.columns) == (0, ["row_id", "feature_time:seller", SELLER])


@pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature:RuntimeWarning")
def test_aliases_field_mappings_and_on_demand_views_work_as_in_feast(
    tmp_path: Path, store: Any, valid_at: Callable[[int], datetime]
) -> None:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.data_format import ParquetFormat
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64, Int64, String

    raw = pl.DataFrame(
        {
            "shop": ["x", "y"],
            "when": pl.Series([valid_at(0), valid_at(0)]).dt.convert_time_zone("Asia/Tokyo"),
            "raw_speed": [1, 2],
        }
    )
    raw.write_parquet(tmp_path / "speed.parquet")
    source = FileSource(
        name="speed",
        path=str(tmp_path / "speed.parquet"),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        field_mapping={"when": "event_timestamp", "raw_speed": "speed"},
    )
    shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
    speed = FeatureView(
        name="speed",
        entities=[shop],
        ttl=timedelta(0),
        source=source,
        schema=[Field(name="shop", dtype=String), Field(name="speed", dtype=Int64)],
    )

    @on_demand_feature_view(sources=[speed], schema=[Field(name="double", dtype=Float64)], mode="python")
    def doubled(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"double": [None if value is None else 2.0 * value for value in inputs["speed"]]}

    store.apply([shop, speed, doubled])
    from feast import FeatureService

    origin = speed.with_name("origin").with_join_key_map({"shop": "origin_shop"})
    aliased = FeatureService(name="aliased", features=[origin])
    store.apply([aliased])
    rows = pl.DataFrame({"origin_shop": ["y", "z"], "shop": ["x", "y"], "event_timestamp": [valid_at(0)] * 2})
    found = pl.DataFrame(store.get_historical_features(rows, aliased, full_feature_names=True).to_arrow())
    assert found["origin__speed"].to_list() == [2, None]
    on_demand = store.get_historical_features(rows, ["speed:speed", "doubled:double"]).to_arrow()
    assert on_demand.column("double").to_pylist() == [2.0, 4.0]


def test_integer_keys_that_pandas_made_floats_still_match(valid_at: Callable[[int], datetime]) -> None:
    import pandas as pd

    from feature_repo.asof import CREATED, EVENT_TIME, History, asof_join

    rows = pl.DataFrame(
        {"lane": [1, 2], EVENT_TIME: [valid_at(0)] * 2, CREATED: [valid_at(0)] * 2, "speed": [10, 20]},
        schema_overrides={EVENT_TIME: pl.Datetime("us", "UTC"), CREATED: pl.Datetime("us", "UTC")},
    )
    entities = pl.from_pandas(pd.DataFrame({"lane": [2.0, None, 1.5]})).with_columns(at=pl.lit(valid_at(1)))
    history = History(rows=rows.lazy(), keys=("lane",), features=("speed",))
    assert asof_join(entities, history, time="at")["speed"].to_list() == [20, None, None]


def test_decisions_in_another_zone_are_the_same_decisions(store: Any, valid_at: Callable[[int], datetime]) -> None:
    tokyo = timezone(timedelta(hours=9))
    entities = decisions([("one", "s1", "b1", valid_at(2).astimezone(tokyo))])
    moved = entities.with_columns(pl.col("decided_at").dt.convert_time_zone("Asia/Tokyo"))
    assert point_in_time(store, [f"seller:{SELLER}"], moved).equals(
        point_in_time(store, [f"seller:{SELLER}"], entities)
    )
