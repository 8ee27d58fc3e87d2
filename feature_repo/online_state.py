"""What was last put online, remembered in the lake so that nothing is written again without need."""

import polars as pl

from feature_repo.online import OnlineReport
from governance.features.view import View
from governance.storage.digests import fingerprint
from governance.storage.lake import Manifest
from governance.workspace import Workspace


def online_dataset(view: View) -> str:
    """Where a view's last materialization is remembered."""
    return f"online/{view.name}"


def online_fingerprint(workspace: Workspace, view: View) -> str | None:
    """What must be online: the view's whole history up to its last day; None where there is none."""
    days = workspace.lake.days(view.dataset)
    newest = workspace.lake.manifest(view.dataset, days[-1]) if days else None
    return fingerprint(newest.fingerprint, days[-1]) if newest else None


def remember_online(workspace: Workspace, view: View, report: OnlineReport) -> None:
    """Note what a materialization left online."""
    made_from = online_fingerprint(workspace, view)
    if made_from is None:
        return
    facts = {
        "online_rows": report.online_rows,
        "expected_rows": report.expected_rows,
        "newest_event_time": report.newest_event_time.isoformat(),
    }
    frame = pl.DataFrame({"view": [view.name], "online_rows": [report.online_rows]})
    day = workspace.marketplace.first_day
    workspace.lake.write(online_dataset(view), day, frame, key=["view"], fingerprint=made_from, facts=facts)


def last_online(workspace: Workspace, view: View) -> Manifest | None:
    """What is remembered of a view's last materialization."""
    return workspace.lake.manifest(online_dataset(view), workspace.marketplace.first_day)
