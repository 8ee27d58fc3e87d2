"""Decisions, and ledgers to keep them in: SQLite, and a real Postgres server where one is installed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from needed import require_postgres

from benchmarks.servers import postgres_server
from governance.decisions.ledger import DecisionLedger, open_ledger


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real Postgres server of this test run, on a free port, stopped afterwards."""
    with postgres_server(require_postgres()) as server:
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
