"""What a range of days done again changes: rehearsed in a linked copy before it is done, or observed around it.

`preview` is what `govern backfill --preview` prints, and what a sensor asks before it starts a range run by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from feature_repo.online_state import last_online
from governance.backfill.changes import (
    AssetChange,
    Impact,
    ModelChange,
    OnlineChange,
    Unlanded,
    compare,
    compare_keys,
)
from governance.backfill.copies import linked_copy
from governance.backfill.daily import perform
from governance.backfill.durations import estimate
from governance.contracts.calendar import days_between, valid_at
from governance.features.view import FeatureTable
from governance.marketplaces.landing import plan as landing_plan
from governance.models.scores import ScoreTable
from governance.retraining import write_scores
from governance.superseded import superseded
from governance.workspace import Workspace
from orchestration.plan import Backfill, Key, PlannedRun, next_backfill_run

State = Mapping[str, tuple[Any, ...]]
"""What is online for each key of a table: the times and the digest of the row that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a backfill would do: its runs, what they change, and how long they should take.

    `unmeasured` assets have never been timed here: `seconds` leaves them out.
    """

    runs: tuple[PlannedRun, ...]
    impact: Impact
    seconds: float
    unmeasured: tuple[str, ...]


def preview(workspace: Workspace, wanted: Backfill, *, now: datetime, online: bool = True) -> Preview:
    """Rehearse a backfill in a linked copy of the workspace, which stays as it is.

    Exact as far as it goes: deliveries are read and checked, days built, online rows compared. It costs about what the
    backfill itself costs; where no raw digest changes and nothing is missing, that is next to nothing.

    Parameters
    ----------
    now : when the deliveries are checked; rows from the future are quarantined.
    online : whether to say which keys online change; that needs the feature store, which takes seconds to load.

    Raises
    ------
    NotReady
        Features before the range are missing or stale; the message says from which day to begin.
    ConfigurationError
        The range leaves the days that have been delivered.
    """
    runs: list[PlannedRun] = []
    failures: dict[Key, Mapping[date, str]] = {}
    changed: tuple[OnlineChange, ...] = ()
    with linked_copy(workspace) as scratch:
        while (planned := next_backfill_run(scratch, wanted, done=runs)) is not None:
            runs.append(planned)
            if planned.first and planned.last:
                days = days_between(planned.first, planned.last)
                failures |= perform(scratch, planned.assets, days, now=now, again=planned.again)
            elif online:
                changed = _rehearse_online(workspace, scratch, planned)
        impact = observe(workspace, scratch, wanted, online=changed, failures=failures)
    seconds, unmeasured = _time_for(workspace, impact, runs)
    return Preview(runs=tuple(runs), impact=impact, seconds=seconds, unmeasured=unmeasured)


def observe(
    before: Workspace,
    after: Workspace,
    wanted: Backfill,
    *,
    online: Sequence[OnlineChange] = (),
    failures: Mapping[Key, Mapping[date, str]] | None = None,
) -> Impact:
    """What differs between a workspace and the linked copy that was made of it, whichever of the two was worked on."""
    return Impact(
        assets=compare(before, after),
        online=tuple(online),
        models=_models(before, after),
        unlanded=_unlanded(after, wanted, failures or {}),
    )


def tables_of(workspace: Workspace, planned: PlannedRun) -> list[FeatureTable]:
    """The tables that a run puts online; scores that it takes away, because nothing serves, are none of a backfill."""
    views = [workspace.views[key[1]] for key in planned.assets if key[0] == "online"]
    models = [key[1] for key in planned.assets if key[0] == "models" and workspace.registry.pointer(key[1])]
    scores = [workspace.score_tables[name] for name in models]
    return [*views, *scores]


def online_states(workspace: Workspace, tables: Sequence[FeatureTable]) -> dict[str, State]:
    """What is online of each table, nothing of one that was never put there; not even the catalogue is touched."""
    from feature_repo.online import stored_state
    from feature_repo.store import open_store

    there = [table for table in tables if last_online(workspace, table)]
    nothing: dict[str, State] = {table.name: {} for table in tables}
    if not there:
        return nothing
    store = open_store(workspace.root, environment=workspace.environment, connections=workspace.connections)
    return nothing | {table.name: stored_state(store, table) for table in there}


def online_changes(
    workspace: Workspace, tables: Sequence[FeatureTable], *, before: Mapping[str, State], after: Mapping[str, State]
) -> tuple[OnlineChange, ...]:
    """What a run changed online, between two states; the workspace tells which keys still have rows."""
    found = [
        compare_keys(before[name], _confirmed(after[name], offline), offline=list(offline), table=name)
        for name, offline in _offline_states(workspace, tables).items()
    ]
    return tuple(change for change in found if change is not None)


def _rehearse_online(workspace: Workspace, scratch: Workspace, planned: PlannedRun) -> tuple[OnlineChange, ...]:
    from assets.feast_store import joiner

    tables = tables_of(scratch, planned)
    for table in tables:
        if isinstance(table, ScoreTable):
            day = scratch.lake.days(table.view.dataset)[-1]
            write_scores(scratch, table, day, join=joiner(scratch))
    before, offline = online_states(workspace, tables), _offline_states(scratch, tables)
    # A key that is online and no longer offline stays as it is.
    after = {name: {**before[name], **offline[name]} for name in before}
    return online_changes(scratch, tables, before=before, after=after)


def _confirmed(online: State, offline: State) -> State:
    """Rows of a run that failed for keys left over are whole, but were never given the digest of their offline row."""
    nobody = (None, None, None)
    return {
        key: offline[key] if row[-1] is None and row[:-1] == offline.get(key, nobody)[:-1] else row
        for key, row in online.items()
    }


def _offline_states(workspace: Workspace, tables: Sequence[FeatureTable]) -> dict[str, State]:
    from assets.feast_store import feature_store
    from feature_repo.online import offline_state

    store, days = feature_store(workspace), {table.name: workspace.lake.days(table.dataset) for table in tables}
    return {table.name: offline_state(store, table, now=valid_at(days[table.name][-1])) for table in tables}


def _models(before: Workspace, after: Workspace) -> tuple[ModelChange, ...]:
    current = after.weeks()[-1:]
    found = []
    for model in after.models.present.values():
        known = {one.digest for one in superseded(before, model)}
        new = [(one.as_of, one.digest) for one in superseded(after, model) if one.digest not in known]
        if new:
            newest, older = ([one for one in new if (one[0] in current) is wanted] for wanted in (True, False))
            found.append(ModelChange(model=model.name, current=tuple(newest), older=tuple(older[::-1])))
    return tuple(found)


def _unlanded(
    workspace: Workspace, wanted: Backfill, failures: Mapping[Key, Mapping[date, str]]
) -> tuple[Unlanded, ...]:
    days = days_between(wanted.first, wanted.last)
    with workspace.source() as source:
        left = landing_plan(workspace.lake, workspace.marketplace, source, days, key_id=workspace.keyed_hash.key_id)
    return tuple(
        Unlanded(asset=f"raw/{table}", day=day, why=failures.get(("raw", table), {}).get(day, ""))
        for table, stale in left.items()
        for day in stale
    )


def _time_for(workspace: Workspace, impact: Impact, runs: Sequence[PlannedRun]) -> tuple[float, tuple[str, ...]]:
    work = {change.asset: len(change.written) for change in impact.assets if _is_asset(change)}
    work |= {"/".join(key): 1 for run in runs if run.job == "online" for key in run.assets}
    found = {asset: estimate(workspace.durations.of(asset), days) for asset, days in work.items()}
    unmeasured = tuple(asset for asset, seconds in found.items() if seconds is None)
    return sum(seconds for seconds in found.values() if seconds is not None), unmeasured


def _is_asset(change: AssetChange) -> bool:
    return not change.asset.startswith("quarantine/")
