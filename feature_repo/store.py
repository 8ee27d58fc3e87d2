"""Opening the feature store of an environment, and making its catalogue equal to our definitions."""

from collections.abc import Collection, Mapping, Sequence
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


def open_store(root: Path, *, environment: str, connections: Mapping[str, str] | None = None) -> "FeatureStore":
    """The feature store of an environment (`environments/<environment>.yaml`) in the workspace folder `root`.

    Parameters
    ----------
    connections : mapping of str to str, optional
        What the environment's file names as ${NAME}, beside ${ROOT}: where its servers are and how to log in.

    Raises
    ------
    ConfigurationError
        There is no such environment, or it needs a connection that is not given.
    """
    import yaml  # type: ignore[import-untyped]
    from feast import FeatureStore, RepoConfig

    template = files("feature_repo") / "environments" / f"{environment}.yaml"
    if not template.is_file():
        raise ConfigurationError(f"no feature store is described for the environment {environment!r}")
    root = root.resolve()
    (root / "feast").mkdir(parents=True, exist_ok=True)
    try:
        described = _filled(yaml.safe_load(template.read_text()), {"ROOT": str(root), **(connections or {})})
    except KeyError as missing:
        raise ConfigurationError(
            f"the environment {environment!r} needs {missing.args[0]}: set that variable"
        ) from None
    config = RepoConfig(**described)
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


def _filled(described: Any, values: Mapping[str, str]) -> Any:
    """A description with ${NAME} replaced in its texts: after parsing, so that no password can be read as YAML."""
    if isinstance(described, dict):
        return {name: _filled(value, values) for name, value in described.items()}
    return Template(described).substitute(values) if isinstance(described, str) else described


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
