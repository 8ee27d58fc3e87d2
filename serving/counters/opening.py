"""The counters of a workspace, as its environment keeps them, and as the engine asks for them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from feature_repo.redis_connection import address_of
from governance.counters.catalogue import counters_over
from governance.counters.definition import Counter
from governance.errors import ConfigurationError
from governance.workspace import Workspace
from serving.counters.store import CounterStore

REDIS = "GOVERNANCE_REDIS"
_PAUSE_SECONDS = 0.002


def counters_of(workspace: Workspace) -> tuple[Counter, ...]:
    """The counters of the tables that the workspace's marketplace delivers."""
    return counters_over(workspace.marketplace.tables)


def open_counters(workspace: Workspace) -> CounterStore:
    """The store of the workspace's environment; nothing is connected before it is first asked.

    Raises
    ------
    ConfigurationError
        The environment keeps its counters in Redis, and no single Redis is named.
    """
    counters = counters_of(workspace)
    if workspace.environment == "embedded":
        from serving.counters.sqlite import SqliteCounters

        return SqliteCounters(workspace.root / "counters" / "counters.sqlite", counters)
    from serving.counters.redis import RedisCounters

    address = address_of(workspace.connections.get(REDIS, ""))
    if address is None:
        raise ConfigurationError(f"counters need one Redis, not a cluster: set {REDIS} to host:port,db=0")
    return RedisCounters(address, project=workspace.marketplace.name)


class Asked:
    """What the engine asks of counters: at a point, those whose keys the request names."""

    def __init__(self, store: CounterStore, counters: Sequence[Counter]) -> None:
        self._store, self._counters = store, tuple(counters)

    async def caught_up(self, token: str | None, *, at_most_seconds: float) -> bool:
        """Wait until the events of a token are counted, and say whether they are."""
        if not token:
            return True
        loop = asyncio.get_running_loop()
        until = loop.time() + at_most_seconds
        while await self._store.behind(token):
            if loop.time() + _PAUSE_SECONDS > until:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)
        return True

    async def read(self, point: str, keys: Mapping[str, str], at: datetime) -> Mapping[str, int]:  # noqa: ARG002
        """The windows at a moment, by feature."""
        return await self._store.read(self._counters, keys, at=at)
