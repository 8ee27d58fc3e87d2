"""Decision points as data: what may be answered where, by which models, and what holds when parts fail."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from governance.errors import ConfigurationError
from governance.storage.digests import fingerprint

_FILE = Path(__file__).with_name("points.toml")
_EXPLORE_AT_MOST = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """A rung of a ladder: `action` from `excess` on, the share of the way between a model's threshold and certainty."""

    action: str
    excess: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPoint:
    """Where a live decision is asked for. points.toml says what each field means."""

    name: str
    meaning: str
    owner: str
    entity: str
    keys: tuple[str, ...]
    actions: tuple[str, ...]
    hurts_from: str
    when_degraded: str
    when_breaker_open: str
    breaker_share: float
    deadline_ms: int
    explore_share: float
    ladders: Mapping[str, tuple[Step, ...]]
    split_by: str | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """Models that have a say here; those without a champion are skipped."""
        return tuple(self.ladders)

    @property
    def mildest(self) -> str:
        """The action that does nothing."""
        return self.actions[0]

    def severity(self, action: str) -> int:
        """How harsh an action is: 0 does nothing.

        Raises
        ------
        ConfigurationError
            The point does not know the action.
        """
        try:
            return self.actions.index(action)
        except ValueError:
            known = ", ".join(self.actions)
            raise ConfigurationError(f"{self.name} has no action {action!r}; its actions are {known}") from None

    def hurts(self, action: str) -> bool:
        """Whether somebody is worse off for this action."""
        return self.severity(action) >= self.severity(self.hurts_from)

    def harshest(self, *actions: str) -> str:
        """The harshest of these; where there is none, the one that does nothing."""
        return max(actions, key=self.severity, default=self.mildest)

    def mildest_of(self, *actions: str) -> str:
        """The mildest of these."""
        return min(actions, key=self.severity)

    def traffic_unit(self, entity_id: str, keys: Mapping[str, str]) -> str:
        """What traffic is split by: one buyer meets one model at all its orders.

        The entity itself where the point splits by nothing else, or the request does not name it.
        """
        return keys.get(self.split_by, entity_id) if self.split_by else entity_id


@lru_cache(maxsize=1)
def load_points() -> Mapping[str, DecisionPoint]:
    """Every decision point, by name."""
    return parse_points(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def parse_points(values: Mapping[str, Mapping[str, Any]]) -> Mapping[str, DecisionPoint]:
    """Decision points from TOML values.

    Raises
    ------
    ConfigurationError
        A field is missing or unknown, an action is not among the point's, a ladder does not rise, or what is answered
        while the breaker is open hurts.
    """
    return {name: _parse(name, fields) for name, fields in values.items()}


def points_version(points: Mapping[str, DecisionPoint]) -> str:
    """A short digest of what the points say."""
    return fingerprint({name: asdict(point) for name, point in points.items()})[:12]


def _parse(name: str, values: Mapping[str, Any]) -> DecisionPoint:
    fields = dict(values)
    try:
        ladders = {model: tuple(Step(**step) for step in steps) for model, steps in fields.pop("models", {}).items()}
        keys, actions = tuple(fields.pop("keys")), tuple(fields.pop("actions"))
        point = DecisionPoint(name=name, ladders=ladders, keys=keys, actions=actions, **fields)
    except (KeyError, TypeError) as problem:
        raise ConfigurationError(f"decision point {name}: {problem}") from problem
    _require_sound(point)
    return point


def _require_sound(point: DecisionPoint) -> None:
    for action in (point.hurts_from, point.when_degraded, point.when_breaker_open):
        point.severity(action)
    if len(set(point.actions)) != len(point.actions) or point.hurts_from == point.mildest:
        raise ConfigurationError(f"decision point {point.name}: actions must differ, and the first one does not hurt")
    if point.hurts(point.when_breaker_open):
        raise ConfigurationError(
            f"decision point {point.name}: what is answered while the breaker is open must not hurt"
        )
    shares = 0 <= point.explore_share <= _EXPLORE_AT_MOST and 0 < point.breaker_share < 1
    if not shares or point.deadline_ms < 1:
        problem = (
            f"explore_share lies between 0 and {_EXPLORE_AT_MOST}, breaker_share between 0 and 1, and deadline_ms "
            "is at least 1"
        )
        raise ConfigurationError(f"decision point {point.name}: {problem}")
    if point.split_by not in (None, *point.keys):
        raise ConfigurationError(f"decision point {point.name}: split_by is not among its keys")
    for model, ladder in point.ladders.items():
        _require_rising(point, model, ladder)


def _require_rising(point: DecisionPoint, model: str, ladder: tuple[Step, ...]) -> None:
    starts = [step.excess for step in ladder]
    severities = [point.severity(step.action) for step in ladder]
    rising = starts == sorted(set(starts)) and severities == sorted(set(severities))
    if not ladder or starts[0] != 0 or severities[0] == 0 or starts[-1] > 1 or not rising:
        raise ConfigurationError(
            f"decision point {point.name}: the ladder of {model} starts at excess 0 with an action that does "
            "something, and rises from mild to harsh up to excess 1"
        )
