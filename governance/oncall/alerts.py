"""Alerts: what follows from findings for what is open, as a pure function from one observation to events.

An alert opens when a finding appears, is told again when it gets worse or stays for long, and is resolved when the
finding is gone. A cause whose symptom is open is grouped under it and keeps silent, unless it is the worse of the two.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.oncall.finding import Finding, Key, Severity, in_order
from governance.oncall.kinds import Kind


class What(StrEnum):
    """What happened to an alert."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    CHANGED = "changed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An open alert.

    Attributes
    ----------
    episode : counts how often the key was opened, from 1.
    finding : as it was seen last.
    opened_at, told_at : when it opened, and when people were told last (None: never).
    told_severity : the worst severity that people were told (None: never).
    under : the open symptom that it is grouped under.
    """

    episode: int
    finding: Finding
    opened_at: datetime
    told_at: datetime | None
    told_severity: Severity | None
    under: Key | None

    @property
    def key(self) -> Key:
        """What it is grouped by."""
        return self.finding.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of the ledger; `told` events are messages to people."""

    key: Key
    episode: int
    what: What
    at: datetime
    told: bool
    finding: Finding
    under: Key | None = None


def next_events(
    standing: Mapping[Key, Alert],
    episodes: Mapping[Key, int],
    findings: Iterable[Finding],
    *,
    covering: Collection[Kind],
    at: datetime,
    remind_after: Mapping[Severity, timedelta],
) -> list[Event]:
    """What an observation changes; nothing where it shows what is known already.

    Parameters
    ----------
    standing : open alerts.
    episodes : how often each key was opened so far.
    findings : what was seen, in any order; of two with one key the worse counts.
    covering : kinds that the observation looked at in full, so that what it does not show is gone.
    """
    seen = _by_key(findings)
    gone = [key for key in standing if key not in seen and key.kind in covering]
    left = {key: alert.finding for key, alert in standing.items() if key not in seen and key not in gone}
    in_force = [*seen.values(), *left.values()]
    events = [_resolved(standing[key], at) for key in gone]
    for finding in sorted(in_force, key=in_order):
        alert = standing.get(finding.key)
        under = _symptom_of(finding, in_force)
        if alert is None:
            episode = episodes.get(finding.key, 0) + 1
            events.append(_event(finding, episode, What.OPENED, at, told=under is None, under=under))
        else:
            events += _of_open(alert, finding, under, at=at, remind_after=remind_after)
    return events


def after(alert: Alert | None, event: Event) -> Alert | None:
    """The alert once an event has happened; None where it is resolved."""
    if event.what is What.RESOLVED:
        return None
    told = [event.finding.severity] if event.told else []
    if alert and alert.told_severity:
        told.append(alert.told_severity)
    return Alert(
        episode=event.episode,
        finding=event.finding,
        opened_at=alert.opened_at if alert else event.at,
        told_at=event.at if event.told else (alert.told_at if alert else None),
        told_severity=min(told, default=None),
        under=event.under,
    )


def _by_key(findings: Iterable[Finding]) -> dict[Key, Finding]:
    # The worst comes last and stays; its words decide where two are equally bad, so that the order of seeing does not.
    worst_last = sorted(findings, key=lambda one: (in_order(one), repr(one)), reverse=True)
    return {finding.key: finding for finding in worst_last}


def _symptom_of(finding: Finding, in_force: Sequence[Finding]) -> Key | None:
    """The symptom that a cause is grouped under: one that it explains, of its subject, and no less severe."""
    symptoms = [
        one
        for one in in_force
        if one.kind in finding.kind.explains and one.subject == finding.subject and one.severity <= finding.severity
    ]
    return min(symptoms, key=in_order).key if symptoms else None


def _of_open(
    alert: Alert,
    finding: Finding,
    under: Key | None,
    *,
    at: datetime,
    remind_after: Mapping[Severity, timedelta],
) -> Iterator[Event]:
    worse = alert.told_severity is None or finding.severity < alert.told_severity
    if under is None and worse:
        # A cause that was silent under its symptom is told once that symptom is gone.
        what = What.ESCALATED if alert.told_severity else What.OPENED
        yield _event(finding, alert.episode, what, at, told=True, under=under)
    elif under is None and alert.told_at and at - alert.told_at >= remind_after[finding.severity]:
        yield _event(finding, alert.episode, What.REMINDED, at, told=True, under=under)
    elif (finding, under) != (alert.finding, alert.under):
        yield _event(finding, alert.episode, What.CHANGED, at, told=False, under=under)


def _resolved(alert: Alert, at: datetime) -> Event:
    told = alert.told_at is not None
    return _event(alert.finding, alert.episode, What.RESOLVED, at, told=told, under=alert.under)


def _event(finding: Finding, episode: int, what: What, at: datetime, *, told: bool, under: Key | None) -> Event:
    return Event(key=finding.key, episode=episode, what=what, at=at, told=told, finding=finding, under=under)
