"""The lake: datasets as hive folders of dated Parquet files, each an immutable partition with its manifest inside.

A partition is written under a temporary name outside the dataset and renamed, so that readers
and a killed process see the old partition or the new one. The manifest (digest, fingerprint,
facts) travels in the Parquet footer: there is no second file that could disagree with the first.
"""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from governance.errors import StoreError
from governance.storage.digests import frame_digest

_MANIFEST = "governance"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a partition holds (`digest`, `rows`), what it was made from (`fingerprint`), and facts about it."""

    digest: str
    rows: int
    fingerprint: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Lake:
    """Dated partitions under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, dataset: str, day: date) -> Path:
        """The file of one partition, whether or not it exists."""
        return self.root.joinpath(dataset, f"dt={day.isoformat()}", "rows.parquet")

    def write(
        self,
        dataset: str,
        day: date,
        frame: pl.DataFrame,
        *,
        key: Sequence[str],
        fingerprint: str,
        facts: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Replace one partition atomically and return its manifest; rows are stored sorted by `key`."""
        ordered = frame.sort(key, nulls_last=True, maintain_order=True)
        manifest = Manifest(frame_digest(ordered, key=key), ordered.height, fingerprint, dict(facts or {}))
        packed = {
            "digest": manifest.digest,
            "rows": manifest.rows,
            "fingerprint": fingerprint,
            "facts": manifest.facts,
        }
        target = self.path(dataset, day)
        temporary = self.root / ".tmp" / f"{uuid.uuid4().hex}.parquet"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            ordered.write_parquet(temporary, compression="zstd", metadata={_MANIFEST: json.dumps(packed)})
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return manifest

    def manifest(self, dataset: str, day: date) -> Manifest | None:
        """The manifest of one partition, or None where there is none."""
        try:
            return _read_manifest(str(self.path(dataset, day)))
        except FileNotFoundError:
            return None

    def manifests(self, dataset: str) -> dict[date, Manifest]:
        """Every partition's manifest, in order of day."""
        return {date.fromisoformat(day): _read_manifest(path) for day, path in _partitions(self.root / dataset)}

    def days(self, dataset: str, *, first: date | None = None, last: date | None = None) -> list[date]:
        """Days that have a partition, in order, from `first` to `last` inclusive where given."""
        found = [date.fromisoformat(day) for day, _ in _partitions(self.root / dataset)]
        return [day for day in found if (first is None or day >= first) and (last is None or day <= last)]

    def read(self, dataset: str, days: Iterable[date]) -> pl.DataFrame:
        """Rows of the days that have a partition, in order of day.

        Raises
        ------
        StoreError
            None of the days has a partition.
        """
        paths = [path for day in days if (path := self.path(dataset, day)).exists()]
        if not paths:
            raise StoreError(f"{dataset}: none of the days asked for has landed; run `govern run` first")
        # Polars opens a path twice, once for the footer: a partition replaced in between would read as corrupt.
        return pl.read_parquet([path.read_bytes() for path in paths], hive_partitioning=False)

    def paths(self, dataset: str, *, first: date | None = None, last: date | None = None) -> list[str]:
        """Files of the partitions from `first` to `last` inclusive, for engines that read files themselves."""
        return [str(self.path(dataset, day)) for day in self.days(dataset, first=first, last=last)]

    def move(self, dataset: str, day: date, *, to: str) -> None:
        """Move one partition to another dataset if it is there; readers find it in one or the other."""
        path, target = self.path(dataset, day), self.path(to, day)
        if not path.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        # Where somebody has written it anew meanwhile, the folder is not empty and stays.
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def delete(self, dataset: str, day: date) -> None:
        """Remove one partition if it is there."""
        shutil.rmtree(self.path(dataset, day).parent, ignore_errors=True)


def _partitions(folder: Path) -> list[tuple[str, str]]:
    """Day and file of a dataset's partitions in order; plain strings, because a plan asks for thousands."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name[3:], f"{entry.path}/rows.parquet") for entry in entries if entry.name[:3] == "dt="]
    except FileNotFoundError:
        return []
    return sorted((day, path) for day, path in found if os.path.exists(path))  # noqa: PTH110


def _read_manifest(path: str) -> Manifest:
    now = os.stat(path)  # noqa: PTH116
    return _manifest_in(path, now.st_ino, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=16_384)
def _manifest_in(path: str, _inode: int, _modified_ns: int, _size: int) -> Manifest:
    """The manifest in a file; partitions are replaced and never changed, so that each version is read once."""
    packed = pl.read_parquet_metadata(path).get(_MANIFEST)
    if packed is None:
        raise StoreError(f"{path} carries no manifest: it was not written by the lake; remove it and run again")
    parts = json.loads(packed)
    return Manifest(parts["digest"], parts["rows"], parts["fingerprint"], parts["facts"])
