"""Opening the feature store of an environment, and making its catalogue equal to our definitions."""

from collections.abc import Collection, Sequence
from importlib.resources import files
from itertools import count
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from feature_repo.definitions import catalogue, order_context_source
from governance.errors import ConfigurationError
from governance.features.view import FeatureTable
from governance.models.spec import ModelSpec

if TYPE_CHECKING:
    from feast import FeatureStore


_SNAPSHOTS = count(1)


def open_store(root: Path, *, environment: str) -> "FeatureStore":
    """The feature store of an environment (`environments/<environment>.yaml`) in the workspace folder `root`.

    Raises
    ------
    ConfigurationError
        There is no such environment.
    """
    import yaml  # type: ignore[import-untyped]
    from feast import FeatureStore, RepoConfig

    template = files("feature_repo") / "environments" / f"{environment}.yaml"
    if not template.is_file():
        raise ConfigurationError(f"no feature store is described for the environment {environment!r}")
    root = root.resolve()
    (root / "feast").mkdir(parents=True, exist_ok=True)
    config = RepoConfig(**yaml.safe_load(Template(template.read_text()).substitute(ROOT=root)))
    config.repo_path = root
    store = FeatureStore(config=config)
    _number_snapshots(store.registry)
    return store


def apply(
    store: "FeatureStore",
    views: Sequence[FeatureTable],
    specs: Sequence[ModelSpec],
    *,
    lake_root: Path,
    offline_only: Collection[str] = (),
    order_context: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Make the catalogue hold exactly these views and models; return the names of what was removed.

    Applying the same definitions again changes nothing. Feast itself never removes what is no longer named,
    so that a deleted view would be materialized and served for ever.
    """
    wanted = catalogue(views, specs, lake_root=lake_root, offline_only=offline_only)
    if order_context:
        wanted.append(order_context_source(order_context))
    names = {(_kind(each), each.name) for each in wanted}
    gone = [each for each in _registered(store) if (_kind(each), each.name) not in names]
    store.apply(wanted, objects_to_delete=gone, partial=False)
    return sorted(each.name for each in gone)


def _number_snapshots(registry: Any) -> None:
    """Give each snapshot that the registry takes of itself a version of its own.

    Feast 0.67 remembers what it listed under the snapshot's memory address and version, and its SQL registry leaves
    the version empty: a later snapshot at a freed address was answered with the views of an earlier one (seen: an
    on-demand view missing from a join in one test run of five).
    """
    snapshot = registry.proto

    def numbered() -> Any:
        taken = snapshot()
        taken.version_id = str(next(_SNAPSHOTS))
        return taken

    registry.proto = numbered
    registry.refresh()


def _registered(store: "FeatureStore") -> list[Any]:
    return [
        *store.list_feature_services(),
        *store.list_all_feature_views(),
        *store.list_data_sources(),
        *store.list_entities(),
    ]


def _kind(registered: Any) -> str:
    from feast import Entity, FeatureService
    from feast.data_source import DataSource

    kinds = {Entity: "entity", FeatureService: "service", DataSource: "source"}
    return next((name for kind, name in kinds.items() if isinstance(registered, kind)), "view")
