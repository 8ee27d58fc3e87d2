"""Online tables held against offline and brought to it again, by a person's hand rather than by an asset."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from assets.feast_store import feature_store, offline_only
from feature_repo.online import OnlineDifference, OnlineReport, compare_online, materialize_view
from feature_repo.online_state import last_online, online_fingerprint, remember_online
from governance.contracts.calendar import valid_at
from governance.errors import ConfigurationError
from governance.features.view import FeatureTable, View
from governance.models.scores import ScoreTable
from governance.workspace import Workspace


def served(workspace: Workspace, named: str | None = None) -> list[FeatureTable]:
    """The tables that are read online and have rows offline, or the one of that name; no scores where nothing serves.

    Raises
    ------
    ConfigurationError
        No table of that name is read online.
    """
    hidden = offline_only(workspace)
    views = [view for view in workspace.views.values() if view.name not in hidden]
    tables: list[View | ScoreTable] = [*views, *workspace.score_tables.values()]
    if named is not None and named not in {table.name for table in tables}:
        raise ConfigurationError(f"no view {named!r} is online; there are {', '.join(table.name for table in tables)}")
    wanted = [table for table in tables if named in (None, table.name) and workspace.lake.days(table.dataset)]
    return [table for table in wanted if isinstance(table, View) or workspace.registry.pointer(table.model.name)]


def differences(workspace: Workspace, tables: Sequence[FeatureTable]) -> list[OnlineDifference]:
    """How each table online differs from offline."""
    store = feature_store(workspace)
    return [compare_online(store, table, now=_now(workspace, table)) for table in tables]


def bring_online(workspace: Workspace, tables: Sequence[FeatureTable], *, rebuild: bool) -> Iterator[OnlineReport]:
    """Write what differs, or with `rebuild` every key, and remove the keys that are no longer offline."""
    store = feature_store(workspace)
    for table in tables:
        made_from = _made_from(workspace, table)
        report = materialize_view(store, table, now=_now(workspace, table), prune=True, rebuild=rebuild)
        remember_online(workspace, table, report, made_from=made_from)
        yield report


def _now(workspace: Workspace, table: FeatureTable) -> datetime:
    """The landing of the newest day: nothing is online that is valid later."""
    return valid_at(workspace.lake.days(table.dataset)[-1])


def _made_from(workspace: Workspace, table: FeatureTable) -> str:
    """What is put online now. Scores are those that were stored: whether they are the newest is for their asset."""
    if isinstance(table, View):
        return online_fingerprint(workspace, table) or ""
    last = last_online(workspace, table)
    return last.fingerprint if last else ""
