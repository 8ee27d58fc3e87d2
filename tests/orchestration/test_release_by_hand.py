"""Promotion and rollback from the command line, also by several people at once."""

import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from governance.release.evidence import GateResult, Verdict
from governance.release.records import sha256
from governance.release.registry import Registry
from governance.workspace import Workspace

MODEL, AS_OF = "claim", date(2024, 1, 29)


def passing(registry: Registry, word: str) -> str:
    """Record a candidate that passed."""
    digest = sha256(word.encode())
    registry.record(MODEL, digest, {"model.txt": word.encode()}, {"as_of": AS_OF})
    gate = GateResult(name="latency", kind="safety", value=1.0, bound=50.0, passed=True, reason="It is fast.")
    registry.attach(Verdict(model=MODEL, digest=digest, status="passed", gates=(gate,)))
    return digest


@pytest.fixture
def workspace(tmp_path: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(tmp_path)


def test_promote_takes_the_beginning_of_a_digest_and_signs_with_name_and_reason(
    tmp_path: Path, workspace: Workspace, govern: Callable[..., Any]
) -> None:
    digest = passing(workspace.registry, "a")

    said = govern(tmp_path, "promote", MODEL, digest[:8], "--reason", "first", "--who", "ana")

    assert said.status == 0, said.err
    pointer = workspace.registry.pointer(MODEL)
    assert pointer is not None
    assert (pointer.champion, pointer.who, pointer.reason) == (digest, "ana", "first")


def test_rollback_returns_to_the_champion_before_and_cannot_be_undone_by_promoting(
    tmp_path: Path, workspace: Workspace, govern: Callable[..., Any]
) -> None:
    first, second = (passing(workspace.registry, word) for word in ("a", "b"))
    for digest in (first, second):
        assert govern(tmp_path, "promote", MODEL, digest, "--reason", "newer").status == 0

    assert govern(tmp_path, "rollback", MODEL, "--reason", "refunds doubled").status == 0
    again = govern(tmp_path, "promote", MODEL, second, "--reason", "again")

    pointer = workspace.registry.pointer(MODEL)
    assert pointer is not None
    assert pointer.champion == first
    assert again.status == 1
    assert "refunds doubled" in again.err


def test_of_promotions_at_the_same_time_each_wins_its_turn_or_is_told_why_in_a_sentence(
    tmp_path: Path, workspace: Workspace, govern_program: Path
) -> None:
    digests = [passing(workspace.registry, word) for word in "abcd"]
    environment = os.environ | {"GOVERNANCE_ROOT": str(tmp_path / "var"), "MARKETPLACE": str(tmp_path / "bazaar")}
    clerks = [
        subprocess.Popen(
            [govern_program, "promote", MODEL, digest, "--reason", "mine", "--who", digest[:6]],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for digest in digests
    ]
    said = {digest: (clerk, *clerk.communicate()) for digest, clerk in zip(digests, clerks, strict=True)}

    history = workspace.registry.history(MODEL)
    won = {digest for digest, (clerk, _, _) in said.items() if clerk.returncode == 0}
    assert {pointer.champion for pointer in history} == won
    assert [pointer.generation for pointer in history] == list(range(1, len(won) + 1))
    assert [pointer.previous for pointer in history] == [None, *(pointer.champion for pointer in history[:-1])]
    for digest in set(digests) - won:
        clerk, _, error = said[digest]
        assert clerk.returncode == 1
        assert len(error.strip().splitlines()) == 1
        assert any(winner[:6] in error for winner in won)
