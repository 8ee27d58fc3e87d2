"""Features of the past: what each decision would have seen, through Feast's historical retrieval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from governance.errors import ConfigurationError

if TYPE_CHECKING:
    from feast import FeatureService, FeatureStore


def point_in_time(
    store: "FeatureStore",
    features: "FeatureService | Sequence[str]",
    entities: pl.DataFrame,
    *,
    time: str = "decided_at",
    row_id: str = "row_id",
    known_by_then: bool = False,
) -> pl.DataFrame:
    """The features that were valid when each decision was made.

    Parameters
    ----------
    store : FeatureStore
        From `open_store`.
    features : FeatureService or sequence of str
        A model's service, or names like `seller:seller_orders_30d`.
    entities : polars.DataFrame
        One row per decision: `row_id`, the keys of the views, and `time`; other columns are not returned.
    known_by_then : bool
        Also leave out rows that became known only after the decision (Feast's `filter_by_created_timestamp`).

    Returns
    -------
    polars.DataFrame
        In the order of `entities`: `row_id`, `feature_time:<view>` for each view (UTC microseconds; when the joined
        values became valid, null where there were none), then the features.

    Raises
    ------
    ConfigurationError
        The environment's offline store does not say which row it joined.
    """
    job = store.get_historical_features(
        entity_df=entities.rename({time: "event_timestamp"}),
        features=features if not isinstance(features, Sequence) else list(features),
        filter_by_created_timestamp=known_by_then,
    )
    if not hasattr(job, "feature_times"):
        raise ConfigurationError(f"the offline store {store.config.offline_store.type} does not report feature times")
    joined = pl.DataFrame(job.to_arrow())
    times: pl.DataFrame = job.feature_times
    given = ["event_timestamp", *(name for name in entities.columns if name not in (row_id, time))]
    return joined.select(row_id).hstack(times).hstack(joined.drop(row_id, *given))
