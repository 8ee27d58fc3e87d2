"""Money as a symptom: the share of payouts that are held back, against its usual band."""

from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.models.spec import ModelSpec
from governance.oncall.bands import USUAL_DAYS, Departure, departure
from governance.oncall.champions import pointer_of
from governance.oncall.finding import Figure, Finding, Money, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import PLATFORM, Look, champion_change
from governance.oncall.slices import worst_slice
from governance.release.records import Pointer

HOLDING = "merchant_fraud"
"""The model whose hits hold payouts."""

_DAYS = 4 * USUAL_DAYS
_SEV1_FROM = 4.0
_MOVED_BEFORE = timedelta(days=7)


def payouts_held(look: Look) -> list[Finding]:
    """A finding where the share of payouts held has left its band."""
    payouts = _payouts(look)
    daily = payouts.group_by("day").agg(pl.col("held", "whole").sum()).filter(pl.col("whole") > 0).sort("day")
    series = [(day, held / whole) for day, held, whole in daily.iter_rows()]
    found = departure(series, slack_at_least=look.bounds.payouts_held_change)
    if found is None:
        return []
    newest = payouts.filter(pl.col("day") == series[-1][0])
    if found.cases(newest.filter(pl.col("held") > 0).height, newest.height) < look.bounds.cases_at_least:
        return []
    return [_finding(look, found, payouts.filter(pl.col("day") >= found.since))]


def _payouts(look: Look) -> pl.DataFrame:
    """Settlements as first reported: `day` of knowledge, `seller_id`, `held` and `whole` in the reference currency."""
    lake, last = look.workspace.lake, look.now.date()
    days = lake.days("raw/payouts", first=last - timedelta(days=_DAYS), last=last)
    if not days:
        return pl.DataFrame(schema={"day": pl.Date, "seller_id": pl.String, "held": pl.Float64, "whole": pl.Float64})
    rows = lake.read("raw/payouts", days).filter((pl.col("version") == 1) & (pl.col("role") == "seller"))
    held, paid = (pl.col(name) * pl.col("reference_rate") for name in ("held_minor", "amount_minor"))
    return rows.select(day=pl.col("known_at").dt.date(), seller_id="account_id", held=held, whole=held + paid)


def _finding(look: Look, found: Departure, since: pl.DataFrame) -> Finding:
    workspace = look.workspace
    model = workspace.models.present.get(HOLDING)
    pointer = pointer_of(look, HOLDING) if model else None
    amounts = since.select("seller_id", amount_minor="held")
    newest: date = since["day"].max()  # type: ignore[assignment]
    rises = found.value > found.usual.high
    return Finding(
        kind=Kind.PAYOUTS_HELD,
        subject=HOLDING if model else "payouts",
        severity=_severity(found) if rises else Severity.SEV3,
        owner=model.spec.owner if model else PLATFORM,
        what="payouts held",
        why=_why(look, found, rises=rises),
        first_action=_action(look, model.spec if model else None, pointer, found),
        figure=Figure(found.value, Unit.SHARE, found.usual),
        since=midnight(found.since),
        where=worst_slice(workspace.lake, newest, amounts),
        money=Money(round(amounts["amount_minor"].sum()), workspace.marketplace.currency),
        last_change=champion_change(pointer),
    )


def _severity(found: Departure) -> Severity:
    return Severity.SEV1 if found.slacks >= _SEV1_FROM else Severity.SEV2


def _why(look: Look, found: Departure, *, rises: bool) -> str:
    said = "more of the payouts than usual is held back" if rises else "less of the payouts than usual is held back"
    holds = _holds(look, found.since)
    return f"{said}; enforcements that hold since then: {holds}" if holds else said


def _holds(look: Look, since: date) -> str:
    """New holds by who decided them, such as `12 by model, 3 by person`."""
    lake = look.workspace.lake
    landed = [day for day in days_between(since, look.now.date()) if lake.path("raw/enforcements", day).exists()]
    if not landed:
        return ""
    holds = lake.read("raw/enforcements", landed).filter(pl.col("action") == "hold")
    counted = holds.group_by("decided_by").len().sort("len", "decided_by", descending=True)
    return ", ".join(f"{number} by {decider}" for decider, number in counted.iter_rows())


def _action(look: Look, spec: ModelSpec | None, pointer: Pointer | None, found: Departure) -> str:
    """Roll back where a new champion came shortly before, else look."""
    if spec is None or pointer is None or pointer.previous is None:
        return look.govern("models")
    lead = midnight(found.since) - look.serves_since(pointer)
    if not timedelta(days=-1) <= lead <= _MOVED_BEFORE:
        return look.govern("models")
    return look.govern(f'rollback {spec.name} --reason "payouts held outside the usual band"')
