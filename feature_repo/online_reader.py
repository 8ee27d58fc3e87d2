"""Reading online features for a request that waits: a plan made once, then bytes to values.

Feast's SDK builds protocol buffers, columns and a response for every read, which is most of what a read costs. The two
stores of this project are read directly in the layout in which Feast's own reader finds them as well; any other store
is read by the SDK in threads.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from feature_repo.online import read_online
from governance.errors import ConfigurationError, StoreError
from governance.features.view import Feature, FeatureTable

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

    from feature_repo.redis_connection import Connection

Value = float | int | str | bool | None

DEADLINE_SECONDS = 0.2
_THREADS = 4


class OnlineFeatures(Struct, frozen=True):
    """What is online of one request's entities.

    `values` has every feature of the plan, None where there is no value. `times` has every view: when its values
    became valid, None where the entity is unknown or the request has no key for it.
    """

    values: Mapping[str, Value]
    times: Mapping[str, datetime | None]


class OnlineReader(Protocol):
    """Reads features of entities. It belongs to one event loop."""

    async def read(
        self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> list[OnlineFeatures]:
        """What is online for each request, in order; a request maps join keys to values, and may lack some.

        Raises
        ------
        StoreError
            The store did not answer in time, or refused.
        """

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The features that are read of one view."""

    table: FeatureTable
    registered: "FeatureView"
    features: tuple[Feature, ...]


def open_reader(
    store: "FeatureStore",
    views: Sequence[FeatureTable],
    *,
    features: Collection[str] | None = None,
    connection: "Connection | None" = None,
) -> OnlineReader:
    """The fastest reader that the environment's online store allows; nothing is connected before the first read.

    Parameters
    ----------
    store
        From `open_store`, with the views applied.
    features
        Names of the features that are wanted; all where None. Their views' times are read in any case.
    connection
        One to the same Redis, where there already is one: what its users ask at the same moment travels together.

    Raises
    ------
    ConfigurationError
        The catalogue does not have a view.
    """
    wanted = [_wanted(store, view, features) for view in views]
    online = store.config.online_store
    direct = store.config.entity_key_serialization_version == 3
    # By name: the module of the one store needs a library that the other does not.
    if direct and online.type == "feature_repo.sqlite_online_store.EntitySqliteOnlineStore":
        from feature_repo.sqlite_reader import SqliteReader

        return SqliteReader(store.config, wanted)
    if direct and online.type == "feature_repo.redis_online_store.ColumnRedisOnlineStore":
        from feature_repo.redis_connection import Connection, address_of
        from feature_repo.redis_reader import RedisReader

        # A cluster, a sentinel, or settings that are not known here are left to the SDK.
        address = address_of(online.connection_string) if online.redis_type == "redis" else None
        if address:
            return RedisReader(store.config, wanted, connection or Connection(address))
    return SdkReader(store, wanted)


class SdkReader:
    """Reads any store through Feast's SDK. Its times are whole seconds."""

    def __init__(self, store: "FeatureStore", wanted: Sequence[Wanted]) -> None:
        self._store = store
        self._wanted = wanted
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="feast")

    async def read(
        self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> list[OnlineFeatures]:
        """See `OnlineReader`. A read that is given up goes on in its thread."""
        reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, requests)
        try:
            return await asyncio.wait_for(reading, deadline_seconds)
        except TimeoutError:
            raise StoreError(
                f"the online store did not answer within {deadline_seconds * 1000:.0f} ms; see that it runs"
            ) from None

    async def close(self) -> None:
        """See `OnlineReader`."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, requests: Sequence[Mapping[str, str]]) -> list[OnlineFeatures]:
        values: list[dict[str, Value]] = [{} for _ in requests]
        times: list[dict[str, datetime | None]] = [{} for _ in requests]
        for view in self._wanted:
            names = [feature.name for feature in view.features]
            key = view.table.key
            for one, time in zip(values, times, strict=True):
                one.update(dict.fromkeys(names))
                time[view.table.name] = None
            asked = [number for number, request in enumerate(requests) if key in request]
            keys = [{key: requests[number][key]} for number in asked]
            if not names or not asked:
                continue
            found = read_online(self._store, [f"{view.table.name}:{name}" for name in names], keys)
            for number, row in zip(asked, found, strict=True):
                values[number].update(row.values)
                times[number][view.table.name] = next(iter(row.event_times.values()))
        return [OnlineFeatures(*found) for found in zip(values, times, strict=True)]


def _wanted(store: "FeatureStore", view: FeatureTable, features: Collection[str] | None) -> Wanted:
    from feast.errors import FeatureViewNotFoundException

    try:
        registered = store.get_feature_view(view.name)
    except FeatureViewNotFoundException as missing:
        raise ConfigurationError(
            f"the catalogue has no feature view {view.name}; apply it and put it online: govern run"
        ) from missing
    kept = tuple(feature for feature in view.features if features is None or feature.name in features)
    return Wanted(view, registered, kept)
