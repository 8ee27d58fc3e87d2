"""What a backfill changes, as values: the same whether it was rehearsed (a preview) or observed (a reconciliation)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from governance.contracts.tables import TABLES
from governance.labels import statements
from governance.storage.lake import Lake
from governance.workspace import Workspace

_HASH = "(hash)"
_QUARANTINE_KEY = ("row",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetChange:
    """What became of one asset's partitions.

    `written` days were done, `changed` ones among them have another digest than before (the new one is given; None
    where the partition is gone), the others say the same as they did. Rows are counted over the changed days; `keys`
    is how many keys (buyers, sellers, order lines, ...) any of the added and removed rows are about.
    """

    asset: str
    written: tuple[date, ...]
    changed: tuple[tuple[date, str | None], ...]
    rows_before: int = 0
    rows_after: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    keys: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineChange:
    """Keys of one table online: new ones, those whose values or times change, and those that lost their offline row.

    Nothing but `govern repair online` removes what is left over.
    """

    table: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    left_over: tuple[str, ...]

    @property
    def keys(self) -> int:
        """Keys whose answer changes."""
        return len(self.added) + len(self.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """Candidates that are from now on marked as trained on superseded data: (`as_of`, digest), newest first.

    Those of the current week will be trained again by the next run; the older ones keep their mark.
    """

    model: str
    current: tuple[tuple[date, str], ...]
    older: tuple[tuple[date, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlanded:
    """A day that could not land, and why; what stands of it is what stood before."""

    asset: str
    day: date
    why: str = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Everything that a backfill changes; empty parts where it changes nothing there."""

    assets: tuple[AssetChange, ...] = ()
    online: tuple[OnlineChange, ...] = ()
    models: tuple[ModelChange, ...] = ()
    unlanded: tuple[Unlanded, ...] = ()

    @property
    def partitions(self) -> int:
        """Partitions that are written, whether or not they then differ."""
        return sum(len(asset.written) for asset in self.assets)

    @property
    def changed_partitions(self) -> int:
        """Partitions that are new or differ."""
        return sum(len(asset.changed) for asset in self.assets)

    @property
    def changes_nothing(self) -> bool:
        """Whether every digest and every key online stays as it is."""
        return not self.changed_partitions and not any(table.keys or table.left_over for table in self.online)


def compare(before: Workspace, after: Workspace) -> tuple[AssetChange, ...]:
    """Hold the daily partitions of a workspace against those of its copy; only files that differ are read.

    One of the two is a linked copy of the other (`copies.linked_copy`), so that an untouched partition is one file.
    """
    found = [_compare(before.lake, after.lake, asset, *described) for asset, described in _datasets(after).items()]
    return tuple(change for change in found if change is not None)


def compare_keys(
    before: Mapping[str, object], after: Mapping[str, object], *, offline: Sequence[str], table: str
) -> OnlineChange | None:
    """What differs between two states of a table online, each a value by key; `offline` are the keys that have rows."""
    gone = tuple(sorted(after.keys() - set(offline)))
    added = tuple(sorted(after.keys() - before.keys()))
    changed = tuple(sorted(key for key in after.keys() & before.keys() if after[key] != before[key]))
    if not (gone or added or changed):
        return None
    return OnlineChange(table=table, added=added, changed=changed, left_over=gone)


def _datasets(workspace: Workspace) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Dataset and key of every daily asset, and of what lies beside it for people to read."""
    tables = {f"raw/{name}": (f"raw/{name}", TABLES[name].key) for name in workspace.marketplace.tables}
    refused = {f"quarantine/{name}": (f"quarantine/{name}", _QUARANTINE_KEY) for name in workspace.marketplace.tables}
    views = {f"features/{view.name}": (view.dataset, (view.key,)) for view in workspace.views.values()}
    labels = {f"labels/{label.name}": (label.dataset, ("row_id",)) for label in workspace.models.labels}
    return {**tables, **refused, **views, "labels/statements": (statements.DATASET, ("label",)), **labels}


def _compare(before: Lake, after: Lake, asset: str, dataset: str, key: tuple[str, ...]) -> AssetChange | None:
    days = sorted({*before.days(dataset), *after.days(dataset)})
    written = tuple(day for day in days if _stamp(before, dataset, day) != _stamp(after, dataset, day))
    if not written:
        return None
    changed = {day: _digest(after, dataset, day) for day in written}
    changed = {day: digest for day, digest in changed.items() if digest != _digest(before, dataset, day)}
    return _counted(
        AssetChange(asset=asset, written=written, changed=tuple(changed.items())),
        [(_read(before, dataset, day), _read(after, dataset, day)) for day in changed],
        key,
    )


def _counted(
    change: AssetChange, pairs: Sequence[tuple[pl.DataFrame | None, pl.DataFrame | None]], key: tuple[str, ...]
) -> AssetChange:
    if not pairs:
        return change
    differing = [_differing(old, new, key) for old, new in pairs]
    removed, added = (pl.concat([pair[side] for pair in differing]) for side in (0, 1))
    return replace(
        change,
        rows_before=sum(0 if old is None else old.height for old, _ in pairs),
        rows_after=sum(0 if new is None else new.height for _, new in pairs),
        rows_added=added.height,
        rows_removed=removed.height,
        keys=pl.concat([removed, added]).unique().height,
    )


def _differing(old: pl.DataFrame | None, new: pl.DataFrame | None, key: tuple[str, ...]) -> list[pl.DataFrame]:
    """Keys of the rows that only one of two partitions has: of the old one, of the new one."""
    one, other = (_hashed(frame, key) for frame in (old, new))
    return [left.join(right, on=_HASH, how="anti").drop(_HASH) for left, right in ((one, other), (other, one))]


def _hashed(frame: pl.DataFrame | None, key: tuple[str, ...]) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema={**dict.fromkeys(key, pl.String()), _HASH: pl.UInt64()})
    return frame.select(*(pl.col(name).cast(pl.String) for name in key), frame.hash_rows(seed=0).alias(_HASH))


def _stamp(lake: Lake, dataset: str, day: date) -> tuple[int, int] | None:
    """Which file a partition is: a partition is replaced by a new file, also where its rows stay the same."""
    try:
        found = lake.path(dataset, day).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _digest(lake: Lake, dataset: str, day: date) -> str | None:
    manifest = lake.manifest(dataset, day)
    return manifest.digest if manifest else None


def _read(lake: Lake, dataset: str, day: date) -> pl.DataFrame | None:
    return lake.read(dataset, [day]) if lake.path(dataset, day).exists() else None
