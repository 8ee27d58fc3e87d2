"""Who is told of what, and when: owners, routes, night hours and bounds, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.errors import ConfigurationError
from governance.oncall.finding import Severity

_DEFAULT = Path(__file__).with_name("routes.toml")
OWN_FILE = "oncall.toml"
"""A marketplace's own routing, in its folder."""

PAGES = frozenset({Severity.SEV1, Severity.SEV2})
"""What goes out by night; not to be configured away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """From where on a thing is found; units stand in the names, shares are of 1 (see `routes.toml`)."""

    payouts_held_change: float
    action_rate_change: float
    cases_at_least: float
    champion_days: float
    refused_days: float
    late_hours: float
    very_late_hours: float
    online_hours: float
    quarantine_near: float
    label_delay_factor: float
    label_delay_days: float
    disk_days: float
    disk_very_few_days: float
    disk_day_megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Night hours in the time zone of the people on call, reminders by severity, routes by owner, and bounds."""

    time_zone: ZoneInfo
    night_from: time
    night_until: time
    remind_after: Mapping[Severity, timedelta]
    routes: Mapping[str, str]
    bounds: Bounds

    def goes_out(self, severity: Severity, at: datetime) -> bool:
        """Whether something of this severity leaves the house at this time, or waits for the morning."""
        return severity in PAGES or not self.is_night(at)

    def is_night(self, at: datetime) -> bool:
        """Whether it is night where the people on call are."""
        local = at.astimezone(self.time_zone).time()
        if self.night_from <= self.night_until:
            return self.night_from <= local < self.night_until
        return local >= self.night_from or local < self.night_until

    def route_of(self, owner: str) -> str | None:
        """The route of an owner, None where it has none."""
        return self.routes.get(owner)


def load_routing(folder: Path) -> Routing:
    """The routing of the marketplace in this folder: its own file, or the project's.

    Raises
    ------
    ConfigurationError
        The file is no TOML, or a value is missing, unknown or of another type.
    """
    own = folder / OWN_FILE
    path = own if own.exists() else _DEFAULT
    try:
        return _routing(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError, ZoneInfoNotFoundError) as error:
        raise ConfigurationError(
            f"{path} is no routing of alerts ({error!r}); {_DEFAULT} shows what it must hold"
        ) from error


def _routing(values: Mapping[str, Any]) -> Routing:
    known = {"time_zone", "night_from", "night_until", "remind_after_hours", "routes", "bounds"}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"unknown key {', '.join(unknown)}")
    bounds = values["bounds"]
    if unknown := sorted(bounds.keys() - {field.name for field in fields(Bounds)}):
        raise ValueError(f"unknown bound {', '.join(unknown)}")
    hours = values["remind_after_hours"]
    return Routing(
        time_zone=ZoneInfo(values["time_zone"]),
        night_from=_time(values["night_from"]),
        night_until=_time(values["night_until"]),
        remind_after=MappingProxyType({level: timedelta(hours=float(hours[level.name])) for level in Severity}),
        routes=MappingProxyType({str(owner): str(route) for owner, route in values["routes"].items()}),
        bounds=Bounds(**{name: float(value) for name, value in bounds.items()}),
    )


def _time(value: Any) -> time:
    if not isinstance(value, time):
        raise TypeError(f"{value!r} is no time of day such as 20:00:00")
    return value
