"""The production environment for real: catalogue and runs in a Postgres, online values in a Redis."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from needed import require_postgres, require_redis

from assets.online_repair import differences, served
from benchmarks.servers import (
    PostgresServer,
    RedisServer,
    postgres_server,
    redis_server,
)
from governance.workspace import Workspace
from orchestration.plan import online_run
from orchestration.runs import execute


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with postgres_server(require_postgres()) as server:
        yield server


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    require_redis()
    with redis_server() as server:
        yield server


def asked(postgres: PostgresServer, query: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    from sqlalchemy import create_engine, text

    engine = create_engine(postgres.url())
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


@pytest.mark.long
def test_a_run_puts_everything_online_with_its_catalogue_and_its_record_in_postgres(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    postgres: PostgresServer,
    redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a run sets for itself is taken back with what is set here.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("GOVERNANCE_DAGSTER", postgres.url())
    embedded = bazaar_at(own_settled)
    connections = {
        "GOVERNANCE_REGISTRY": postgres.url(),
        "GOVERNANCE_REDIS": redis.connection_string,
        "GOVERNANCE_DAGSTER": postgres.url(),
    }
    workspace = replace(embedded, environment="production", connections=connections)
    for folder in (workspace.root / "feast", workspace.root / "dagster", workspace.lake.root / "online"):
        shutil.rmtree(folder)
    planned = online_run(workspace)
    assert planned is not None

    done = execute(workspace, planned)

    assert done.failures == ()
    assert all(found.none and found.online_rows for found in differences(workspace, served(workspace)))
    assert online_run(workspace) is None
    assert not list((workspace.root / "feast").glob("*.db"))
    assert not list((workspace.root / "dagster").rglob("*.db"))
    assert postgres.password not in (workspace.root / "dagster" / "dagster.yaml").read_text()
    views = {name for (name,) in asked(postgres, "SELECT feature_view_name FROM feature_views")}
    assert views == set(workspace.views)
    assert asked(postgres, "SELECT run_id, status FROM runs") == [(done.run_id, "SUCCESS")]

    # Connections that the server closed meanwhile are noticed before they are used.
    asked(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    again = replace(planned, why="again")
    assert execute(workspace, again).failures == ()
    with dg.DagsterInstance.get() as instance:
        assert [run.tags["governance/why"] for run in instance.get_runs()] == ["again", planned.why]
