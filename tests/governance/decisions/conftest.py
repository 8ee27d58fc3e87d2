"""Decisions, and ledgers to keep them in: SQLite, and a real Postgres server where one is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.decisions.ledger import DecisionLedger, open_ledger
from governance.decisions.record import Decision, features_digest

SECONDS_AT_MOST = 30

DecisionOf = Callable[..., Decision]


@pytest.fixture(scope="session")
def decision_of() -> DecisionOf:
    """A decision of this id; everything else has a value that a test may change."""

    def make(decision_id: str, **fields: Any) -> Decision:
        at = datetime(2024, 1, 5, 12, tzinfo=UTC)
        features = fields.pop("features", {"seller_orders_7d": 3, "order_price": 1999.5, "seller_case_rate_7d": None})
        values = {
            "idempotency_key": None,
            "caller": "shop",
            "point": "checkout",
            "entity_id": f"line-{decision_id}",
            "market": "de",
            "keys": {"buyer_id": "b1", "seller_id": "s1"},
            "context": {"price_minor": 1999},
            "amount_minor": 1999,
            "decided_at": at,
            "recorded_at": at,
            "features": features,
            "features_digest": features_digest(features),
            "feature_times": {"seller": at, "buyer": None},
            "scores": (),
            "rules": (),
            "rules_version": "r",
            "policy_version": "p",
            "proposed": "allow",
            "action": "allow",
            "reasons": (),
            "explored": False,
            "propensity": 1.0,
            "arm": None,
            "degraded": (),
            "latency_us": 900,
            "facts": {},
        }
        return Decision(decision_id=decision_id, **(values | fields))

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real Postgres server of this test run, on a free port, stopped afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("Debian's postgresql is not installed")
    programs, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="postgres-"))
    drop: dict[str, Any] = {}
    if os.geteuid() == 0:
        # Postgres refuses to run as root.
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        drop = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [f"--port={port}", "-clisten_addresses=127.0.0.1", f"-cunix_socket_directories={folder}", "-cfsync=off"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **drop}
    made = [programs / "initdb", "-D", folder / "data", "-U", "test", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(made, check=True, **quiet)
    server = subprocess.Popen([programs / "postgres", "-D", folder / "data", *settings], **quiet)
    try:
        _await_ready(programs, port)
        yield f"postgresql://test@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(SECONDS_AT_MOST)
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(programs: Path, port: int) -> None:
    until = time.monotonic() + SECONDS_AT_MOST
    asked = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(asked, check=False).returncode:
        assert time.monotonic() < until, "Postgres did not start"


@pytest.fixture(params=["sqlite", "postgres"])
def open_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], DecisionLedger]]:
    """Open one more handle of an empty ledger: the same one each time."""
    opened: list[DecisionLedger] = []
    where: Path | str = tmp_path / "ledgers" / "decisions.sqlite"
    if request.param == "postgres":
        import psycopg2

        where = request.getfixturevalue("postgres")
        with closing(psycopg2.connect(where)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS decisions")

    def open_it() -> DecisionLedger:
        opened.append(open_ledger(where))
        return opened[-1]

    yield open_it
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_empty: Callable[[], DecisionLedger]) -> DecisionLedger:
    """An empty ledger."""
    return open_empty()
