"""What a preview promises is what the backfill then changes, and what is done once is not done again."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from governance.backfill.changes import Impact
from governance.contracts.calendar import days_between
from governance.workspace import Workspace
from orchestration.backfills import Reconciliation, keep, run_backfill
from orchestration.build import build_defs
from orchestration.impact import Preview, preview
from orchestration.plan import Backfill, next_run
from orchestration.runs import run_all

FIRST, LAST = date(2024, 1, 1), date(2024, 2, 4)
DAY = date(2024, 1, 29)
EVERYTHING = Backfill(first=FIRST, last=LAST)


@pytest.fixture(autouse=True)
def _dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run sets for itself is taken back with what is set here."""
    monkeypatch.setenv("DAGSTER_HOME", "")


@pytest.fixture
def workspace(own_settled: Path, world: Path, tmp_path: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    """A settled workspace with owner's files of its own: copies with the same times pass for the same files."""
    own = shutil.copytree(world, tmp_path / "world", copy_function=shutil.copy2)
    workspace = bazaar_at(own_settled, source=Path(own))
    assert next_run(workspace, weeks=1, done=[]) is None
    return workspace


def delivered(workspace: Workspace, table: str, day: date) -> Path:
    return workspace.source_root / table / f"dt={day}" / "rows.parquet"


def promised(workspace: Workspace, wanted: Backfill) -> Preview:
    return preview(workspace, wanted, now=datetime.now(UTC))


def carried_out(workspace: Workspace, wanted: Backfill) -> Reconciliation:
    return run_backfill(workspace, wanted, timer=time.monotonic)


def written(found: Impact) -> dict[str, list[date]]:
    return {one.asset: list(one.written) for one in found.assets}


def files(workspace: Workspace) -> dict[str, tuple[int, int]]:
    """Every file of a workspace: which one it is, and when it was written."""
    kept = (path for path in workspace.root.rglob("*") if path.is_file() and "dagster" not in path.parts)
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept}


def test_a_delivery_that_says_the_same_is_landed_and_nothing_follows(workspace: Workspace) -> None:
    delivered(workspace, "orders", DAY).touch()
    before = files(workspace)

    found = promised(workspace, EVERYTHING)
    assert files(workspace) == before
    after = carried_out(workspace, EVERYTHING)

    assert found.impact == after.impact
    assert found.impact.changes_nothing
    assert written(found.impact) == {"raw/orders": [DAY]}
    assert [run.planned for run in after.runs] == list(found.runs)
    assert carried_out(workspace, EVERYTHING).runs == ()


@pytest.mark.long
def test_corrected_orders_change_what_their_preview_promised_and_a_key_left_over_is_named(workspace: Workspace) -> None:
    path, wanted = delivered(workspace, "orders", DAY), Backfill(first=DAY, last=DAY)
    rows = pl.read_parquet(path)
    rows.with_columns(price_minor=pl.col("price_minor") * 2).write_parquet(path)
    before = files(workspace)

    found = promised(workspace, wanted)
    assert files(workspace) == before
    after = carried_out(workspace, wanted)

    assert after.failures == ()
    assert found.impact == after.impact
    assert [run.planned for run in after.runs] == list(found.runs)
    orders = {one.asset: one for one in found.impact.assets}["raw/orders"]
    assert (orders.rows_before, orders.rows_after, orders.keys) == (rows.height, rows.height, rows.height)
    assert written(found.impact)["features/seller"] == days_between(DAY, LAST)
    assert {one.table: one.left_over for one in found.impact.online} == dict.fromkeys(
        ("buyer", "seller", "product", "category"), ()
    )
    # Sellers that took an order that day; their sums of revenue are others ever after.
    assert set(rows["seller_id"]) <= {
        key for one in found.impact.online if one.table == "seller" for key in one.changed
    }
    assert [len(one.current) for one in found.impact.models] == [1, 1]
    assert carried_out(workspace, wanted).runs == ()

    first_orders = rows.join(_orders_before(workspace, DAY), on="buyer_id", how="anti")
    rows.filter(pl.col("buyer_id") != first_orders["buyer_id"][0]).write_parquet(path)
    found, after = promised(workspace, wanted), carried_out(workspace, wanted)

    assert found.impact == after.impact
    assert [one.left_over for one in found.impact.online if one.table == "buyer"] == [(first_orders["buyer_id"][0],)]
    assert "rebuild" in " ".join(after.failures)


def _orders_before(workspace: Workspace, day: date) -> pl.DataFrame:
    lake = workspace.lake
    return lake.read("raw/orders", [one for one in lake.days("raw/orders") if one != day]).select("buyer_id")


