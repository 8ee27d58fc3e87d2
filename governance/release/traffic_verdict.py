"""What a window of traffic says of a model that is new in it: out of band, healthy, or not enough to tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.release.records import Pointer
from governance.release.traffic_words import percent


@dataclass(frozen=True, slots=True)
class Counts:
    """What one model did in a window: requests, and of these how many failed, were slow, were acted on."""

    requests: int = 0
    errors: int = 0
    slow: int = 0
    acted: int = 0

    @property
    def scored(self) -> int:
        """Requests that got a score: only these can be slow or acted on."""
        return self.requests - self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficBounds:
    """How far what is new may lie from what is usual.

    Attributes
    ----------
    error_share_above, slow_share_above
        By how much a share may exceed the usual one.
    action_ratio
        How many times the usual action rate, or what part of it, beyond a difference of `action_share_apart`.
    slow_after_us
        A score that takes longer is slow: some fifty times what a large model needs.
    requests_at_least
        Fewer say nothing good; something bad is believed once it is past chance.
    bad_at_least
        Of fewer bad ones nothing is concluded, whatever their share.
    sigmas
        Half the width of an interval around a share, in standard deviations. Both shares have one, and a window is
        looked at every few seconds: at 3, a difference has to be seen in both at once, about 1 in 20,000 looks.
    """

    error_share_above: float = 0.01
    slow_share_above: float = 0.02
    action_ratio: float = 2.0
    action_share_apart: float = 0.005
    slow_after_us: int = 5_000
    requests_at_least: int = 200
    bad_at_least: int = 10
    sigmas: float = 3.0


BOUNDS = TrafficBounds()
WATCH = "traffic watch"
"""Who signs what happens in traffic without a person."""
OUT_OF_BAND = "out of band"
"""How the reason begins for which the watch takes something back."""
WINDOW_MINUTES = 10
FRESH_MINUTES = 60
"""For so long a champion that never served before may be taken back without a person."""


@dataclass(frozen=True, slots=True)
class TrafficVerdict:
    """What to think of a model in traffic, with the sentence that says why."""

    state: Literal["healthy", "unclear", "out_of_band"]
    reason: str


def judge_traffic(new: Counts, usual: Counts, bounds: TrafficBounds = BOUNDS) -> TrafficVerdict:
    """Compare what is new in traffic with what is usual there.

    Parameters
    ----------
    usual
        What the champion did at the same time or, for a champion that is new itself, the one before it. Where it saw
        nothing, errors and slowness are judged by their bounds alone, and the action rate not at all.
    """
    found = (
        _worse("errors", (new.errors, new.requests), (usual.errors, usual.requests), bounds.error_share_above, bounds),
        _worse("slow scores", (new.slow, new.scored), (usual.slow, usual.scored), bounds.slow_share_above, bounds),
        _acting(new, usual, bounds),
    )
    if reason := next((reason for reason in found if reason), None):
        return TrafficVerdict("out_of_band", reason)
    if new.requests < bounds.requests_at_least:
        return TrafficVerdict("unclear", f"{new.requests} of {bounds.requests_at_least} requests that are needed")
    return TrafficVerdict("healthy", f"{new.requests} requests like those of the usual model")


def may_be_taken_back(pointer: Pointer, earlier: list[Pointer], *, at: datetime) -> bool:
    """Whether a champion may be rolled back without a person: it is fresh, and has never served before.

    One that came back is a person's business: when it is out of band as well, not the model has changed but the world.

    Parameters
    ----------
    earlier
        Every pointer so far.
    """
    came = pointer.promotion
    before = {one.champion for one in earlier if one.generation < came.generation}
    return pointer.champion not in before and at - came.at < timedelta(minutes=FRESH_MINUTES)


def share_interval(bad: int, out_of: int, *, sigmas: float) -> tuple[float, float]:
    """Between which shares the true one lies (Wilson 1927, JASA 22, p. 209); all of them where there is nothing.

    >>> low, high = share_interval(10, 100, sigmas=1.96)
    >>> round(low, 3), round(high, 3)
    (0.055, 0.174)
    """
    if out_of == 0:
        return 0.0, 1.0
    share, square = bad / out_of, sigmas**2
    middle = share + square / (2 * out_of)
    width = sigmas * (share * (1 - share) / out_of + square / (4 * out_of**2)) ** 0.5
    scale = 1 + square / out_of
    return max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)


def _worse(what: str, new: tuple[int, int], usual: tuple[int, int], above: float, bounds: TrafficBounds) -> str | None:
    """The sentence that says that a share is too high; None where it is not."""
    most = share_interval(*usual, sigmas=bounds.sigmas)[1] if usual[1] else 0.0
    if new[0] < bounds.bad_at_least or share_interval(*new, sigmas=bounds.sigmas)[0] <= most + above:
        return None
    return f"{what}: {_of(*new)}, usual {_of(*usual)}"


def _acting(new: Counts, usual: Counts, bounds: TrafficBounds) -> str | None:
    """The sentence that says that it acts on too many or too few; None where it does not."""
    low, high = share_interval(new.acted, new.scored, sigmas=bounds.sigmas)
    least, most = share_interval(usual.acted, usual.scored, sigmas=bounds.sigmas)
    apart, enough = bounds.action_share_apart, max(new.acted, usual.acted) >= bounds.bad_at_least
    too_many = low > most * bounds.action_ratio and low > most + apart
    too_few = high < least / bounds.action_ratio and high < least - apart
    if not enough or not (too_many or too_few):
        return None
    return f"acts on {_of(new.acted, new.scored)}, usual {_of(usual.acted, usual.scored)}"


def _of(bad: int, out_of: int) -> str:
    return f"{bad} of {out_of} ({percent(round(bad / out_of, 4))})" if out_of else "unknown"
