"""How a marketplace is looked after, and past which bounds a person is asked: `[automation]` in its TOML."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from governance.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The bounds of what happens by itself.

    Attributes
    ----------
    daily_at, weekly_at : when incomplete days are closed, and when the past week is trained (cron, UTC).
    look_every_seconds : how often sensors look.
    watch_every_seconds : how often somebody looks for what is not as it should be.
    settle_seconds : a file younger than this may still be on its way.
    patience_hours : how long an incomplete day is waited for before `daily_at` closes it.
    overdue_hours : so long after its end a whole week that nobody trained is trained by a sensor.
    rebuild_days_at_most, rebuild_key_share_at_most : past these a change of history waits for a person.
    drift_cooldown_days : between two retrainings for drift of one model.
    matured_growth_at_least : so much more matured positives than at its last training call for another one.
    """

    daily_at: str = "0 6 * * *"
    weekly_at: str = "30 6 * * 1"
    look_every_seconds: int = 60
    watch_every_seconds: int = 180
    settle_seconds: float = 60.0
    patience_hours: float = 6.0
    overdue_hours: float = 36.0
    rebuild_days_at_most: int = 14
    rebuild_key_share_at_most: float = 0.5
    drift_cooldown_days: float = 6.0
    matured_growth_at_least: float = 0.25

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Pace":
        """The pace that a TOML table states; what it does not state is the default.

        Raises
        ------
        ConfigurationError
            A key is unknown, or a value is not of the default's kind or negative.
        """
        known = {entry.name: entry.default for entry in fields(cls)}
        if unknown := sorted(settings.keys() - known.keys()):
            raise ConfigurationError(f"[automation]: unknown key {', '.join(unknown)}; known are {', '.join(known)}")
        for name, value in settings.items():
            if isinstance(known[name], str) != isinstance(value, str) or isinstance(value, bool):
                raise ConfigurationError(f"[automation]: {name} must be like {known[name]!r}, not {value!r}")
            if not isinstance(value, str) and value < 0:
                raise ConfigurationError(f"[automation]: {name} must not be below 0")
        return cls(**settings)
