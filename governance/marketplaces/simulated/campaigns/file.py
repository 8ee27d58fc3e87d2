"""Campaign files: who abuses the marketplace, when, how hard and how they answer when they are found."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from governance.errors import ConfigurationError

DEFAULT = Path(__file__).parent / "default.toml"

LABELS = {
    "fake_registrations": "fake_account",
    "incentive_farm": "incentive_abuse",
    "account_takeover": "account_takeover",
    "data_leak": None,
    "merchant_fraud": "merchant_fraud",
    "brushing": "brushing",
    "listing_violation": "listing_violation",
    "creator_cheating": "creator_cheating",
    "click_farm": "click_farm",
    "content_violation": "content_violation",
    "refund_abuse": "refund_abuse",
}
"""Kinds of campaign, each with the label that its members' deeds get; a leak itself is never labelled."""

ADAPTATIONS = ("no", "rotate", "slow", "move")

_Tactic = TypeVar("_Tactic")


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One campaign, from the day `first_day` to `last_day` (both counted from the world's first day, 0).

    `members_per_10k_buyers` is natural; what is played is multiplied by the oversampling of the campaign's label.
    `intensity` scales what each member does a day. When its members are acted on, a campaign rotates its devices and
    networks, slows down, or moves to new accounts. `tactic` overrides the numbers of its kind.
    """

    name: str
    kind: str
    first_day: int
    last_day: int
    members_per_10k_buyers: float
    intensity: float = 1.0
    adapts: str = "no"
    tactic: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def runs(self, day: int) -> bool:
        """Whether it is on."""
        return self.first_day <= day <= self.last_day

    def plays(self, tactic: type[_Tactic]) -> _Tactic:
        """The numbers of its kind (a dataclass with defaults) with what this campaign overrides.

        Raises
        ------
        ConfigurationError
            It overrides a number that its kind does not have, or with a value of another type.
        """
        known = {one.name: one.default for one in fields(tactic)}  # type: ignore[arg-type]
        for name, value in self.tactic.items():
            if name not in known:
                raise ConfigurationError(
                    f"campaign {self.name}: {self.kind} has no {name!r}; it has {', '.join(sorted(known))}"
                )
            wanted = type(known[name])
            if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
                raise ConfigurationError(f"campaign {self.name}: {name} must be {wanted.__name__}, not {value!r}")
        return tactic(**self.tactic)


@dataclass(frozen=True, kw_only=True)
class Prevalence:
    """How much of a label there is: the natural share of its decisions, and the factor by which a world has more."""

    natural: float
    oversampling: float = 1.0


@dataclass(frozen=True)
class Campaigns:
    """What a campaign file holds."""

    campaigns: tuple[Campaign, ...]
    prevalence: Mapping[str, Prevalence]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the campaigns, in order; the number of a campaign is its place here."""
        return tuple(one.name for one in self.campaigns)

    def of_kind(self, kind: str) -> list[tuple[int, Campaign]]:
        """The campaigns of a kind with their numbers."""
        return [(number, one) for number, one in enumerate(self.campaigns) if one.kind == kind]

    def running(self, kind: str, day: int, tactic: type[_Tactic]) -> list[tuple[int, Campaign, _Tactic]]:
        """The campaigns of a kind that are on: number, campaign and its numbers of the kind's tactic."""
        return [(number, one, one.plays(tactic)) for number, one in self.of_kind(kind) if one.runs(day)]

    def only(self, kind: str, *, first_day: int, oversampling: float) -> "Campaigns":
        """The campaigns of one kind alone, beginning on another day and with another factor: for small studies."""
        chosen = tuple(replace(one, first_day=first_day) for _, one in self.of_kind(kind))
        label = LABELS[kind]
        kept = {} if label is None else {label: replace(self.prevalence[label], oversampling=oversampling)}
        return Campaigns(chosen, kept)

    def oversampling(self, campaign: Campaign) -> float:
        """The factor by which a campaign is larger than natural."""
        label = LABELS[campaign.kind]
        return self.prevalence[label].oversampling if label is not None and label in self.prevalence else 1.0

    def members(self, campaign: Campaign, *, buyers: int) -> int:
        """How many members a campaign plays with in a world of this many buyers."""
        return max(1, round(campaign.members_per_10k_buyers * self.oversampling(campaign) * buyers / 10_000))


def load_campaigns(path: Path = DEFAULT) -> Campaigns:
    """Read a campaign file.

    Raises
    ------
    ConfigurationError
        The file is not there or not TOML, or a campaign in it is not what it should be.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no campaign file is there") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    if unknown := sorted(values.keys() - {"campaign", "prevalence"}):
        raise ConfigurationError(f"{path}: unknown {', '.join(unknown)}; a campaign file has campaign and prevalence")
    prevalence = {label: _parsed(path, label, Prevalence, one) for label, one in values.get("prevalence", {}).items()}
    campaigns = tuple(_campaign(path, one) for one in values.get("campaign", []))
    names = [one.name for one in campaigns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"{path}: two campaigns are called {twice[0]!r}")
    return Campaigns(campaigns, prevalence)


def _campaign(path: Path, values: Mapping[str, Any]) -> Campaign:
    campaign = _parsed(path, str(values.get("name", "?")), Campaign, values)
    if campaign.kind not in LABELS:
        raise ConfigurationError(f"{path}: campaign {campaign.name}: {campaign.kind!r} is no kind of {list(LABELS)}")
    if campaign.adapts not in ADAPTATIONS:
        raise ConfigurationError(
            f"{path}: campaign {campaign.name}: adapts must be one of {', '.join(ADAPTATIONS)}, not {campaign.adapts!r}"
        )
    if campaign.last_day < campaign.first_day:
        raise ConfigurationError(f"{path}: campaign {campaign.name}: it ends before it begins")
    if campaign.members_per_10k_buyers <= 0 or campaign.intensity <= 0:
        raise ConfigurationError(f"{path}: campaign {campaign.name}: members and intensity must be above 0")
    return campaign


def _parsed(path: Path, name: str, kind: type[_Tactic], values: Mapping[str, Any]) -> _Tactic:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - known):
        raise ConfigurationError(f"{path}: {name}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if missing := sorted(needed - values.keys()):
        raise ConfigurationError(f"{path}: {name}: {', '.join(missing)} must be given")
    return kind(**values)
