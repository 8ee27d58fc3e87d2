"""What a world is made from: its parameters, and the presets that people ask for by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from governance.errors import ConfigurationError
from governance.marketplaces.simulated.campaigns.file import Campaigns

BUYERS_AT_LEAST = 100
BURN_IN_DAYS = 60
"""Days at the beginning whose decisions train no model: histories are still too short to tell anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Parameters of a world; the same ones give the same rows. `buyers` are there on the first day, the rest scales."""

    seed: int
    first_day: date
    buyers: int
    campaigns: Campaigns

    def __post_init__(self) -> None:
        if self.buyers < BUYERS_AT_LEAST:
            raise ConfigurationError(f"a world needs at least {BUYERS_AT_LEAST} buyers, not {self.buyers}")


@dataclass(frozen=True, slots=True)
class Preset:
    """A size of world: days and buyers."""

    days: int
    buyers: int


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "small": Preset(days=270, buyers=18_000),
        "medium": Preset(days=365, buyers=200_000),
        "large": Preset(days=365, buyers=1_150_000),
    }
)
