"""What long work says while it goes on, and what a day's partition says of itself when it is done."""

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import dagster as dg

from governance.storage.lake import Manifest

_EVERY_SECONDS = 5.0


class DayProgress:
    """Counts days in the run's log (`day 37 of 90, 4 min left`) and stamps each day's facts on its partition."""

    def __init__(
        self, context: dg.AssetExecutionContext, days: int, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._days = days
        self._done = 0
        self._timer = timer
        self._started = self._said = timer()

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
        self.done(day, {"rows": manifest.rows, "digest": manifest.digest, **_plain(manifest.facts)})

    def _line(self, now: float) -> str:
        left = (now - self._started) / self._done * (self._days - self._done)
        spoken = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        return f"day {self._done} of {self._days}, {spoken} left"


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that the UI can show: numbers and texts as they are, the rest as JSON, empty ones not at all."""
    shown: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, int | float | str):
            shown[name] = value
        elif value:
            shown[name] = dg.MetadataValue.json(value)
    return shown
