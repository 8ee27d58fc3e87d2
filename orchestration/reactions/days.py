"""What deliveries call for: new days, days that came late or again, and what a lost run has left undone."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from governance.automation.deliveries import Delivery, Wave, changed_days
from governance.automation.held import Held, too_wide
from governance.workspace import Workspace
from orchestration.plan import Key, PlannedRun, downstream
from orchestration.reactions.look import Answer, Look, Quiet, Request, asked_before, plan_of, unless_tried


def on_new_days(look: Look, *, closing: bool = False) -> Answer:
    """Land the new days and build on them; `closing`, those that would wait for files for ever.

    What is whole is the sensor's and what is not is the schedule's, so that the two never ask for the same.
    """
    whole = look.arriving()
    if closing and whole.deliveries:
        return Quiet(f"{len(whole.deliveries)} whole deliveries are the business of the sensor new_days")
    wave = look.arriving(closing=closing)
    if not wave.deliveries:
        return Quiet(wave.waits or "no new day has been delivered")
    if isinstance(on_unfinished_days(look), Request):
        return Quiet("unfinished days come first")
    first, last = wave.days
    state = "closed with what was delivered" if closing else "new"
    why = f"{first}..{last}: {(last - first).days + 1} day(s) {state}"
    return unless_tried(look, _days_run(look, wave.deliveries, last, why), wave.deliveries)


def on_changed_days(look: Look) -> Answer:
    """Finish what was left undone, then land late and redelivered days and build from them to today.

    What waits for a person and has become something else, or was done by somebody meanwhile, waits no longer.
    """
    found = _on_changed_days(look)
    # A run that is asked for now changes what the next look will want.
    if isinstance(found, Quiet) and look.workspace.held.waiting() and (wanted := _wanted_plans(look)) is not None:
        look.workspace.held.clear(keep=wanted)
    return found


def waiting_changes(look: Look) -> list[Held]:
    """The changes that wait for a person, without those that nobody would ask for any more."""
    waiting = look.workspace.held.waiting()
    wanted = _wanted_plans(look) if waiting else None
    return [one for one in waiting if wanted is None or one.plan in wanted]


def _on_changed_days(look: Look) -> Answer:
    unfinished = on_unfinished_days(look)
    if isinstance(unfinished, Request):
        return unfinished
    if look.arriving().deliveries:
        return Quiet("new days come first")
    wave = changed_days(look.pending, now=look.now, pace=look.pace)
    if not wave.deliveries:
        return Quiet(wave.waits or (unfinished.why if unfinished else "no older day has changed"))
    (first, _), last = wave.days, look.landed[-1]
    return _asked_or_held(look, _changed_run(look, wave), wave.deliveries, (last - first).days + 1)


def on_unfinished_days(look: Look) -> Answer | None:
    """Build what has landed and was never built upon; None where there is nothing.

    What was built before and is stale only now (a view has a new code version, a day was dropped) waits for a
    person where it is much; what was never built needs nobody's leave.
    """
    if not look.unfinished:
        return None
    built = {key: set(look.workspace.lake.days("/".join(key))) for key in look.unfinished}
    again = {day for key, days in look.unfinished.items() for day in days if day in built[key]}
    return _asked_or_held(look, _unfinished_run(look), (), len(again))


def _wanted_plans(look: Look) -> set[str] | None:
    """The plans of what history calls for now; None where nobody can say, because deliveries are still to come."""
    workspace = look.workspace
    if not workspace.source_root.is_dir() or workspace.last_delivered_day() is None or look.arriving().deliveries:
        return None
    wave = changed_days(look.pending, now=look.now, pace=look.pace)
    if wave.waits:
        return None
    unfinished = {plan_of(workspace, _unfinished_run(look), ())} if look.unfinished else set()
    changed = {plan_of(workspace, _changed_run(look, wave), wave.deliveries)} if wave.deliveries else set()
    return unfinished | changed


def _unfinished_run(look: Look) -> PlannedRun:
    span = f"{min(days[0] for days in look.unfinished.values())}..{look.landed[-1]}"
    return _days_run(look, (), look.landed[-1], f"unfinished: {span}")


def _changed_run(look: Look, wave: Wave) -> PlannedRun:
    (first, _), last = wave.days, look.landed[-1]
    kinds = " and ".join(sorted({one.kind for one in wave.deliveries}))
    tables = ", ".join(sorted({one.table for one in wave.deliveries}))
    return _days_run(look, wave.deliveries, last, f"{kinds}: {tables} of {first}; rebuilt up to {last}")


def _days_run(look: Look, deliveries: Sequence[Delivery], last: date, why: str) -> PlannedRun:
    """One range run over what lands, what is made from it, and what was left unfinished.

    While unfinished days wait for a person nothing is built behind them: what is delivered lands, no more.
    """
    raw: set[Key] = {("raw", one.table) for one in deliveries}
    if deliveries and _waits_for_a_person(look):
        assets, first = raw, min(one.day for one in deliveries)
    else:
        follow = {key for _, table in raw for key in downstream(look.workspace, table)}
        assets = {*raw, *follow, *look.unfinished}
        first = min([*(one.day for one in deliveries), *(days[0] for days in look.unfinished.values())])
    return PlannedRun(job="daily", assets=tuple(sorted(assets)), first=first, last=last, why=why)


def _waits_for_a_person(look: Look) -> bool:
    """Whether unfinished days are held, and nobody has let them go."""
    if not look.unfinished:
        return False
    standing = look.workspace.held.get(plan_of(look.workspace, _unfinished_run(look), ()))
    return standing is not None and not standing.approved


def _asked_or_held(look: Look, run: PlannedRun, deliveries: Sequence[Delivery], days: int) -> Answer:
    """Ask for the run, or let it wait for a person where it reaches too far."""
    plan = plan_of(look.workspace, run, deliveries)
    if look.tried(plan):
        return asked_before(run, plan)
    held = look.workspace.held.get(plan)
    if held is None:
        # Once, not at every look while it waits: to count keys, everything that was delivered is read.
        why = too_wide(days, 0.0, look.pace) or too_wide(0, _key_share(look.workspace, deliveries), look.pace)
        if not why:
            return Request(run, plan)
        first, last = run.first or look.now.date(), run.last or look.now.date()
        held = look.workspace.held.hold(Held(plan=plan, what=run.why, why=why, first=first, last=last, since=look.now))
    if held.approved:
        return Request(run, plan)
    return Quiet(f"waits for `govern approve {plan[:12]}` since {held.since:%Y-%m-%d %H:%M} UTC: {held.why}. {run.why}")


def _key_share(workspace: Workspace, deliveries: Sequence[Delivery]) -> float:
    """The share of all buyers, sellers, products and categories that appear in what was delivered."""
    keys = {view.key: view.dataset for view in workspace.views.values()}
    touched: set[tuple[str, Any]] = set()
    with workspace.source() as source:
        for table in {one.table for one in deliveries}:
            for _, rows in source.deliveries(table, [one.day for one in deliveries if one.table == table]):
                if isinstance(rows, pl.DataFrame):
                    here = keys.keys() & set(rows.columns)
                    touched |= {(key, value) for key in here for value in rows[key].drop_nulls().unique()}
    known = sum(_keys(workspace, dataset, key) for key, dataset in keys.items())
    return len(touched) / known if known else 0.0


def _keys(workspace: Workspace, dataset: str, key: str) -> int:
    if not (paths := workspace.lake.paths(dataset)):
        return 0
    return int(pl.scan_parquet(paths, hive_partitioning=False).select(pl.col(key).n_unique()).collect().item())
