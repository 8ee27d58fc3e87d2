"""Simulated worlds from the command line: sizes, continuations, and what is refused with which words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Govern = Callable[..., Any]


def world(root: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((root / "world" / "world.json").read_text())
    return facts


def test_a_world_is_written_continued_and_told_whom_somebody_acted_on(govern: Govern, tmp_path: Path) -> None:
    out = tmp_path / "world"
    made = govern(tmp_path, "simulate", "--out", out, "--days", 3, "--buyers", 150, "--seed", 5)
    assert (made.status, world(tmp_path)["days"], world(tmp_path)["seed"]) == (0, 3, 5)
    sessions = pl.read_parquet(out / "sessions" / "*" / "rows.parquet", hive_partitioning=False)
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(sessions["account_id"].unique().sort().to_list()[:20]) + "\n\n")
    more = govern(tmp_path, "simulate", "--out", out, "--continue", 4, "--acted-on", ids)
    assert (more.status, world(tmp_path)["days"]) == (0, 7)
    later = [out / "sessions" / f"dt=2024-01-0{day}" / "rows.parquet" for day in (5, 6, 7)]
    came = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in later])
    assert came.height > 0
    assert not set(came["account_id"]) & set(ids.read_text().split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "huge"], "no preset 'huge'; there are small, medium, large"),
        (["--acted-on", "ids.txt"], "give --continue as well"),
        (["--continue", "3"], "no whole world to continue"),
        (["--campaigns", "none.toml"], "no campaign file is there"),
    ],
    ids=["preset", "acted on", "continue", "campaigns"],
)
def test_what_cannot_be_is_refused_with_its_remedy(govern: Govern, tmp_path: Path, words: list[str], said: str) -> None:
    refused = govern(tmp_path, "simulate", "--out", tmp_path / "world", *words)
    assert refused.status == 1
    assert said in " ".join(refused.err.split())
