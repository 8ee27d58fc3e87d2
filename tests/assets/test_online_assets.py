"""Online assets: what they put online is counted, and a difference from what is offline fails the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from governance.storage.lake import Lake
from governance.workspace import Workspace

Run = Callable[..., dg.ExecuteInProcessResult]


def metadata(result: dg.ExecuteInProcessResult, step: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(step)
    return {name: value.value for name, value in event.metadata.items()}


def keys_offline(lake: Lake, view: str, key: str) -> set[str]:
    return set(lake.read(f"features/{view}", lake.days(f"features/{view}"))[key])


@pytest.mark.parametrize(("view", "key"), [("seller", "seller_id"), ("category", "category")])
def test_every_key_is_online_and_a_second_time_nothing_is_written(
    own_settled: Path, bazaar_at: Callable[..., Workspace], materialize: Run, view: str, key: str
) -> None:
    workspace = bazaar_at(own_settled)
    # As where the machine of the online store was lost.
    for file in (workspace.root / "feast").glob("online*"):
        file.unlink()
    wanted = len(keys_offline(workspace.lake, view, key))

    first, second = (metadata(materialize(workspace, f"online/{view}"), f"online__{view}") for _ in range(2))

    assert (first["online_rows"], first["expected_rows"]) == (wanted, wanted)
    assert first["rows_written"] == wanted
    assert second == first | {"rows_written": 0}


def test_a_key_that_is_online_but_no_longer_offline_fails_the_run_and_says_what_to_do(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    failure_of: Callable[..., dict[str, str]],
) -> None:
    workspace = bazaar_at(own_settled)
    lost = min(keys_offline(workspace.lake, "seller", "seller_id"))
    forget(workspace.lake, "features/seller", lost)

    result = materialize(workspace, "online/seller")

    assert not result.success
    message = failure_of(result)["online__seller"]
    assert [part for part in ("seller", "1 no longer offline", "rebuild") if part not in message] == []


def test_nothing_to_put_online_is_said_in_a_sentence(
    tmp_path: Path,
    bazaar_at: Callable[..., Workspace],
    materialize: Run,
    failure_of: Callable[..., dict[str, str]],
) -> None:
    result = materialize(bazaar_at(tmp_path), "online/buyer")

    assert not result.success
    assert "features/buyer has no day yet" in failure_of(result)["online__buyer"]


def forget(lake: Lake, dataset: str, seller: str) -> None:
    """Take a seller out of every partition."""
    for day, manifest in lake.manifests(dataset).items():
        rows = lake.read(dataset, [day])
        if seller in rows["seller_id"]:
            kept = rows.filter(pl.col("seller_id") != seller)
            lake.write(dataset, day, kept, key=["seller_id"], fingerprint=manifest.fingerprint)
