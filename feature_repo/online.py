"""Putting the newest values of a view online, proving that they are there, and reading them back."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from feature_repo.asof import CREATED, EVENT_TIME, UTC_MICROSECONDS
from feature_repo.online_store import current_layout, open_online_store, row_digests
from governance.errors import NotReady, OnlineMismatch
from governance.features.view import FeatureTable

if TYPE_CHECKING:
    from feast import FeatureService, FeatureStore, FeatureView

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_ORIGIN = (EVENT_TIME, CREATED, "layout", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineReport:
    """What a materialization did: rows written in this run, rows online after it, and how many there should be."""

    view: str
    rows_written: int
    rows_removed: int
    online_rows: int
    expected_rows: int
    newest_event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineDifference:
    """How a view online differs from offline: keys that are missing, that are stale, and that are no longer offline."""

    view: str
    online_rows: int
    expected_rows: int
    missing: int
    stale: int
    gone: int

    @property
    def none(self) -> bool:
        """Whether online equals offline."""
        return not (self.missing or self.stale or self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineValues:
    """What is online for one entity: values and the event times of their views, by feature name.

    A feature that nobody has written has no event time; a value of None that has one is a known null.
    """

    key: Mapping[str, str]
    values: Mapping[str, Any]
    event_times: Mapping[str, datetime | None]

    @property
    def absent(self) -> bool:
        """Whether nothing at all is online for this entity."""
        return all(time is None for time in self.event_times.values())


def materialize_view(
    store: "FeatureStore",
    view: FeatureTable,
    *,
    now: datetime,
    full: bool = False,
    prune: bool = False,
    rebuild: bool = False,
) -> OnlineReport:
    """Make the online store hold, for every key of `view`, its latest row with an event time not after `now`.

    Each online row stands with the times and the digest of the offline row that it came from. The window that
    Feast materializes begins at the oldest row that differs and always ends at `now`, so that no older value ever
    overwrites a newer one. A killed run, late rows, corrections (also those that keep their times) and a new code
    version are thus made good by the next run, the cost of a day grows with that day's rows, and where nothing differs
    nothing is written. Afterwards the two stores are compared key by key. A view must not be materialized by two runs
    at a time.

    Parameters
    ----------
    store : FeatureStore
        From `open_store`, with the view applied.
    view : FeatureTable
        What to materialize.
    now : datetime
        End of the window, with a time zone.
    full : bool
        Write every key.
    prune : bool
        Remove the keys that are no longer offline, once all others have been written.
    rebuild : bool
        Write every key and prune. A reader finds each key that stays at any moment, as it was or as it becomes.

    Raises
    ------
    NotReady
        The view has no rows up to `now`.
    OnlineMismatch
        After writing, the stores differ: keys are online that are no longer offline (unless `prune` or `rebuild`), or
        others are missing or stale.
    """
    registered = store.get_feature_view(view.name)
    offline = _offline_rows(store, view, registered, now)
    if offline.is_empty():
        raise NotReady(f"feature view {view.name} has no rows up to {now:%Y-%m-%d %H:%M} UTC: nothing to put online")
    online_store = open_online_store(store.config)
    online = online_store.stored_rows(store.config, registered)
    differing = offline if full or rebuild else _differing(offline, online, view.key)
    written = offline.filter(pl.col(EVENT_TIME) >= pl.lit(differing[EVENT_TIME].min(), UTC_MICROSECONDS))
    if not written.is_empty():
        # Feast reports on standard output, where a machine may be reading ours.
        with contextlib.redirect_stdout(io.StringIO()):
            store.materialize(written[EVENT_TIME].min(), now, [view.name])
    gone = online.join(offline, on=view.key, how="anti") if prune or rebuild else online.clear()
    online_store.delete_rows(store.config, registered, gone["entity_key"])
    online = online_store.stored_rows(store.config, registered)
    _compare(view, offline, online)
    return OnlineReport(
        view=view.name,
        rows_written=written.height,
        rows_removed=gone.height,
        online_rows=online.height,
        expected_rows=offline.height,
        newest_event_time=offline.select(pl.col(EVENT_TIME).max()).item(),
    )


def clear_view(store: "FeatureStore", view: FeatureTable, *, now: datetime) -> OnlineReport:
    """Take every key of `view` from the online store, as of `now`; what is offline stays. Again changes nothing."""
    registered, online_store = store.get_feature_view(view.name), open_online_store(store.config)
    online = online_store.stored_rows(store.config, registered)
    online_store.delete_rows(store.config, registered, online["entity_key"])
    return OnlineReport(
        view=view.name,
        rows_written=0,
        rows_removed=online.height,
        online_rows=online_store.count_rows(store.config, registered),
        expected_rows=0,
        newest_event_time=now,
    )


def compare_online(store: "FeatureStore", view: FeatureTable, *, now: datetime) -> OnlineDifference:
    """Hold what is online against the latest row of every key offline, and change nothing."""
    registered = store.get_feature_view(view.name)
    offline = _offline_rows(store, view, registered, now)
    online = open_online_store(store.config).stored_rows(store.config, registered)
    missing = offline.join(online, on=view.key, how="anti").height
    return OnlineDifference(
        view=view.name,
        online_rows=online.height,
        expected_rows=offline.height,
        missing=missing,
        stale=_differing(offline, online, view.key).height - missing,
        gone=online.join(offline, on=view.key, how="anti").height,
    )


def online_rows(store: "FeatureStore", view: FeatureTable) -> int:
    """How many keys are online for a view."""
    return open_online_store(store.config).count_rows(store.config, store.get_feature_view(view.name))


def stored_state(store: "FeatureStore", view: FeatureTable) -> dict[str, tuple[Any, ...]]:
    """For each key online the times and the digest of the offline row that it was written from."""
    registered = store.get_feature_view(view.name)
    return _by_key(view, open_online_store(store.config).stored_rows(store.config, registered))


def offline_state(store: "FeatureStore", view: FeatureTable, *, now: datetime) -> dict[str, tuple[Any, ...]]:
    """For each key offline what `stored_state` says of it once its latest row up to `now` is online."""
    return _by_key(view, _offline_rows(store, view, store.get_feature_view(view.name), now))


def _by_key(view: FeatureTable, rows: pl.DataFrame) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in rows.select(view.key, EVENT_TIME, CREATED, "digest").iter_rows()}


def read_online(
    store: "FeatureStore", features: "FeatureService | Sequence[str]", keys: Sequence[Mapping[str, str]]
) -> list[OnlineValues]:
    """Read entities through Feast, in the order of `keys`.

    `features` is a service held by the caller (looking it up costs 8 ms) or names like `seller:seller_orders_30d`.
    Feast neither keeps the order of features nor applies a time to live here: values go by name, and absence and
    freshness are judged by the event time.
    """
    asked = features if not isinstance(features, Sequence) else list(features)
    response = store.get_online_features(asked, [dict(key) for key in keys])
    columns = response.to_dict(include_event_timestamps=True)
    names = [name for name in columns if not name.endswith("__ts") and not all(name in key for key in keys)]
    return [
        OnlineValues(
            key=dict(key),
            values={name: columns[name][number] for name in names},
            event_times={name: _known_time(columns[f"{name}__ts"][number]) for name in names},
        )
        for number, key in enumerate(keys)
    ]


def _known_time(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _offline_rows(store: "FeatureStore", view: FeatureTable, registered: "FeatureView", now: datetime) -> pl.DataFrame:
    """For each key the times, layout and digest of its latest row, read through the offline store."""
    from feature_repo.asof_offline_store import AsofOfflineStore

    source, features = registered.batch_source, [field.name for field in registered.features]
    job = AsofOfflineStore.pull_latest_from_table_or_query(
        store.config,
        source,
        [view.key],
        features,
        source.timestamp_field,
        source.created_timestamp_column,
        _BEGINNING,
        now,
    )
    latest = pl.DataFrame(job.to_arrow())
    return latest.select(
        view.key,
        pl.col(source.timestamp_field).alias(EVENT_TIME),
        pl.col(source.created_timestamp_column).alias(CREATED),
        pl.lit(current_layout(registered)).alias("layout"),
        row_digests(latest, features),
    )


def _differing(offline: pl.DataFrame, online: pl.DataFrame, key: str) -> pl.DataFrame:
    """Offline rows that have no online row of the same key, times, layout and values."""
    return offline.join(online, on=[key, *_ORIGIN], how="anti", nulls_equal=True)


def _compare(view: FeatureTable, offline: pl.DataFrame, online: pl.DataFrame) -> None:
    gone = online.join(offline, on=view.key, how="anti").height
    missing = offline.join(online, on=view.key, how="anti").height
    stale = _differing(offline, online, view.key).height - missing
    if gone or missing or stale:
        raise OnlineMismatch(
            f"feature view {view.name}: {online.height} keys online, {offline.height} expected; {missing} missing, "
            f"{stale} stale, {gone} no longer offline; rebuild it: govern repair online --view {view.name}"
        )
