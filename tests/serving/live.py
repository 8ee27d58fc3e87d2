"""The settled marketplace with its features in a real Redis, as production has them."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from governance.workspace import Workspace


def in_production(root: Path, workspace: Workspace, redis: str) -> tuple[Workspace, dict[str, str]]:
    """The workspace in that environment, and the variables under which it is served.

    Parameters
    ----------
    redis : the server, as `GOVERNANCE_REDIS` names it.
    """
    connections = {"GOVERNANCE_REGISTRY": f"sqlite:///{root}/registry.db", "GOVERNANCE_REDIS": redis}
    live = replace(workspace, environment="production", connections=connections)
    return live, {**connections, "GOVERNANCE_ENVIRONMENT": "production"}


def put_online(live: Workspace, now: datetime) -> None:
    """Put the newest features of that moment online."""
    from assets.feast_store import feature_store, offline_only
    from feature_repo.online import materialize_view

    store = feature_store(live)
    for name, view in live.views.items():
        if name not in offline_only(live):
            materialize_view(store, view, now=now)
