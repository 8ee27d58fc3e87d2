"""What is usual, measured from history, and since when a daily figure is not."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from governance.oncall.finding import Band

USUAL_DAYS = 28
"""Days that a band is measured from; a change that lasts longer is what is usual from then on."""

_USUAL_DAYS_AT_LEAST = 14


@dataclass(frozen=True, slots=True)
class Departure:
    """A figure that has left its band and not come back: first day, newest value, the band before.

    `slacks` says how far outside the newest value lies, in units of what is tolerated.
    """

    since: date
    value: float
    usual: Band
    slacks: float

    def cases(self, now: int, out_of: int) -> float:
        """How many cases are behind it: those of the newest day, or that day's usual ones which did not come."""
        return max(float(now), self.usual.low * out_of)


def band(values: Iterable[float]) -> Band:
    """The 5th and the 95th percentile, interpolated between neighbours.

    >>> band(range(101))
    Band(low=5.0, high=95.0)
    """
    ordered = sorted(values)
    return Band(_quantile(ordered, 0.05), _quantile(ordered, 0.95))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def departure(series: Sequence[tuple[date, float]], *, slack_at_least: float) -> Departure | None:
    """Since when the newest days of a daily figure lie outside what was usual; None where they do not.

    One day in ten lies outside its own 5th-95th percentiles by construction, so a day counts as outside where it is
    beyond the band by more than the band's width, and by more than `slack_at_least`: the smallest change that is worth
    a person's attention. Days outside do not enter the band, or a change would pass for usual on its third day.

    Parameters
    ----------
    series : days in order with their values; days without one are left out.
    slack_at_least : in the unit of the values.
    """
    usual: deque[float] = deque(maxlen=USUAL_DAYS)
    outside: list[tuple[date, float]] = []
    for day, value in series:
        if len(usual) >= _USUAL_DAYS_AT_LEAST and _slacks(value, band(usual), slack_at_least) > 1:
            outside.append((day, value))
        else:
            outside.clear()
            usual.append(value)
        if len(outside) == USUAL_DAYS:
            usual.extend(value for _, value in outside)
            outside.clear()
    if not outside:
        return None
    newest, standing = outside[-1][1], band(usual)
    return Departure(outside[0][0], newest, standing, _slacks(newest, standing, slack_at_least))


def _slacks(value: float, usual: Band, slack_at_least: float) -> float:
    """How far a value lies outside a band, in units of what is tolerated; 0 or less inside."""
    return max(value - usual.high, usual.low - value) / max(usual.high - usual.low, slack_at_least)
