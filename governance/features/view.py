"""What a feature view is: its key, the measures that its windows sum, and the features that come of them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from governance.contracts.calendar import WINDOW_DAYS
from governance.contracts.schema import Kind

WINDOWS = (*(f"{days}d" for days in WINDOW_DAYS), "lifetime")
"""Suffixes of the windowed features, shortest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An integer that each event of `table` adds to the windows of its key."""

    name: str
    table: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One measure divided by another over the same window; null where the divisor is zero."""

    name: str
    numerator: str
    denominator: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature. `trending` says that it grows with the age of the marketplace: drift shows it but never alarms."""

    name: str
    kind: Kind
    meaning: str
    trending: bool = False


class FeatureTable(Protocol):
    """What can be catalogued, joined in time and put online: rows of a key, an event time and features."""

    @property
    def name(self) -> str:
        """Unique among all feature tables."""

    @property
    def key(self) -> str:
        """Name of the key column."""

    @property
    def meaning(self) -> str:
        """What a row says, for people."""

    @property
    def code_version(self) -> str:
        """Raised when other values come from the same inputs."""

    @property
    def dataset(self) -> str:
        """Where the rows lie in the lake."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of the columns."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One feature view at the grain of a UTC day.

    Its rows lie in the lake under `features/<name>` with the columns `key`, `event_timestamp` (when
    the values became valid), `created` (largest `known_at` among the inputs), then the features.
    """

    name: str
    key: str
    meaning: str
    measures: tuple[Measure, ...]
    rates: tuple[Rate, ...]
    code_version: str

    @property
    def dataset(self) -> str:
        """Where the rows lie in the lake."""
        return f"features/{self.name}"

    @property
    def last_day(self) -> str:
        """Name of the feature that holds the UTC day (since 1970) of the newest order."""
        return f"{self.name}_last_order_day"

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Tables that the measures come from."""
        return tuple(dict.fromkeys(measure.table for measure in self.measures))

    @cached_property
    def sums(self) -> tuple[str, ...]:
        """Names of the windowed integer features."""
        return tuple(f"{self.name}_{measure.name}_{window}" for measure in self.measures for window in WINDOWS)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Every feature, in the order of the columns."""
        return (*self._sums(), *self._rates(), self._recency())

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns."""
        return tuple(feature.name for feature in self.features)

    def over(self, tables: Collection[str]) -> "View":
        """This view where only `tables` are delivered: measures and rates without their table are left out."""
        measures = tuple(measure for measure in self.measures if measure.table in tables)
        names = {measure.name for measure in measures}
        rates = tuple(rate for rate in self.rates if {rate.numerator, rate.denominator} <= names)
        return replace(self, measures=measures, rates=rates)

    def _sums(self) -> list[Feature]:
        return [
            Feature(
                name=f"{self.name}_{measure.name}_{window}",
                kind=Kind.INTEGER,
                meaning=f"{measure.meaning}, {_spoken(window)}",
                trending=window == "lifetime",
            )
            for measure in self.measures
            for window in WINDOWS
        ]

    def _rates(self) -> list[Feature]:
        return [
            Feature(
                name=f"{self.name}_{rate.name}_{window}",
                kind=Kind.FLOAT,
                meaning=f"{rate.meaning}, {_spoken(window)}",
                # Fewer and fewer keys have no event at all yet, so that it is missing less and less often.
                trending=window == "lifetime",
            )
            for rate in self.rates
            for window in WINDOWS
        ]

    def _recency(self) -> Feature:
        return Feature(
            name=self.last_day, kind=Kind.INTEGER, meaning="UTC day since 1970 of the newest order", trending=True
        )


def _spoken(window: str) -> str:
    return "since the first one" if window == "lifetime" else f"last {window[:-1]} day(s)"
