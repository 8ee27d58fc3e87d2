"""A finding: one thing that is not as it should be, with everything that a person on call asks first."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from governance.oncall.kinds import Kind


class Severity(IntEnum):
    """How bad it is; smaller is worse.

    SEV1 costs money now, SEV2 will before the morning, SEV3 is a ticket for office hours, SEV4 is worth knowing.
    """

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4


class Key(NamedTuple):
    """What findings are grouped by: of one kind and subject at most one alert is open."""

    kind: Kind
    subject: str


class Unit(StrEnum):
    """What a figure counts."""

    SHARE = "share"
    DAYS = "days"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Band:
    """What is usual: from `low` to `high`, measured from history."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and, where history tells, its usual band, in the same unit."""

    value: float
    unit: Unit
    usual: Band | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency (ISO 4217)."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last thing that somebody or something changed: what, when, who signed and why."""

    what: str
    at: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be. What could not be computed is None.

    Attributes
    ----------
    subject : model, view, job or layer that it is about.
    owner : team that answers for it.
    what : the thing in a few words, which the figure follows (`payouts held`).
    why : a sentence that says why this is red.
    first_action : a command that cannot make it worse.
    since : when it began, by the clock of the marketplace.
    where : the worst slice, day or view.
    money : about how much is at stake.
    run_id : the run that it came from.
    """

    kind: Kind
    subject: str
    severity: Severity
    owner: str
    what: str
    why: str
    first_action: str
    figure: Figure | None = None
    since: datetime | None = None
    where: str | None = None
    money: Money | None = None
    last_change: Change | None = None
    run_id: str | None = None

    @property
    def key(self) -> Key:
        """What it is grouped by."""
        return Key(self.kind, self.subject)

    @property
    def runbook(self) -> str:
        """The page that says what to do, down to the section of this kind."""
        return self.kind.runbook


def in_order(finding: Finding) -> tuple[bool, int, int, str]:
    """Sort key for people: symptoms before causes, the worst first."""
    return (not finding.kind.is_symptom, finding.severity, finding.kind.place, finding.subject)
