"""What tests of orchestration share: candidates that nobody trained, and the Dagster UI of a workspace.

It puts `daemon`, `desk` and `owner` where the tests of this folder can import them.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from governance.release.evidence import GateResult, Verdict
from governance.release.records import sha256
from governance.release.registry import Registry
from governance.workspace import Workspace

sys.path.append(str(Path(__file__).parent))

AT = datetime(2024, 2, 5, 12, tzinfo=UTC)


def record(registry: Registry, word: str, *, status: str = "passed", as_of: date = date(2024, 1, 29)) -> str:
    """Record a candidate of `claim` with a verdict of this status."""
    digest = sha256(word.encode())
    registry.record("claim", digest, {"model.txt": word.encode()}, {"as_of": as_of})
    kind = "merit" if status == "kept" else "safety"
    gate = GateResult(
        name="gate", kind=kind, value=1.0, bound=50.0, passed=status == "passed", reason="It is as it is."
    )
    registry.attach(Verdict(model="claim", digest=digest, status=status, gates=(gate,)))  # type: ignore[arg-type]
    return digest


@pytest.fixture(scope="session")
def candidate_of() -> Callable[..., str]:
    return record


@pytest.fixture(scope="session")
def release_of() -> Callable[..., str]:
    """Record a passing candidate and promote it."""

    def release(registry: Registry, word: str) -> str:
        digest = record(registry, word)
        registry.promote("claim", digest, who="ana", reason="newest", at=AT)
        return digest

    return release


@pytest.fixture
def workspace(tmp_path: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    """An empty one; tests that need more have their own."""
    return bazaar_at(tmp_path)


@pytest.fixture
def champion(workspace: Workspace, release_of: Callable[..., str]) -> str:
    """One that serves `claim` there."""
    return release_of(workspace.registry, "a")
