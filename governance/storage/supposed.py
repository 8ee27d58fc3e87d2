"""A lake as it would be if some partitions came or went: for dry runs, which then ask what would be stale."""

from collections.abc import Mapping
from datetime import date

from governance.storage.lake import Lake, Manifest


class SupposedLake(Lake):
    """The manifests of a lake, but for those that are supposed otherwise (None: gone). Only manifests are supposed."""

    def __init__(self, lake: Lake, supposed: Mapping[tuple[str, date], Manifest | None]) -> None:
        super().__init__(lake.root)
        self._supposed = supposed

    def manifests(self, dataset: str) -> dict[date, Manifest]:
        """Every partition's manifest, in order of day."""
        found: dict[date, Manifest | None] = {**super().manifests(dataset)}
        found |= {day: manifest for (name, day), manifest in self._supposed.items() if name == dataset}
        return {day: manifest for day, manifest in sorted(found.items()) if manifest is not None}
