"""What an observation looks at: a workspace, what time it is there, and from where on a thing is found."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from governance.contracts.calendar import LANDING_DELAY, midnight, valid_at
from governance.marketplaces.marketplace import known_marketplaces
from governance.oncall.finding import Change
from governance.oncall.routing import Bounds
from governance.release.records import Pointer, short
from governance.workspace import Workspace

PLATFORM = "ml-platform"
"""Owner of everything that belongs to no model."""

_DEFAULT = "simulated"


@dataclass(frozen=True)
class Look:
    """A workspace as of a moment.

    Parameters
    ----------
    now : what time it is in the marketplace.
    wall : what time it is here, for what is written here (partitions, pointers).
    dropped : days that somebody took out on purpose; nobody waits for them.
    """

    workspace: Workspace
    now: datetime
    wall: datetime
    bounds: Bounds
    dropped: frozenset[date] = frozenset()

    @cached_property
    def expected_day(self) -> date:
        """The newest day that must have landed by now, some hours of grace included."""
        return (self.now - LANDING_DELAY - timedelta(hours=self.bounds.late_hours)).date() - timedelta(days=1)

    def govern(self, words: str) -> str:
        """The exact command, naming the marketplace where it is not the default one."""
        found = self.workspace.marketplace
        if found.name == _DEFAULT:
            return f"govern {words}"
        return f"govern {words} -m {found.name if found.name in known_marketplaces() else found.folder}"

    def serves_since(self, pointer: Pointer) -> datetime:
        """Since when a champion serves, by the clock of the marketplace."""
        return pointer.promotion.at if self.workspace.marketplace.clock == "wall" else midnight(pointer.as_of)

    def late_by(self, day: date) -> timedelta:
        """How long ago a day should have landed."""
        return self.now - valid_at(day)


def champion_change(pointer: Pointer | None) -> Change | None:
    """The last move of a model's pointer; None before the first."""
    if pointer is None:
        return None
    what = (
        f"traffic beside champion {short(pointer.champion)}"
        if pointer.promoted
        else f"champion {short(pointer.champion)}"
    )
    return Change(what=what, at=pointer.at, who=pointer.who, why=pointer.reason)
