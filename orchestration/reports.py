"""What outer layers know, for people on call: online store, drift, overrides, days, the disk; no heavy import."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.online_state import last_online, online_dataset, online_fingerprint, scores_fingerprint
from governance.automation.held import Held
from governance.contracts.calendar import valid_at
from governance.features.view import FeatureTable, View
from governance.marketplaces.withdrawals import Withdrawals
from governance.models.scores import ScoreTable
from governance.oncall.look import PLATFORM
from governance.oncall.reported import DriftState, FailedRun, OnlineState, OverrideState, Reports
from governance.oncall.space import DiskState, bytes_a_day
from governance.release.documents import Untrusted
from governance.workspace import Workspace
from monitoring.weekly import drift_dataset

_WEEKS = 26


def collect_reports(workspace: Workspace, *, wall: datetime, failed_runs: Iterable[FailedRun] = ()) -> Reports:
    """Everything that outer layers know; of runs, what somebody who asked Dagster was told."""
    return Reports(
        online=[*_views(workspace), *_scores(workspace)],
        drift=[state for name in workspace.models.present for state in _drift(workspace, name)],
        failed_runs=list(failed_runs),
        overrides=[state for name in workspace.models.present if (state := _override(workspace, name))],
        withdrawn=frozenset(Withdrawals(workspace.lake).days()),
        held=_held(workspace, wall),
        disk=disk_of(workspace),
    )


def disk_of(workspace: Workspace) -> DiskState:
    """The volume that the workspace lies on, or will."""
    folder = next(each for each in (workspace.root, *workspace.root.parents) if each.exists())
    usage = shutil.disk_usage(folder)
    return DiskState(folder=workspace.root, size=usage.total, free=usage.free, a_day=bytes_a_day(workspace))


def _held(workspace: Workspace, wall: datetime) -> list[Held]:
    if not workspace.held.waiting():
        return []
    # Rarely needed, and it loads what plans runs.
    from orchestration.reactions.days import waiting_changes
    from orchestration.reactions.look import Look

    return waiting_changes(Look(workspace, wall, lambda _: False))


def _override(workspace: Workspace, name: str) -> OverrideState | None:
    try:
        found = workspace.registry.standing_override(name)
    except Untrusted:
        # A finding of its own says so.
        return None
    if found is None:
        return None
    signed = {"who": found.who, "second": found.second, "reason": found.reason}
    return OverrideState(model=name, at=found.at, until=found.until, **signed)


def _views(workspace: Workspace) -> list[OnlineState]:
    read = {name for model in workspace.models.present.values() for name in model.spec.views}
    views = [view for view in workspace.views.values() if view.name in read]
    states = [_online(workspace, view, view, online_fingerprint(workspace, view), PLATFORM) for view in views]
    return [state for state in states if state]


def _scores(workspace: Workspace) -> list[OnlineState]:
    states = [_scores_of(workspace, table) for table in workspace.score_tables.values()]
    return [state for state in states if state]


def _scores_of(workspace: Workspace, table: ScoreTable) -> OnlineState | None:
    try:
        pointer = workspace.registry.pointer(table.model.name)
    except Untrusted:
        # A finding of its own says so; nobody knows what should be online.
        return None
    wanted, owner = scores_fingerprint(workspace, table), table.model.spec.owner
    moved = [pointer.promotion.at] if pointer else []
    return _online(workspace, table, table.view, wanted, owner, also_changed=moved)


def _online(
    workspace: Workspace,
    table: FeatureTable,
    made_from: View,
    wanted: str | None,
    owner: str,
    *,
    also_changed: Iterable[datetime] = (),
) -> OnlineState | None:
    """The state of a table; None where nothing is to be online yet."""
    days = workspace.lake.days(made_from.dataset)
    if wanted is None or not days:
        return None
    last = last_online(workspace, table)
    differs = last is None or last.fingerprint != wanted
    return OnlineState(
        table=table.name,
        owner=owner,
        online=datetime.fromisoformat(last.facts["newest_event_time"]) if last else None,
        offline=valid_at(days[-1]),
        differs_since=_differs_since(workspace, table, made_from, also_changed) if differs else None,
    )


def _differs_since(
    workspace: Workspace, table: FeatureTable, made_from: View, also_changed: Iterable[datetime]
) -> datetime:
    """When the first thing changed that has not been put online since."""
    put_online = workspace.lake.path(online_dataset(table), workspace.marketplace.first_day)
    since = _written(put_online) if put_online.exists() else datetime.min.replace(tzinfo=UTC)
    partitions = (Path(path) for path in workspace.lake.paths(made_from.dataset))
    changed = [*(_written(path) for path in partitions), *also_changed]
    # What was made of the same partitions by other code differs without a newer file.
    return min((at for at in changed if at > since), default=max(changed))


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _drift(workspace: Workspace, name: str) -> list[DriftState]:
    days = workspace.lake.days(drift_dataset(name))[-_WEEKS:]
    found = [(day, workspace.lake.manifest(drift_dataset(name), day)) for day in days]
    return [
        DriftState(
            model=name,
            as_of=day,
            alarm=bool(manifest.facts.get("alarm")),
            share=manifest.facts.get("share_drifted"),
            reasons=tuple(manifest.facts.get("reasons") or ()),
        )
        for day, manifest in found
        if manifest
    ]
