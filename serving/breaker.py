"""Stops actions that hurt where too many are asked for within an hour: a mistake must not lock out a whole market."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from serving.minutes import Minutes

State = Literal["closed", "open", "trial"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerBounds:
    """When a breaker opens, and how it closes again.

    Attributes
    ----------
    shares
        For each decision point, how much of an hour's decisions may be blocked.
    decisions_at_least, blocked_at_least
        Of fewer nothing is concluded.
    cool_off_minutes, cool_off_minutes_at_most
        How long it stays open before a trial; after each trial that fails twice as long, up to the second.
    trial_decisions
        How many decisions a trial takes.
    segments_at_most
        The ones that were not heard of for longest are forgotten first.
    """

    shares: Mapping[str, float]
    decisions_at_least: int = 100
    blocked_at_least: int = 25
    cool_off_minutes: int = 15
    cool_off_minutes_at_most: int = 240
    trial_decisions: int = 50
    segments_at_most: int = 10_000


class _Circuit:
    """One point in one segment."""

    __slots__ = ("asked", "blocked", "cool_off", "hour", "state", "until")

    def __init__(self, cool_off: int) -> None:
        self.state: State = "closed"
        self.hour = Minutes(60, 2)
        self.cool_off = cool_off
        self.until = 0
        self.asked = self.blocked = 0


class Breaker:
    """One worker's breakers, by decision point and segment; used on one event loop, as it keeps no lock.

    It is told what models and rules asked for, whether or not that was done: while it is open the world goes on being
    watched. Time is that of the decisions. When the cool-off is over, a trial of a few decisions is let through and
    counted: as soon as it has blocked more than its share the breaker is open again, and when it has ended within its
    share the breaker is closed and begins a new hour.
    """

    def __init__(self, bounds: BreakerBounds) -> None:
        self._bounds = bounds
        self._circuits: OrderedDict[tuple[str, str], _Circuit] = OrderedDict()

    def allows(self, point: str, segment: str, at: datetime) -> bool:
        """Whether what hurts may be answered here and now."""
        circuit = self._circuits.get((point, segment))
        if circuit is None or circuit.state != "open":
            return True
        if _minute(at) < circuit.until:
            return False
        circuit.state, circuit.asked, circuit.blocked = "trial", 0, 0
        return True

    def observe(self, point: str, segment: str, blocked: bool, at: datetime) -> None:
        """Count a decision, and whether what was asked for would hurt."""
        circuit, minute = self._circuit(point, segment), _minute(at)
        circuit.hour.add(minute, (1, int(blocked)))
        if circuit.state == "trial":
            self._try(circuit, point, segment, minute, blocked=blocked)
        elif circuit.state == "closed" and blocked:
            asked, hurt = circuit.hour.sums(minute)
            enough = asked >= self._bounds.decisions_at_least and hurt >= self._bounds.blocked_at_least
            if enough and hurt > self._bounds.shares[point] * asked:
                self._open(circuit, point, segment, minute, f"{hurt} of {asked} decisions within an hour")

    def open_ones(self) -> list[tuple[str, str, State]]:
        """Point, segment and state of every breaker that is not closed."""
        return [(*key, one.state) for key, one in self._circuits.items() if one.state != "closed"]

    def _try(self, circuit: _Circuit, point: str, segment: str, minute: int, *, blocked: bool) -> None:
        bounds = self._bounds
        circuit.asked += 1
        circuit.blocked += blocked
        if circuit.blocked > bounds.shares[point] * bounds.trial_decisions:
            circuit.cool_off = min(2 * circuit.cool_off, bounds.cool_off_minutes_at_most)
            self._open(circuit, point, segment, minute, f"{circuit.blocked} of {circuit.asked} decisions in a trial")
        elif circuit.asked >= bounds.trial_decisions:
            self._circuits[point, segment] = _Circuit(bounds.cool_off_minutes)
            _log.warning("breaker of %s in %.40r is closed: the trial was within its share", point, segment)

    def _open(self, circuit: _Circuit, point: str, segment: str, minute: int, why: str) -> None:
        circuit.state, circuit.until = "open", minute + circuit.cool_off
        _log.error("breaker of %s in %.40r is open for %d minutes: %s", point, segment, circuit.cool_off, why)

    def _circuit(self, point: str, segment: str) -> _Circuit:
        key = (point, segment)
        circuit = self._circuits.get(key)
        if circuit is None:
            circuit = self._circuits[key] = _Circuit(self._bounds.cool_off_minutes)
            if len(self._circuits) > self._bounds.segments_at_most:
                self._circuits.popitem(last=False)
        self._circuits.move_to_end(key)
        return circuit


def _minute(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) // 60
