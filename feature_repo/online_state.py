"""What was last put online, remembered in the lake so that nothing is written again without need."""

import polars as pl

from feature_repo.online import OnlineReport
from governance.features.view import FeatureTable
from governance.models.scores import ScoreTable
from governance.storage.digests import fingerprint
from governance.storage.lake import Manifest
from governance.workspace import Workspace


def online_dataset(view: FeatureTable) -> str:
    """Where a view's last materialization is remembered."""
    return f"online/{view.name}"


def online_fingerprint(workspace: Workspace, view: FeatureTable) -> str | None:
    """What must be online: the view's whole history up to its last day; None where there is none."""
    days = workspace.lake.days(view.dataset)
    newest = workspace.lake.manifest(view.dataset, days[-1]) if days else None
    return fingerprint(newest.fingerprint, days[-1]) if newest else None


def scores_fingerprint(workspace: Workspace, table: ScoreTable) -> str | None:
    """What a model's newest scores must be made from: its champion and the newest features; None without either.

    Where scores are online and nothing serves any more, they must be taken away: services would act on them for ever.
    """
    pointer = workspace.registry.pointer(table.model.name)
    if pointer is None and last_online(workspace, table):
        return fingerprint("nothing serves")
    newest = online_fingerprint(workspace, table.view)
    return fingerprint(table.code_version, pointer.champion, newest) if pointer and newest else None


def remember_online(workspace: Workspace, view: FeatureTable, report: OnlineReport, *, made_from: str) -> None:
    """Note what a materialization left online, and what it was made from."""
    facts = {
        "online_rows": report.online_rows,
        "expected_rows": report.expected_rows,
        "newest_event_time": report.newest_event_time.isoformat(),
    }
    frame = pl.DataFrame({"view": [view.name], "online_rows": [report.online_rows]})
    day = workspace.marketplace.first_day
    workspace.lake.write(online_dataset(view), day, frame, key=["view"], fingerprint=made_from, facts=facts)


def last_online(workspace: Workspace, view: FeatureTable) -> Manifest | None:
    """What is remembered of a view's last materialization."""
    return workspace.lake.manifest(online_dataset(view), workspace.marketplace.first_day)
