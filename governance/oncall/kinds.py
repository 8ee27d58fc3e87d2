"""Every kind of finding: symptom or cause, which symptoms a cause explains, and the runbook that says what to do."""

from enum import StrEnum


class Kind(StrEnum):
    """What was found; symptoms first, then causes."""

    PAYOUTS_HELD = "payouts_held"
    ACTION_RATE = "action_rate"
    STALE_CHAMPION = "stale_champion"
    NO_CHAMPION = "no_champion"
    DAMAGED_REGISTRY = "damaged_registry"
    SAFETY_FAILURE = "safety_failure"
    FULL_DISK = "full_disk"
    LATE_DATA = "late_data"
    HELD_CHANGE = "held_change"
    ONLINE_BEHIND = "online_behind"
    FAILED_RUN = "failed_run"
    DRIFT = "drift"
    TAKEN_BACK = "taken_back"
    MERIT_REFUSAL = "merit_refusal"
    OVERRIDE = "override"
    LABEL_DELAY = "label_delay"
    QUARANTINE = "quarantine"

    @property
    def is_symptom(self) -> bool:
        """Whether the marketplace itself feels it."""
        return self in _SYMPTOMS

    @property
    def explains(self) -> tuple["Kind", ...]:
        """Symptoms of the same subject that this cause explains; empty for symptoms."""
        return _EXPLAINS.get(self, ())

    @property
    def runbook(self) -> str:
        """The page that says what to do, from the project's root."""
        return f"docs/runbooks/{_RUNBOOKS[self]}.md"

    @property
    def place(self) -> int:
        """Place in the order in which people are shown findings of one severity."""
        return list(Kind).index(self)


_SYMPTOMS = frozenset({Kind.PAYOUTS_HELD, Kind.ACTION_RATE, Kind.STALE_CHAMPION, Kind.NO_CHAMPION})

_NO_NEWER_MODEL = (Kind.STALE_CHAMPION, Kind.NO_CHAMPION)
# A failed run or a late day is grouped under nothing: each is told by itself, as what follows from it shows later.
_EXPLAINS = {
    Kind.DRIFT: (Kind.PAYOUTS_HELD, Kind.ACTION_RATE),
    Kind.MERIT_REFUSAL: _NO_NEWER_MODEL,
    Kind.SAFETY_FAILURE: _NO_NEWER_MODEL,
    Kind.LABEL_DELAY: _NO_NEWER_MODEL,
}

_RUNBOOKS = {
    Kind.PAYOUTS_HELD: "rollback",
    Kind.ACTION_RATE: "rollback",
    Kind.STALE_CHAMPION: "failed-gate",
    Kind.NO_CHAMPION: "failed-gate",
    Kind.DAMAGED_REGISTRY: "rollback",
    Kind.SAFETY_FAILURE: "failed-gate",
    Kind.FULL_DISK: "full-disk",
    Kind.LATE_DATA: "late-data",
    Kind.HELD_CHANGE: "backfill",
    Kind.ONLINE_BEHIND: "stale-online-store",
    Kind.FAILED_RUN: "failed-run",
    Kind.DRIFT: "drift-alarm",
    Kind.TAKEN_BACK: "canary",
    Kind.MERIT_REFUSAL: "failed-gate",
    Kind.OVERRIDE: "override",
    Kind.LABEL_DELAY: "label-delay",
    Kind.QUARANTINE: "late-data",
}
