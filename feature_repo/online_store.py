"""What our online stores do beside what Feast asks of one: take whole columns, and say exactly what they hold.

A materialization is proved by comparing what is offline with what is online, which no store of Feast's own can list.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from governance.errors import ConfigurationError
from governance.storage.digests import fingerprint

if TYPE_CHECKING:
    from feast import FeatureView, RepoConfig


LAYOUT_LENGTH = 32
"""It stands with every row, and Redis keeps a hash small only while none of its values exceeds 64 bytes."""


class ColumnOnlineStore(ABC):
    """The part of an online store that `materialize_view` stands on; each row is written whole or not at all."""

    @abstractmethod
    def write_columns(self, config: "RepoConfig", view: "FeatureView", rows: pl.DataFrame) -> None:
        """Put one batch online; a row replaces whatever its entity had, also one with a later event time.

        `rows` holds the join key, the features, `EVENT_TIME`, `CREATED` and `digest` (see `row_digests`), which is
        kept with the row: a row that has one was written in full from the offline row of that digest.
        """

    @abstractmethod
    def stored_rows(self, config: "RepoConfig", view: "FeatureView") -> pl.DataFrame:
        """What is online for a view, without the features.

        Columns: the join key, `EVENT_TIME`, `CREATED`, `layout` (see `current_layout`), `digest` (null where the row
        was not written by `write_columns`) and `entity_key` (names the row to `delete_rows`).
        """

    @abstractmethod
    def delete_rows(self, config: "RepoConfig", view: "FeatureView", entity_keys: Iterable[bytes]) -> None:
        """Remove a view's values of these entities; what other views hold of them stays."""

    def count_rows(self, config: "RepoConfig", view: "FeatureView") -> int:
        """How many entities are online for a view."""
        return self.stored_rows(config, view).height


def open_online_store(config: "RepoConfig") -> ColumnOnlineStore:
    """The online store that a configuration names.

    Raises
    ------
    ConfigurationError
        It is one that cannot say what it holds.
    """
    from feast.infra.online_stores.helpers import get_online_store_from_config

    store = get_online_store_from_config(config.online_store)
    if not isinstance(store, ColumnOnlineStore):
        raise ConfigurationError(
            f"an online store of type {config.online_store.type} cannot list what it holds, so nothing could prove a "
            "materialization; name one of feature_repo in the environment's YAML"
        )
    return store


def row_digests(rows: pl.DataFrame, features: Sequence[str]) -> pl.Series:
    """A signed 64-bit digest of each row's features, equal for equal values within one version of Polars."""
    return rows.select(features).hash_rows(seed=0).reinterpret(signed=True).alias("digest")


def current_layout(view: "FeatureView") -> str:
    """Identifies the features of a view, in order, and the code version that computes them."""
    return layout_of(view, [field.name for field in view.features])


def layout_of(view: "FeatureView", names: Sequence[str]) -> str:
    """Identifies features of a view, in order, and the code version that computes them, in `LAYOUT_LENGTH` signs."""
    # Row digests are comparable within one version of Polars only: another one writes every row again.
    return fingerprint(list(names), view.tags.get("code_version"), pl.__version__)[:LAYOUT_LENGTH]


def join_key_of(view: "FeatureView") -> str:
    """The one key column of a view.

    Raises
    ------
    ConfigurationError
        The view has none or several.
    """
    keys: list[str] = [field.name for field in view.entity_columns]
    if len(keys) != 1:
        raise ConfigurationError(f"feature view {view.name} has the keys {keys}; a view goes online by exactly one")
    return keys[0]
