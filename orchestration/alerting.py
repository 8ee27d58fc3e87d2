"""Looking, telling and listing: where the clock and the environment come to the alerts of a workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.oncall.alerts import Alert, Event
from governance.oncall.apprise_channel import channels_from, misread
from governance.oncall.channels import Channel, LogChannel
from governance.oncall.collect import failures, findings
from governance.oncall.delivery import deliver
from governance.oncall.documents import described
from governance.oncall.finding import Finding, Key, in_order
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger
from governance.oncall.reported import FailedRun
from governance.oncall.routing import Routing, load_routing
from governance.workspace import Workspace
from orchestration.environments import alert_addresses, ui_url
from orchestration.reports import collect_reports

_WITHOUT_RUNS = tuple(kind for kind in Kind if kind is not Kind.FAILED_RUN)


@dataclass(frozen=True, slots=True)
class Told:
    """What an observation changed, what is open after it, and which channels failed with what."""

    events: Sequence[Event]
    standing: Sequence[Alert]
    failures: Mapping[str, str]

    @property
    def messages(self) -> int:
        """How many events people are told of."""
        return sum(event.told for event in self.events)


def alert_ledger(workspace: Workspace) -> AlertLedger:
    """The ledger of a workspace's alerts."""
    return AlertLedger(workspace.root / "ledgers" / "alerts.sqlite")


def look_at(workspace: Workspace, *, wall: datetime, runs: Sequence[FailedRun] | None = None) -> list[Finding]:
    """Everything that is not as it should be now.

    Where nobody asked Dagster (`runs` is None), runs that failed are those whose alert is open.
    """
    found = findings(workspace, wall=wall, reports=collect_reports(workspace, wall=wall, failed_runs=runs or ()))
    if runs is None:
        standing = alert_ledger(workspace).standing()
        found += [alert.finding for alert in standing if alert.key.kind is Kind.FAILED_RUN]
    return sorted(found, key=in_order)


def watch(
    workspace: Workspace, environ: Mapping[str, str], *, wall: datetime, runs: Sequence[FailedRun] | None
) -> Told:
    """Look, write down what changed, and tell whoever has not been told."""
    found, routing = look_at(workspace, wall=wall, runs=runs), load_routing(workspace.marketplace.folder)
    covering = _WITHOUT_RUNS if runs is None else tuple(Kind)
    return _tell(workspace, environ, found, covering=covering, routing=routing, wall=wall)


def tell_of_failure(workspace: Workspace, environ: Mapping[str, str], run: FailedRun, *, wall: datetime) -> Told:
    """Tell of a job that failed at once, whatever else there is to see; nothing is resolved by it."""
    routing = load_routing(workspace.marketplace.folder)
    return _tell(workspace, environ, failures(workspace, [run], wall=wall), covering=(), routing=routing, wall=wall)


def would_tell(workspace: Workspace, *, wall: datetime, runs: Sequence[FailedRun] | None) -> list[Event]:
    """What `watch` would change now; nothing is written and nobody is told."""
    routing = load_routing(workspace.marketplace.folder)
    covering = _WITHOUT_RUNS if runs is None else tuple(Kind)
    found = look_at(workspace, wall=wall, runs=runs)
    return alert_ledger(workspace).preview(found, covering=covering, at=wall, remind_after=routing.remind_after)


def channels(workspace: Workspace, environ: Mapping[str, str]) -> list[Channel]:
    """The log of the workspace, and the addresses of the environment."""
    link = ui_url(environ)
    log = LogChannel(workspace.root / "alerts.jsonl", ui_url=link)
    return [log, *channels_from(alert_addresses(environ), ui_url=link)]


def unreadable_addresses(environ: Mapping[str, str]) -> int:
    """How many words of GOVERNANCE_ALERTS are no addresses."""
    return misread(alert_addresses(environ))


def red(workspace: Workspace, *, wall: datetime, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each finding its line, why it is red and the command to type, as JSON values."""
    return [described(finding, ui_url=ui_url(environ)) for finding in look_at(workspace, wall=wall)]


def listed(workspace: Workspace, environ: Mapping[str, str], *, history: bool) -> dict[str, Any]:
    """Open alerts with all parts, channels that fail, and on demand every event there was, as JSON values."""
    ledger, link = alert_ledger(workspace), ui_url(environ)
    found = {
        "open": [_open(alert, link) for alert in ledger.standing()],
        "failing_channels": ledger.failures(),
    }
    if history:
        found["history"] = [event_document(message.event, environ) for message in ledger.history()]
    return found


def event_document(event: Event, environ: Mapping[str, str]) -> dict[str, Any]:
    """What happened to an alert, as JSON values."""
    happened = {"event": event.what.value, "at": event.at.isoformat(), "episode": event.episode, "told": event.told}
    return described(event.finding, ui_url=ui_url(environ)) | happened | {"under": _named(event.under)}


def _open(alert: Alert, link: str) -> dict[str, Any]:
    standing = {
        "episode": alert.episode,
        "opened_at": alert.opened_at.isoformat(),
        "told_at": alert.told_at.isoformat() if alert.told_at else None,
        "under": _named(alert.under),
    }
    return described(alert.finding, ui_url=link) | standing


def _named(key: Key | None) -> str | None:
    return f"{key.kind} of {key.subject}" if key else None


def _tell(
    workspace: Workspace,
    environ: Mapping[str, str],
    found: Sequence[Finding],
    *,
    covering: Sequence[Kind],
    routing: Routing,
    wall: datetime,
) -> Told:
    ledger = alert_ledger(workspace)
    events = ledger.observe(found, covering=covering, at=wall, remind_after=routing.remind_after)
    lock = workspace.root / "ledgers" / "alerts.lock"
    failures = deliver(ledger, channels(workspace, environ), routing=routing, at=wall, lock=lock)
    return Told(events, ledger.standing(), failures)
