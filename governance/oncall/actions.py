"""The action rate as a symptom: the share of entities that the champion's newest scores would act on."""

from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import midnight
from governance.labels.decisions import active_sellers, stops
from governance.models.scores import ScoreTable
from governance.oncall.bands import USUAL_DAYS, Departure, departure
from governance.oncall.champions import pointer_of
from governance.oncall.finding import Figure, Finding, Money, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import Look, champion_change
from governance.oncall.slices import worst_slice

_DAYS = 4 * USUAL_DAYS


def action_rates(look: Look) -> list[Finding]:
    """A finding for each model whose newest scores act on more, or fewer, than the days before."""
    tables = look.workspace.score_tables.values()
    return [finding for table in tables if (finding := _of(look, table))]


def _of(look: Look, table: ScoreTable) -> Finding | None:
    lake, last = look.workspace.lake, look.now.date()
    days = lake.days(table.dataset, first=last - timedelta(days=_DAYS), last=last)
    if not days:
        return None
    acted = lake.read(table.dataset, days).select("event_timestamp", table.key, act=f"{table.name}_act")
    daily = acted.group_by("event_timestamp").agg(pl.col("act").mean()).sort("event_timestamp")
    series = [(at.date(), rate) for at, rate in daily.iter_rows()]
    found = departure(series, slack_at_least=look.bounds.action_rate_change)
    if found is None:
        return None
    scored = acted.filter(pl.col("event_timestamp") == pl.col("event_timestamp").max())
    newest = scored.filter(pl.col("act") == 1)
    if found.cases(newest.height, scored.height) < look.bounds.cases_at_least:
        return None
    return _finding(look, table, found, newest, days[-1])


def _finding(look: Look, table: ScoreTable, found: Departure, acted: pl.DataFrame, day: date) -> Finding:
    workspace, model = look.workspace, table.model
    pointer = pointer_of(look, model.name)
    stakes = _stakes(look, table, acted, day)
    rises = found.value > found.usual.high
    undo = rises and pointer is not None and pointer.previous is not None
    reason = '--reason "action rate outside the usual band"'
    return Finding(
        kind=Kind.ACTION_RATE,
        subject=model.name,
        severity=Severity.SEV2 if rises else Severity.SEV3,
        owner=model.spec.owner,
        what="entities to act on",
        why=f"the champion acts on {'more' if rises else 'fewer'} of the active {table.view.name}s than on usual days",
        first_action=look.govern(f"rollback {model.name} {reason}" if undo else "models"),
        figure=Figure(found.value, Unit.SHARE, found.usual),
        since=midnight(found.since),
        where=worst_slice(workspace.lake, day, stakes),
        money=Money(int(stakes["amount_minor"].sum()), workspace.marketplace.currency) if stakes.height else None,
        last_change=champion_change(pointer),
    )


def _stakes(look: Look, table: ScoreTable, acted: pl.DataFrame, day: date) -> pl.DataFrame:
    """What those who are acted on sold in the last days: `seller_id`, `amount_minor` in the reference currency."""
    sellers = active_sellers(look.workspace.lake, day, stops(look.workspace.lake, day))
    found = sellers.join(acted, left_on="entity_id", right_on=table.key, how="semi")
    return found.select(seller_id="entity_id", amount_minor="amount_minor")
