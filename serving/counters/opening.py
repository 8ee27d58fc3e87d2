"""The counters of a workspace, as its environment keeps them."""

from feature_repo.redis_connection import Address, Connection, address_of
from governance.counters.catalogue import counters_over
from governance.counters.definition import Counter
from governance.errors import ConfigurationError
from governance.workspace import Workspace
from serving.counters.store import CounterStore

REDIS = "GOVERNANCE_REDIS"


def counters_of(workspace: Workspace) -> tuple[Counter, ...]:
    """The counters of the tables that the workspace's marketplace delivers."""
    return counters_over(workspace.marketplace.tables)


def open_connection(workspace: Workspace) -> Connection | None:
    """To the Redis of the workspace's environment, connected when first asked; None where it has none.

    Raises
    ------
    ConfigurationError
        The environment keeps its counters in Redis, and no single Redis is named.
    """
    return None if workspace.environment == "embedded" else Connection(redis_of(workspace))


def open_counters(workspace: Workspace, connection: Connection | None) -> CounterStore:
    """The workspace's counters: in Redis where there is a connection, else in a file beside its other data."""
    counters = counters_of(workspace)
    if connection is None:
        from serving.counters.sqlite import SqliteCounters

        return SqliteCounters(workspace.root / "counters" / "counters.sqlite", counters)
    from serving.counters.redis import RedisCounters

    return RedisCounters(connection, counters, project=workspace.marketplace.name)


def redis_of(workspace: Workspace) -> Address:
    """The one Redis in which the environment keeps its counters.

    Raises
    ------
    ConfigurationError
        None is named, or a cluster is.
    """
    address = address_of(workspace.connections.get(REDIS, ""))
    if address is None:
        raise ConfigurationError(f"counters need one Redis, not a cluster: set {REDIS} to host:port,db=0")
    return address
