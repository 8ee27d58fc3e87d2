"""The catalogue follows our views and models exactly, and importing the package stays light."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from feature_repo.store import open_store
from governance.errors import ConfigurationError
from governance.features.view import View
from governance.models.spec import ModelSpec

ORDER_CONTEXT = (("hour", "Hour of the day at checkout"), ("price_ratio", "Price against the median of its category"))


def contents(store: Any) -> dict[str, list[str]]:
    listed = {
        "entities": store.list_entities(),
        "sources": store.list_data_sources(),
        "views": store.list_all_feature_views(),
        "services": store.list_feature_services(),
    }
    return {kind: sorted(each.name for each in found) for kind, found in listed.items()}


def registry_rows(workspace: Any) -> dict[str, list[Any]]:
    """Every row of the registry's tables of objects, bytes and update times included."""
    tables = ("entities", "data_sources", "feature_views", "feature_services", "feature_view_version_history")
    with closing(sqlite3.connect(workspace.root / "feast" / "registry.db")) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}  # noqa: S608


def test_the_catalogue_says_what_our_definitions_say(
    workspace: Any, view_of: Callable[..., View], spec_of: Callable[..., ModelSpec]
) -> None:
    seller, buyer = view_of("seller", measures=2), view_of("buyer")
    excluded = seller.feature_names[0]
    spec = spec_of("merchant_fraud", ["seller", "buyer"], excluded_features=(excluded,))
    store = workspace.open()
    removed = workspace.apply(store, [seller, buyer], [spec], offline_only=["buyer"], order_context=ORDER_CONTEXT)
    assert removed == []
    assert contents(store) == {
        "entities": ["buyer", "seller"],
        "sources": ["buyer", "order_context", "seller"],
        "views": ["buyer", "seller"],
        "services": ["merchant_fraud"],
    }
    view = store.get_feature_view("seller")
    assert [(field.name, field.description) for field in view.features] == [
        (feature.name, feature.meaning) for feature in seller.features
    ]
    assert view.batch_source.path == str(workspace.lake.root / "features" / "seller")
    assert (view.online, store.get_feature_view("buyer").online) == (True, False)
    service = store.get_feature_service("merchant_fraud")
    names = [field.name for projection in service.feature_view_projections for field in projection.features]
    assert sorted(names) == sorted({*seller.feature_names, *buyer.feature_names} - {excluded})
    context = store.get_data_source("order_context")
    assert tuple((field.name, field.description) for field in context.schema) == ORDER_CONTEXT


def test_applying_twice_changes_no_byte_of_the_registry(
    workspace: Any, view_of: Callable[..., View], spec_of: Callable[..., ModelSpec]
) -> None:
    views = [view_of("seller"), view_of("buyer")]
    specs = [spec_of("merchant_fraud", ["seller"]), spec_of("claim", ["seller", "buyer"])]
    workspace.apply(workspace.open(), views, specs, order_context=ORDER_CONTEXT)
    before = registry_rows(workspace)
    assert workspace.apply(workspace.open(), views, specs, order_context=ORDER_CONTEXT) == []
    assert registry_rows(workspace) == before


def test_what_is_no_longer_defined_disappears_with_its_online_rows(
    workspace: Any, view_of: Callable[..., View], spec_of: Callable[..., ModelSpec]
) -> None:
    seller, buyer = view_of("seller"), view_of("buyer")
    specs = [spec_of("merchant_fraud", ["seller"]), spec_of("claim", ["buyer"])]
    store = workspace.open()
    workspace.apply(store, [seller, buyer], specs, order_context=ORDER_CONTEXT)
    removed = workspace.apply(store, [seller], specs[:1])
    assert removed == ["buyer", "buyer", "buyer", "claim", "order_context"]
    assert contents(workspace.open()) == {
        "entities": ["seller"],
        "sources": ["seller"],
        "views": ["seller"],
        "services": ["merchant_fraud"],
    }
    with closing(sqlite3.connect(workspace.root / "feast" / "online.db")) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"layouts", "governance_seller"}


def test_what_was_just_applied_is_seen_by_readers_of_the_cache(workspace: Any, view_of: Callable[..., View]) -> None:
    store = workspace.open()
    names: list[str] = []
    for number in range(12):
        store.registry.list_feature_views(store.project, allow_cache=True)
        names.append(f"v{number:02}")
        workspace.apply(store, [view_of(name) for name in names])
        for _ in range(number):
            store.refresh_registry()
        listed = store.registry.list_feature_views(store.project, allow_cache=True)
        assert sorted(view.name for view in listed) == names


def test_no_two_snapshots_of_registries_share_a_version(workspace: Any) -> None:
    stores = [workspace.open(), workspace.open()]
    versions = []
    for _ in range(3):
        for store in stores:
            store.refresh_registry()
            versions.append(store.registry.cached_registry_proto.version_id)
    assert len(set(versions)) == 6


def test_a_changed_definition_keeps_what_was_materialized(
    workspace: Any, view_of: Callable[..., View], valid_at: Callable[[int], Any]
) -> None:
    from feature_repo.online import materialize_view, online_rows

    store = workspace.open()
    workspace.apply(store, [view_of("seller")])
    workspace.land(view_of("seller"), 0, {"a": 1})
    materialize_view(store, view_of("seller"), now=valid_at(1))
    workspace.apply(store, [view_of("seller", code_version="2")])
    assert online_rows(store, view_of("seller")) == 1
    assert store.get_feature_view("seller").tags == {"code_version": "2"}


def test_a_model_of_an_unknown_view_is_refused(workspace: Any, view_of: Any, spec_of: Any) -> None:
    with pytest.raises(ConfigurationError, match="model claim reads the views buyer, which nobody defines"):
        workspace.apply(workspace.open(), [view_of("seller")], [spec_of("claim", ["seller", "buyer"])])


def test_an_unknown_environment_is_refused(workspace: Any) -> None:
    with pytest.raises(ConfigurationError, match="environment 'moon'"):
        open_store(workspace.root, environment="moon")


def test_importing_the_package_leaves_feast_and_pandas_alone() -> None:
    modules = "feature_repo, feature_repo.definitions, feature_repo.store, feature_repo.history, feature_repo.online"
    check = f"import sys, {modules}; print(sorted({{'feast', 'pandas', 'ibis', 'sqlalchemy'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
