"""Findings as JSON and back: what the ledger keeps, channels send and `--json` prints."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from governance.oncall.finding import Band, Change, Figure, Finding, Money, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.rendering import headline, line, run_link


def document(finding: Finding) -> dict[str, Any]:
    """The finding as JSON values; `finding_of` reads it back."""
    fields = asdict(finding)
    last = fields["last_change"]
    return fields | {
        "severity": finding.severity.name,
        "since": finding.since.isoformat() if finding.since else None,
        "last_change": last | {"at": last["at"].isoformat()} if last else None,
    }


def described(finding: Finding, *, ui_url: str | None) -> dict[str, Any]:
    """The document with what is derived from it: the line, the runbook, the link to the run."""
    derived = {
        "line": line(finding, ui_url=ui_url),
        "headline": headline(finding),
        "symptom": finding.kind.is_symptom,
        "runbook": finding.runbook,
        "run": run_link(finding, ui_url=ui_url),
    }
    return document(finding) | derived


def finding_of(stored: Mapping[str, Any]) -> Finding:
    """What `document` wrote."""
    figure, money, last = stored["figure"], stored["money"], stored["last_change"]
    since = stored["since"]
    read = {
        "kind": Kind(stored["kind"]),
        "severity": Severity[stored["severity"]],
        "figure": _figure(figure) if figure else None,
        "since": datetime.fromisoformat(since) if since else None,
        "money": Money(**money) if money else None,
        "last_change": Change(**last | {"at": datetime.fromisoformat(last["at"])}) if last else None,
    }
    return Finding(**{**stored, **read})


def _figure(stored: Mapping[str, Any]) -> Figure:
    usual = stored["usual"]
    return Figure(stored["value"], Unit(stored["unit"]), Band(**usual) if usual else None)
