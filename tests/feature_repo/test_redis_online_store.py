"""Our Redis store is Feast's: the same bytes, read by Feast's own store; and what it does better."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feast import FeatureStore, RepoConfig

from feature_repo.online import materialize_view, online_rows, read_online
from governance.errors import ConfigurationError, StoreError
from governance.features.view import Measure, Rate, View

NOW = datetime(2024, 6, 1, tzinfo=UTC)

MIXED = View(
    name="seller",
    key="seller_id",
    meaning="What a seller did",
    measures=(
        Measure(name="orders", table="orders", meaning="Orders"),
        Measure(name="cases", table="cases", meaning="Cases"),
    ),
    rates=(Rate(name="case_rate", numerator="cases", denominator="orders", meaning="Cases per order"),),
    code_version="1",
)
"""Integers, and rates that are null where nobody ordered."""


@pytest.fixture
def store(production: Any) -> Any:
    store = production.open()
    production.apply(store, [MIXED])
    return store


def land(workspace: Any, number: int, values: dict[str, int | None]) -> None:
    workspace.land(MIXED, number, values)


def stock(store: FeatureStore) -> FeatureStore:
    """Feast's own Redis store and engine over the same catalogue and the same Redis."""
    config = store.config.model_copy(deep=True)
    described = {
        "project": config.project,
        "provider": "local",
        "registry": config.registry_config,
        "offline_store": {"type": "feature_repo.asof_offline_store.AsofOfflineStore"},
        "online_store": {"type": "redis", "connection_string": config.online_store.connection_string},
        "materialization": {"pull_latest_features": True},
        "entity_key_serialization_version": 3,
    }
    plain = RepoConfig(**described)
    plain.repo_path = config.repo_path
    return FeatureStore(config=plain)


def contents(client: Any) -> dict[bytes, dict[bytes, bytes]]:
    return {key: client.hgetall(key) for key in client.scan_iter()}


def without_origin(found: dict[bytes, dict[bytes, bytes]]) -> dict[bytes, dict[bytes, bytes]]:
    return {
        key: {field: value for field, value in fields.items() if not field.startswith(b"_origin:")}
        for key, fields in found.items()
    }


def test_our_writer_leaves_the_bytes_that_feasts_own_leaves(production: Any, store: Any, redis_client: Any) -> None:
    land(production, 0, {"a": 1, "b": None, "Ü ß": -7, "*?[x]\\": 2**40})
    materialize_view(store, MIXED, now=NOW)
    ours = contents(redis_client)
    redis_client.flushall()
    stock(store).materialize(datetime(2024, 1, 1, tzinfo=UTC), NOW, ["seller"])
    assert without_origin(ours) == contents(redis_client)
    assert len(ours) == 4


def test_feasts_own_store_reads_what_we_wrote(production: Any, store: Any) -> None:
    land(production, 0, {"a": 1, "b": None})
    materialize_view(store, MIXED, now=NOW)
    names = [f"seller:{feature}" for feature in MIXED.feature_names]
    keys = [{"seller_id": key} for key in ("a", "b", "nobody")]
    assert read_online(stock(store), names, keys) == read_online(store, names, keys)


def test_a_row_that_another_writer_left_is_written_again(production: Any, store: Any, redis_client: Any) -> None:
    land(production, 0, {"a": 1, "b": 2})
    stock(store).materialize(datetime(2024, 1, 1, tzinfo=UTC), NOW, ["seller"])
    assert materialize_view(store, MIXED, now=NOW).rows_written == 2
    assert materialize_view(store, MIXED, now=NOW).rows_written == 0
    assert all(b"_origin:seller" in fields for fields in contents(redis_client).values())


