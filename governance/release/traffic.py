"""Who in traffic gets which model beside the champion: shadows, a canary with its ramp, an experiment's arms.

All of it is a value in the registry's pointer. Which lane an entity takes follows from its id alone, so that every
worker, every replay and every day says the same.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from governance.errors import InputError

Lane = Literal["champion", "canary"]

SHADOWS_AT_MOST = 3
"""Each is scored at every decision and paid for in latency."""
STEPS_AT_MOST = 20
ARMS_AT_MOST = 8

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def draw(salt: str, entity_id: str) -> float:
    """A number in [0, 1) that an entity keeps for as long as the salt stays; different salts give unrelated numbers.

    >>> draw("a", "buyer_1") == draw("a", "buyer_1") != draw("b", "buyer_1")
    True
    """
    digest = hashlib.blake2b(f"{salt}\x1f{entity_id}".encode(), digest_size=8).digest()
    # 53 bits are what a float holds; of 64 the greatest would round up to 1.
    return (int.from_bytes(digest, "big") >> 11) / 2**53


@dataclass(frozen=True, slots=True)
class Ramp:
    """Shares through which a canary grows, and how long each is held at least before the next.

    A step is taken only where traffic was found healthy meanwhile; no traffic is no health.
    """

    steps: tuple[float, ...]
    hold_minutes: int

    def __post_init__(self) -> None:
        """Refuse steps that do not grow, and a hold that nobody could watch."""
        growing = all(low < high for low, high in zip((0.0, *self.steps), self.steps, strict=False))
        if not self.steps or len(self.steps) > STEPS_AT_MOST or not growing or self.steps[-1] > 1:
            raise InputError(f"a ramp grows through 1 to {STEPS_AT_MOST} shares above 0 up to 1, not {self.steps}")
        if not 1 <= self.hold_minutes <= 7 * 24 * 60:
            raise InputError(f"a ramp holds each share from 1 minute to 7 days, not {self.hold_minutes} minutes")

    def after(self, share: float) -> float:
        """The share that follows: the next step, after the last one everybody.

        >>> ramp = Ramp((0.01, 0.1), 60)
        >>> ramp.after(0.01), ramp.after(0.1)
        (0.1, 1.0)
        """
        return next((step for step in self.steps if step > share), 1.0)


@dataclass(frozen=True, slots=True)
class Canary:
    """A candidate that answers for a share of the entities; `since` when the share became what it is."""

    digest: str
    share: float
    since: datetime
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.share <= 1:
            raise InputError(f"a canary's share is from 0 to 1, not {self.share}")

    @property
    def complete(self) -> bool:
        """Whether its ramp has come to its end: everybody gets it, and automation may promote it."""
        return self.ramp is not None and self.share == 1

    def due(self, at: datetime) -> bool:
        """Whether its share was held for long enough to grow."""
        held = at - self.since
        return self.ramp is not None and not self.complete and held >= timedelta(minutes=self.ramp.hold_minutes)

    def grown(self, at: datetime) -> "Canary":
        """The canary at the next share of its ramp."""
        return replace(self, share=self.ramp.after(self.share), since=at) if self.ramp else self

    def same_as(self, other: "Canary | None") -> bool:
        """Whether both say the same, whenever it was said."""
        return other is not None and replace(other, since=self.since) == self


@dataclass(frozen=True, slots=True)
class Arm:
    """A named share of an experiment's entities, and which model answers for them."""

    name: str
    share: float
    lane: Lane = "champion"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms side by side on [0, 1); who falls beyond the last one takes no part."""

    name: str
    arms: tuple[Arm, ...]

    def __post_init__(self) -> None:
        """Refuse names that a ledger cannot be grouped by, and shares that are none."""
        names = [self.name, *(arm.name for arm in self.arms)]
        if not all(_NAME.fullmatch(name) for name in names) or len({*names[1:]}) < len(self.arms):
            raise InputError(f"an experiment and its arms have different names in small letters, not {names}")
        if not 2 <= len(self.arms) <= ARMS_AT_MOST:
            raise InputError(f"an experiment has 2 to {ARMS_AT_MOST} arms, not {len(self.arms)}")
        shares = [arm.share for arm in self.arms]
        # A sum of decimal shares such as ten times .1 may end a rounding above 1.
        if not all(0 < share < 1 for share in shares) or sum(shares) > 1 + 1e-9:
            raise InputError(f"an experiment's arms have shares above 0 that sum to 1 at most, not {shares}")

    def arm(self, entity_id: str) -> Arm | None:
        """The arm of an entity, None for who takes no part."""
        number = draw(f"experiment {self.name}", entity_id)
        for arm in self.arms:
            if number < arm.share:
                return arm
            number -= arm.share
        return None

    @property
    def needs_canary(self) -> bool:
        """Whether an arm is answered by the canary."""
        return any(arm.lane == "canary" for arm in self.arms)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What answers or listens beside the champion.

    Attributes
    ----------
    shadows
        Digests that are scored and logged, and never acted on.
    ramp
        The way on which automation releases a newer candidate: as a canary that grows. None: at once.
    """

    shadows: tuple[str, ...] = ()
    canary: Canary | None = None
    experiment: Experiment | None = None
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, whoever wrote it."""
        if len(set(self.shadows)) < len(self.shadows) or len(self.shadows) > SHADOWS_AT_MOST:
            raise InputError(f"there are at most {SHADOWS_AT_MOST} shadows, each of them once")
        if self.canary and self.canary.digest in self.shadows:
            raise InputError("a canary is no shadow as well: it is scored for everybody whom it answers")
        if self.experiment and self.experiment.needs_canary and self.canary is None:
            raise InputError(f"experiment {self.experiment.name} has an arm for the canary, and there is none")

    @property
    def digests(self) -> tuple[str, ...]:
        """Every candidate that is loaded for it, the canary first."""
        return ((self.canary.digest,) if self.canary else ()) + self.shadows

    def with_shadow(self, digest: str) -> "Traffic":
        """The same with one more shadow."""
        return replace(self, shadows=(*self._shadows_without(digest), digest))

    def with_canary(self, canary: Canary) -> "Traffic":
        """The same with this canary in place of any other; a shadow that becomes the canary is none any more."""
        return replace(self, canary=canary, shadows=self._shadows_without(canary.digest))

    def without(self, digest: str) -> "Traffic":
        """The same without a candidate, and without an experiment that needed it."""
        ends = self.canary is not None and self.canary.digest == digest
        left = self.without_canary() if ends else self
        return replace(left, shadows=left._shadows_without(digest))

    def without_canary(self) -> "Traffic":
        """The same with the champion answering for everybody."""
        needed = self.experiment and self.experiment.needs_canary
        return replace(self, canary=None, experiment=None if needed else self.experiment)

    def under(self, champion: str) -> "Traffic":
        """What is left when another champion begins to serve: a canary was compared with the one before."""
        return self.without_canary().without(champion)

    def _shadows_without(self, digest: str) -> tuple[str, ...]:
        return tuple(one for one in self.shadows if one != digest)


NO_TRAFFIC = Traffic()
"""The champion answers for everybody, and nobody listens."""


def route(traffic: Traffic, entity_id: str) -> Lane:
    """Which model answers for an entity: its arm of an experiment says so, else its draw against the canary's share.

    The draw is salted with the canary's digest: who has the canary keeps it while its share grows, and the next
    canary begins with others.
    """
    canary = traffic.canary
    if canary is None:
        return "champion"
    arm = traffic.experiment.arm(entity_id) if traffic.experiment else None
    if arm is not None:
        return arm.lane
    return "canary" if draw(canary.digest, entity_id) < canary.share else "champion"


def arm_of(experiment: Experiment | None, entity_id: str) -> str | None:
    """The name of an entity's arm; None where there is no experiment or it takes no part."""
    arm = experiment.arm(entity_id) if experiment else None
    return arm.name if arm else None
