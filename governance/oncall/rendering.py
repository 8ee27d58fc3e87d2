"""A finding as one line for people: what against what is usual, since when, where, how much, and what to do first."""

import math
from datetime import datetime

from governance.oncall.finding import Change, Figure, Finding, Money, Unit

_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}
"""Digits after the point of currencies that have not two (ISO 4217)."""


def line(finding: Finding, *, ui_url: str | None = None) -> str:
    """The finding in one line, from severity to runbook; what is not known is left out."""
    parts = [f"{headline(finding)}."]
    if finding.last_change:
        parts.append(f"Last change: {change(finding.last_change)}.")
    parts += [f"Do: {finding.first_action}.", f"Runbook: {finding.runbook}."]
    if link := run_link(finding, ui_url=ui_url):
        parts.append(f"Run: {link}")
    return " ".join(parts)


def headline(finding: Finding) -> str:
    """Severity, subject, figure, since when, where and how much."""
    said = f"{finding.severity.name} {finding.subject}: {finding.what}"
    if finding.figure:
        said += f" {figure(finding.figure)}"
    if finding.since:
        said += f" since {moment(finding.since)}"
    rest = [finding.where, f"about {money(finding.money)}" if finding.money else None]
    return ", ".join([said, *(part for part in rest if part)])


def figure(found: Figure) -> str:
    """A value with its usual band.

    >>> from governance.oncall.finding import Band
    >>> figure(Figure(0.031, Unit.SHARE, Band(0.008, 0.012)))
    '3.1 % (usual 0.8-1.2)'
    >>> figure(Figure(29, Unit.DAYS))
    '29 days'
    """
    usual = ""
    if found.usual:
        low, high = (_number(end, found.unit) for end in (found.usual.low, found.usual.high))
        usual = f" (usual {low}-{high})"
    return f"{_number(found.value, found.unit)}{_SUFFIX[found.unit]}{usual}"


_SUFFIX = {Unit.SHARE: " %", Unit.DAYS: " days", Unit.COUNT: ""}


def _number(value: float, unit: Unit) -> str:
    scaled = 100 * value if unit is Unit.SHARE else value
    digits = 2 if unit is Unit.SHARE and 0 < abs(scaled) < 0.1 else 1
    return f"{scaled:.{digits}f}".removesuffix(".0")


def money(amount: Money) -> str:
    """An amount in about two digits.

    >>> money(Money(4_123_456, "USD")), money(Money(987, "EUR")), money(Money(123_456_789_00, "BRL"))
    ('41k USD', '9.9 EUR', '120M BRL')
    """
    units = amount.minor / 10 ** _DECIMALS.get(amount.currency, 2)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(units) >= size:
            return f"{_two_digits(units / size)}{letter} {amount.currency}"
    return f"{_two_digits(units)} {amount.currency}"


def _two_digits(value: float) -> str:
    if value == 0:
        return "0"
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{round(value, 1 - math.floor(math.log10(abs(value)))):.{places}f}"


def moment(at: datetime) -> str:
    """A time to the minute; midnight as the day alone."""
    return at.strftime("%Y-%m-%d") if (at.hour, at.minute) == (0, 0) else at.strftime("%Y-%m-%d %H:%M")


def change(last: Change) -> str:
    """What, when, who and why."""
    return f"{last.what}, {moment(last.at)}, {last.who} ({last.why})"


def run_link(finding: Finding, *, ui_url: str | None) -> str | None:
    """Where the run is seen in the Dagster UI; None where there is no run."""
    return f"{ui_url.rstrip('/')}/runs/{finding.run_id}" if ui_url and finding.run_id else None
