"""What long work says while it goes on, what a day's partition says of itself, and how long it all took."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from types import TracebackType
from typing import Any, Self

import dagster as dg

from assets.metadata import rounded
from governance.backfill.durations import Durations, Work
from governance.storage.lake import Lake, Manifest

_EVERY_SECONDS = 5.0


class DayProgress:
    """Counts days in the run's log (`day 37 of 90, 4 min left`) and stamps each day's facts on its partition.

    Leaving it well remembers in `durations` how long the days took.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        days: Sequence[date],
        *,
        durations: Durations,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._days = len(days)
        self._done = 0
        self._durations = durations
        self._timer = timer
        self._started = self._said = timer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            took = self._timer() - self._started
            self._durations.record(self._context.asset_key.to_user_string(), Work(self._done, took))

    def done(self, day: date, facts: Mapping[str, Any] | None = None) -> None:
        """A day has been committed."""
        self._done += 1
        if facts:
            self._context.add_asset_metadata(dict(facts), partition_key=day.isoformat())
        now = self._timer()
        if self._done < self._days and now - self._said >= _EVERY_SECONDS:
            self._said = now
            self._context.log.info(f"{self._context.asset_key.to_user_string()}: {self._line(now)}")

    def written(self, day: date, manifest: Manifest) -> None:
        """A partition has been committed with this manifest."""
        self.done(day, facts_of(manifest))

    def _line(self, now: float) -> str:
        left = (now - self._started) / self._done * (self._days - self._done)
        spoken = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        return f"day {self._done} of {self._days}, {spoken} left"


@contextmanager
def timed(
    context: dg.AssetExecutionContext, durations: Durations, *, timer: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Remember how long an asset without days took, if it ends well."""
    started = timer()
    yield
    durations.record(context.asset_key.to_user_string(), Work(1, timer() - started))


def stamp(context: dg.AssetExecutionContext, lake: Lake, dataset: str, days: Sequence[date]) -> None:
    """Say on the partitions of days that were not done again what stands there."""
    for day in days:
        manifest = lake.manifest(dataset, day)
        if manifest:
            context.add_asset_metadata(facts_of(manifest), partition_key=day.isoformat())


def facts_of(manifest: Manifest) -> dict[str, Any]:
    """What the UI shows of a partition: numbers and texts as they are, the rest as JSON, empty ones not at all."""
    shown: dict[str, Any] = {"rows": manifest.rows, "digest": manifest.digest}
    for name, value in manifest.facts.items():
        if isinstance(value, int | float | str):
            shown[name] = rounded(value) if isinstance(value, float) else value
        elif value:
            shown[name] = dg.MetadataValue.json(value)
    return shown
