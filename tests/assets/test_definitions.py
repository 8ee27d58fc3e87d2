"""What a person sees of every asset in the Dagster UI."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets.owners import Owner
from governance.contracts.tables import TABLES
from governance.workspace import Workspace
from orchestration.build import build_defs

GROUPS = {
    *("landing", "features", "online", "labels", "risk_models", "after_sales_models"),
    *("release", "monitoring", "decisions"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(tmp_path_factory.mktemp("definitions"))


@pytest.fixture(scope="module")
def specs(workspace: Workspace) -> dict[str, dg.AssetSpec]:
    assets = [asset for asset in build_defs(workspace).assets or () if isinstance(asset, dg.AssetsDefinition)]
    return {spec.key.to_user_string(): spec for asset in assets for spec in asset.specs}


def test_every_asset_says_what_it_is_whose_it_is_and_where_it_belongs(specs: dict[str, dg.AssetSpec]) -> None:
    owners = {owner.value for owner in Owner}
    for name, spec in specs.items():
        assert spec.description, name
        assert spec.owners, name
        assert set(spec.owners) <= owners, name
        assert spec.kinds, name


def test_groups_are_those_of_the_design(specs: dict[str, dg.AssetSpec]) -> None:
    assert {spec.group_name for spec in specs.values()} == GROUPS


def test_every_layer_is_there(specs: dict[str, dg.AssetSpec], workspace: Workspace) -> None:
    wanted = {f"raw/{name}" for name in workspace.marketplace.tables}
    wanted |= {f"{layer}/{view}" for layer in ("features", "online") for view in workspace.views}
    for model in workspace.models.present:
        wanted |= {f"models/{model}/{name}" for name in ("training_set", "candidate", "champion")}
        wanted |= {f"labels/{model}", f"monitoring/{model}/drift"}

    assert wanted <= set(specs)


def test_tables_and_views_show_their_columns(specs: dict[str, dg.AssetSpec], workspace: Workspace) -> None:
    for name in workspace.marketplace.tables:
        schema = specs[f"raw/{name}"].metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == [column.name for column in TABLES[name].columns]
        assert all(column.description for column in schema.columns), name
    for name, view in workspace.views.items():
        schema = specs[f"features/{name}"].metadata["dagster/column_schema"]
        assert set(view.feature_names) < {column.name for column in schema.columns}


def test_personal_columns_are_marked(specs: dict[str, dg.AssetSpec], workspace: Workspace) -> None:
    for name in workspace.marketplace.tables:
        described = {
            column.name: column.description for column in specs[f"raw/{name}"].metadata["dagster/column_schema"].columns
        }
        assert all("personal" in described[column] for column in TABLES[name].personal)


def test_daily_assets_are_backfilled_in_one_run(workspace: Workspace) -> None:
    for asset in build_defs(workspace).assets or ():
        assert isinstance(asset, dg.AssetsDefinition)
        if isinstance(asset.partitions_def, dg.DailyPartitionsDefinition):
            assert asset.backfill_policy == dg.BackfillPolicy.single_run(), asset.key


def test_what_is_written_together_is_written_by_one_run_at_a_time(workspace: Workspace) -> None:
    pools = {
        asset.key.to_user_string(): asset.op.pool
        for asset in build_defs(workspace).assets or ()
        if isinstance(asset, dg.AssetsDefinition)
    }

    assert {
        name: pools[name] for name in ("raw/orders", "features/seller", "models/claim/candidate", "online/seller")
    } == {
        "raw/orders": "days",
        "features/seller": "days",
        "models/claim/candidate": "weeks",
        "online/seller": "online",
    }
    assert {name for name, pool in pools.items() if pool is None} == {
        name for name in pools if name.endswith("/champion")
    }, "champions are moved by compare-and-set"


def test_days_that_are_delivered_while_the_location_is_loaded_have_partitions_already(
    tmp_path: Path, own_world: Callable[[int], Path], bazaar_at: Callable[..., Workspace]
) -> None:
    defs = build_defs(bazaar_at(tmp_path, source=own_world(8)))
    by_key = {
        asset.key.to_user_string(): asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition)
    }

    days, weeks = (by_key[name].partitions_def for name in ("raw/orders", "models/claim/candidate"))

    assert days is not None
    assert weeks is not None
    assert (days.get_first_partition_key(), days.get_last_partition_key()) == ("2024-01-01", "2024-02-05")
    assert (weeks.get_first_partition_key(), weeks.get_last_partition_key()) == ("2024-01-01", "2024-01-29")