@pytest.mark.exhaustive
def test_a_late_day_and_a_day_that_was_refused_change_what_their_preview_promised(
    tmp_path: Path,
    world: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
) -> None:
    models = models_of_bazaar("claim", maturity_days=3)
    workspace = bazaar_at(tmp_path, source=own_world(9), models=models)
    late, refused = delivered(workspace, "cases", date(2024, 1, 5)), delivered(workspace, "reviews", date(2024, 1, 7))
    late.rename(tmp_path / "late.parquet")
    refused.write_bytes(b"torn")
    assert any(run.failures for run in run_all(workspace, weeks=1))
    wanted = Backfill(first=date(2024, 1, 3), last=date(2024, 1, 8))

    still = promised(workspace, wanted)
    reasons = {(one.asset, str(one.day)): one.why for one in still.impact.unlanded}
    assert reasons.keys() == {("raw/cases", "2024-01-05"), ("raw/reviews", "2024-01-07")}
    assert all("deliver it" in why for why in reasons.values())
    again = carried_out(workspace, wanted)
    assert still.impact == again.impact
    assert again.impact.changes_nothing

    (tmp_path / "late.parquet").rename(late)
    shutil.copy(world / refused.relative_to(workspace.source_root), refused)
    found, after = promised(workspace, wanted), carried_out(workspace, wanted)

    assert found.impact == after.impact
    assert after.failures == ()
    assert found.impact.unlanded == ()
    changed = {one.asset: one for one in found.impact.assets}
    assert (changed["raw/cases"].rows_before, written(found.impact)["raw/cases"]) == (0, [date(2024, 1, 5)])
    assert written(found.impact)["features/buyer"] == days_between(date(2024, 1, 5), date(2024, 1, 9))
    assert found.unmeasured == ()
    path = keep(workspace, after)
    assert path is not None
    kept = json.loads(path.read_text())
    assert {one["asset"] for one in kept["assets"]} == set(changed)
    assert not list((workspace.root / "scratch").iterdir())


@pytest.mark.exhaustive
def test_a_backfill_that_is_stopped_leaves_whole_days_and_is_gone_on_with(
    own_settled: Path,
    settled: Path,
    bazaar_at: Callable[..., Workspace],
    everything_in: Callable[[Workspace], dict[str, str]],
    govern_program: Path,
) -> None:
    workspace, wanted = bazaar_at(own_settled), everything_in(bazaar_at(settled))
    for lost in ("raw", "features/buyer", "features/seller"):
        shutil.rmtree(workspace.lake.root / lost)
    words = [govern_program, "backfill", f"{FIRST}..{LAST}"]
    environment = os.environ | {"GOVERNANCE_ROOT": str(own_settled / "var"), "MARKETPLACE": str(own_settled / "bazaar")}
    environment |= {"GOVERNANCE_SOURCE": str(workspace.source_root)}

    command = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while command.poll() is None and len(workspace.lake.days("raw/orders")) < 3:
        try:
            command.wait(timeout=0.005)
        except subprocess.TimeoutExpired:
            continue
    command.send_signal(signal.SIGINT)
    said, _ = command.communicate()

    assert command.returncode == 130, said
    assert "govern backfill 2024-01-01..2024-02-04" in said
    standing = everything_in(workspace)
    assert standing.items() < wanted.items()
    again = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert everything_in(workspace) == wanted


def test_the_preview_speaks_to_a_person_and_to_a_machine(own_settled: Path, govern: Callable[..., Any]) -> None:
    days = f"{DAY}..{LAST}"

    person, machine = (
        govern(own_settled, "backfill", days, "--preview"),
        govern(own_settled, "backfill", days, "--preview", "--again", "--json"),
    )

    assert (person.status, machine.status) == (0, 0)
    assert "Nothing changes" in person.out
    found = json.loads(machine.out)
    assert found["online"] == found["models"] == found["unlanded"] == []
    assert {one["asset"] for one in found["assets"]} >= {"features/buyer", "labels/claim", "labels/statements"}
    assert all(one["written"] == [str(day) for day in days_between(DAY, LAST)] for one in found["assets"])
    assert all(one["changed"] == [] for one in found["assets"])


def test_the_preview_is_a_job_of_the_ui(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> None:
    job = build_defs(bazaar_at(own_settled)).resolve_job_def("preview_backfill")
    config = {"first": str(DAY), "last": str(LAST), "again": True}

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, run_config={"ops": {"preview_of_backfill": {"config": config}}}
        )
        said = "\n".join(log.user_message for log in instance.all_logs(result.run_id))

    (event,) = result.filter_events(lambda event: event.is_successful_output)
    assert event.step_output_data.metadata["partitions_changed"].value == 0
    assert event.step_output_data.metadata["partitions_written"].value > 0
    assert "No digest and no key online would change." in said
