"""Programs that a test needs on this machine; where one is missing it is skipped, with the command that installs it."""

from pathlib import Path

import pytest

from benchmarks.servers import PROGRAM, installed, postgres_programs


def require_redis() -> None:
    """Skip the test where there is no Redis."""
    if not installed():
        pytest.skip(f"{PROGRAM} is not installed: apt-get install -y --no-install-recommends redis-server")


def require_postgres() -> Path:
    """The folder of Postgres' programs; skip the test where there is none."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("Postgres is not installed: apt-get install -y --no-install-recommends postgresql")
    return programs
