"""Decisions, and ledgers to keep them in: SQLite, and a real Postgres server where one is installed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import postgres_programs, postgres_server
from governance.decisions.ledger import DecisionLedger, open_ledger
from governance.decisions.record import Decision, features_digest

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
    programs = postgres_programs()
    if programs is None:
        pytest.skip("Postgres is not installed: apt-get install -y --no-install-recommends postgresql")
    with postgres_server(programs) as server:
        yield server.url().replace("+psycopg2", "")


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
