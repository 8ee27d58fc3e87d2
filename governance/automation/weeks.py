"""When the newest week is trained before its hour: drift, and labels that have matured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from governance.marketplaces.pace import Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A drift report that raised the alarm: `digest` is that of its figures, `reasons` what it says."""

    model: str
    as_of: date
    digest: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Positives:
    """Matured positives of a model at its last training and now; `skipped` where it had too few of them then."""

    model: str
    at_training: int
    now: int
    at_least: int
    skipped: bool


def answered(alarm: Alarm, handled: Mapping[str, Any], *, now: datetime, pace: Pace) -> str:
    """Why an alarm calls for no retraining now; nothing where it does.

    Each report is answered once: a retraining that does not cure the drift ends in a report of its own, and the
    next answer waits for the cooldown, so that they cannot chase each other.

    Parameters
    ----------
    handled
        Of this model, `digest` and `at` (ISO time) of the alarm that was answered last; empty where none was.
    """
    if handled.get("digest") == alarm.digest:
        return f"{alarm.model}: report {alarm.digest[:12]} has been answered"
    if handled and now - datetime.fromisoformat(handled["at"]) < timedelta(days=pace.drift_cooldown_days):
        return f"{alarm.model}: retrained for drift less than {pace.drift_cooldown_days:g} days ago"
    return ""


def matured_enough(found: Positives, pace: Pace) -> str:
    """The sentence that calls for training; nothing where too little has matured.

    >>> matured_enough(Positives(model="claim", at_training=100, now=130, at_least=60, skipped=False), Pace())
    'claim: 130 positives have matured, 100 at its last training'
    >>> matured_enough(Positives(model="claim", at_training=20, now=59, at_least=60, skipped=True), Pace())
    ''
    """
    if found.skipped:
        enough = found.now >= found.at_least
        return f"{found.model}: {found.now} positives have matured, {found.at_least} are needed" if enough else ""
    grown = found.now - found.at_training >= pace.matured_growth_at_least * max(found.at_training, found.at_least)
    return (
        f"{found.model}: {found.now} positives have matured, {found.at_training} at its last training" if grown else ""
    )


def overdue(as_of: date, *, now: datetime, pace: Pace) -> bool:
    """Whether the hour of the weekly schedule has passed without anybody training the week."""
    return now >= datetime.combine(as_of, datetime.min.time(), tzinfo=now.tzinfo) + timedelta(hours=pace.overdue_hours)