def test_removing_one_views_rows_leaves_those_of_another_view_of_the_same_entity(
    production: Any, redis_client: Any, view_of: Callable[..., View]
) -> None:
    scores = View(
        **{name: getattr(view_of("seller"), name) for name in ("key", "meaning", "measures", "rates")},
        name="seller_scores",
        code_version="1",
    )
    store = production.open()
    production.apply(store, [MIXED, scores])
    for view in (MIXED, scores):
        production.land(view, 0, {"a": 1, "b": 2})
        materialize_view(store, view, now=NOW)
    production.land(scores, 0, {"a": 1})
    assert materialize_view(store, scores, now=NOW, rebuild=True).rows_removed == 1
    assert [online_rows(store, view) for view in (MIXED, scores)] == [2, 1]
    production.land(MIXED, 0, {"a": 1})
    assert materialize_view(store, MIXED, now=NOW, rebuild=True).rows_removed == 1
    assert len(contents(redis_client)) == 1
    assert production.apply(store, [MIXED]) == ["seller_scores", "seller_scores"]
    assert online_rows(store, MIXED) == 1
    (left,) = contents(redis_client).values()
    assert [field for field in left if b"seller_scores" in field] == []


def test_another_project_and_other_keys_in_the_same_redis_are_not_ours(
    production: Any, store: Any, redis_client: Any
) -> None:
    land(production, 0, {"a": 1})
    materialize_view(store, MIXED, now=NOW)
    (key,) = redis_client.keys()
    (fields,) = contents(redis_client).values()
    redis_client.hset(key.replace(b"governance", b"other-governance"), mapping=fields)
    redis_client.set("session:1", "x")
    report = materialize_view(store, MIXED, now=NOW, rebuild=True)
    assert (report.online_rows, report.rows_removed) == (1, 0)
    assert redis_client.dbsize() == 3


def test_a_push_replaces_what_is_as_old_and_leaves_what_is_newer(
    production: Any, store: Any, valid_at: Callable[[int], datetime]
) -> None:
    import pandas as pd

    land(production, 5, {"a": 1})
    materialize_view(store, MIXED, now=NOW)

    def push(value: int, hours: int) -> int | None:
        row = {"seller_id": ["a"], "event_timestamp": [valid_at(5) + timedelta(hours=hours)], "created": [NOW]}
        row |= {name: [float(value) if "rate" in name else value] for name in MIXED.feature_names}
        store.write_to_online_store("seller", pd.DataFrame(row))
        (read,) = read_online(store, ["seller:seller_orders_1d"], [{"seller_id": "a"}])
        found: int | None = read.values["seller_orders_1d"]
        return found

    assert [push(2, -1), push(3, 0), push(4, 1), push(5, 0)] == [1, 3, 4, 4]
    assert materialize_view(store, MIXED, now=NOW).rows_written == 1
    (read,) = read_online(store, ["seller:seller_orders_1d"], [{"seller_id": "a"}])
    assert read.values == {"seller_orders_1d": 1}


def test_a_redis_that_is_not_there_is_said_in_a_sentence_without_its_password(production: Any, store: Any) -> None:
    assert store.list_feature_views()
    land(production, 0, {"a": 1})
    production.connections["GOVERNANCE_REDIS"] = "127.0.0.1:1,password=hush"
    with pytest.raises(StoreError, match=r"online store in Redis .* GOVERNANCE_REDIS") as raised:
        materialize_view(production.open(), MIXED, now=NOW)
    assert "hush" not in str(raised.value)


def test_a_password_goes_from_the_environment_to_redis_whatever_signs_it_has(production: Any) -> None:
    production.connections["GOVERNANCE_REDIS"] = "127.0.0.1:1,password=a: #b${ROOT}%"
    assert production.open().config.online_store.connection_string.endswith("password=a: #b${ROOT}%")


def test_a_missing_connection_is_named(production: Any) -> None:
    del production.connections["GOVERNANCE_REDIS"]
    with pytest.raises(ConfigurationError, match="'production' needs GOVERNANCE_REDIS"):
        production.open()


def test_a_store_that_cannot_list_its_rows_is_refused(production: Any, store: Any) -> None:
    land(production, 0, {"a": 1})
    with pytest.raises(ConfigurationError, match="type redis cannot list what it holds"):
        materialize_view(stock(store), MIXED, now=NOW)
