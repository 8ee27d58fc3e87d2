"""Our views and models as Feast's catalogue: entities, sources, feature views and one feature service per model."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.contracts.schema import Kind
from governance.errors import ConfigurationError
from governance.features.view import FeatureTable
from governance.models.spec import ModelSpec

if TYPE_CHECKING:
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, RequestSource

EVENT_TIMESTAMP = "event_timestamp"
CREATED = "created"


def catalogue(
    views: Sequence[FeatureTable], specs: Sequence[ModelSpec], *, lake_root: Path, offline_only: Collection[str] = ()
) -> list[Any]:
    """Everything to be applied: the entities, sources and views of `views`, and a service for each of `specs`.

    Raises
    ------
    ConfigurationError
        A model names a view that is not among `views`.
    """
    entities = {view.key: entity(view.key) for view in views}
    feature_views = {
        view.name: feature_view(view, entities[view.key], lake_root=lake_root, online=view.name not in offline_only)
        for view in views
    }
    services = [feature_service(spec, feature_views) for spec in specs]
    sources = [each.batch_source for each in feature_views.values()]
    return [*entities.values(), *sources, *feature_views.values(), *services]


def entity(key: str) -> "Entity":
    """What a key column identifies: `seller_id` is the key of the entity `seller`."""
    from feast import Entity, ValueType

    return Entity(name=key.removesuffix("_id"), join_keys=[key], value_type=ValueType.STRING)


def file_source(view: FeatureTable, *, lake_root: Path) -> "FileSource":
    """The lake folder of a view. The format is stated because Feast cannot infer it from a folder."""
    from feast import FileSource
    from feast.data_format import ParquetFormat

    return FileSource(
        name=view.name,
        path=str(lake_root.resolve() / view.dataset),
        file_format=ParquetFormat(),
        timestamp_field=EVENT_TIMESTAMP,
        created_timestamp_column=CREATED,
        description=view.meaning,
    )


def feature_view(view: FeatureTable, of: "Entity", *, lake_root: Path, online: bool = True) -> "FeatureView":
    """A view without a time to live: values are change points, valid until the next one."""
    from feast import FeatureView, Field
    from feast.types import String

    return FeatureView(
        name=view.name,
        entities=[of],
        ttl=timedelta(0),
        schema=[
            Field(name=view.key, dtype=String),
            *(_field(feature.name, feature.kind, feature.meaning) for feature in view.features),
        ],
        source=file_source(view, lake_root=lake_root),
        online=online,
        description=view.meaning,
        tags={"code_version": view.code_version},
    )


def feature_service(spec: ModelSpec, feature_views: dict[str, "FeatureView"]) -> "FeatureService":
    """The features of one model: all of its views, without the features that it excludes."""
    from feast import FeatureService

    unknown = [name for name in spec.views if name not in feature_views]
    if unknown:
        raise ConfigurationError(f"model {spec.name} reads the views {', '.join(unknown)}, which nobody defines")
    return FeatureService(
        name=spec.name,
        features=[_without(feature_views[name], spec.excluded_features) for name in spec.views],
        description=spec.meaning,
        owner=spec.owner,
        tags={"family": spec.family, "decision_point": spec.decision_point, "label": spec.label},
    )


def order_context_source(features: Sequence[tuple[str, str]]) -> "RequestSource":
    """The request-time order context as a catalogue entry: names and meanings, float64 all.

    An on-demand view would have to carry a pickled copy of the function into the registry, and Feast runs it
    on made-up input to infer its schema. A request source says the same to a reader and executes nothing; the
    one function that computes the values is called by training and by serving themselves.
    """
    from feast import RequestSource

    return RequestSource(
        name="order_context",
        schema=[_field(name, Kind.FLOAT, meaning) for name, meaning in features],
        description="Computed from the order itself at checkout; never stored online",
        tags={"online": "false"},
    )


def _without(view: "FeatureView", excluded: Collection[str]) -> "FeatureView":
    return view[[field.name for field in view.features if field.name not in excluded]] if excluded else view


def _field(name: str, kind: Kind, meaning: str) -> "Field":
    from feast import Field
    from feast.types import Bool, Float64, Int64, String, UnixTimestamp

    types = {
        Kind.STRING: String,
        Kind.INTEGER: Int64,
        Kind.FLOAT: Float64,
        Kind.BOOLEAN: Bool,
        Kind.TIMESTAMP: UnixTimestamp,
    }
    return Field(name=name, dtype=types[kind], description=meaning)
