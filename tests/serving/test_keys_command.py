"""`govern keys`: what an operator does with keys, and what is never printed twice."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.keys import keys_of


@pytest.fixture
def keys(govern: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def run(*words: str) -> Any:
        return govern(tmp_path, "keys", *words, "--marketplace", "simulated")

    return run


def test_a_key_is_printed_once_listed_without_its_secret_rotated_and_revoked(
    keys: Callable[..., Any], tmp_path: Path
) -> None:
    ring = keys_of(tmp_path / "var" / "simulated")
    signed = ("--reason", "the shop goes live", "--who", "ana")
    first = keys("add", "shop", "--scope", "score", "--scope", "read", *signed).out.strip()
    found = ring.ring().find(first, at=datetime.now(UTC))
    assert found is not None
    assert found.scopes == {"score", "read"}
    rotated = keys("rotate", found.key_id, "--overlap-hours", "1", *signed).out.splitlines()
    second = ring.ring().find(rotated[0], at=datetime.now(UTC))
    assert second is not None
    keys("revoke", second.key_id, *signed)
    listed = keys("list").out
    assert "valid until" in listed
    assert "revoked" in listed
    assert not any(token.rsplit("_", 1)[1] in listed for token in (first, rotated[0]))
    assert [change.who for change in ring.changes()] == ["ana"] * 4
    assert keys("history").out.count("ana") == 4


def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(keys: Callable[..., Any]) -> None:
    said = keys("add", "shop", "--scope", "everything", "--reason", "a test")
    assert said.status == 1
    assert "scopes are score, events, read" in said.err
