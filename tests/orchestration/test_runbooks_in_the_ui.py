"""Every action that the runbooks name for the UI, launched as the UI launches it, and looked at afterwards."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from desk import open_desk

from assets.online_repair import differences, served
from feature_repo.online_state import last_online
from governance.automation.held import Held
from governance.release.records import sha256
from governance.workspace import Workspace
from orchestration.plan import backfill_run

FIRST, LAST = date(2024, 1, 1), date(2024, 2, 4)
TOUCHED = LAST - timedelta(days=2)
WEEK = "2024-01-29"
"""The week that begins there ends before the fifth of February."""

ONLY_BY_HAND = """
[automation]
look_every_seconds = 86400
"""
"""Sensors look once, when nothing has happened yet: what is done here is done by a person."""

SIGNED = {"reason": "as the runbook says", "who": "ana"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A person on call: the UI, the workspace behind it, and the owner's files."""

    ui: Any
    workspace: Workspace
    source: Path
    look: Callable[[Workspace], dict[str, str]]

    def well(self, job: str, op: str, **config: Any) -> str:
        """Launch a job with the config of its op; it must end well."""
        run = str(self.ui.launch(job, **{op: config}))
        assert self.ui.status(run) == "SUCCESS", job
        return run

    def rows(self, table: str, day: date, rows: int) -> None:
        """The owner delivers a day again, with so many of its rows."""
        path = self.source / table / f"dt={day}" / "rows.parquet"
        pl.read_parquet(path, hive_partitioning=False).head(rows).write_parquet(path)


def rollback(shift: Shift) -> None:
    registry, at = shift.workspace.registry, datetime.now(UTC)
    first = registry.pointer("claim")
    assert first is not None
    record, verdict, worse = (
        registry.recorded("claim", first.champion),
        registry.verdict("claim", first.champion),
        sha256(b"worse"),
    )
    assert record is not None
    assert verdict is not None
    registry.record("claim", worse, registry.files("claim", first.champion), {**record.facts, "digest": worse})
    registry.attach(replace(verdict, digest=worse))
    registry.promote("claim", worse, who="promotion", reason="newest", at=at)

    shift.well("rollback", "roll_back", model="claim", dry_run=True, **SIGNED)
    assert registry.generation("claim") == first.generation + 1
    shift.well("rollback", "roll_back", model="claim", **SIGNED)

    pointer = registry.pointer("claim")
    assert pointer is not None
    assert (pointer.champion, registry.refusal("claim", worse) is not None) == (first.champion, True)


def failed_gate(shift: Shift) -> None:
    registry = shift.workspace.registry
    (kept,) = registry.candidates("merchant_fraud")
    candidate = {"model": "merchant_fraud", "digest": kept.digest[:12], **SIGNED}

    shift.well("refuse", "refuse_candidate", **candidate)
    assert registry.refusal("merchant_fraud", kept.digest) is not None
    shift.well("allow", "allow_candidate", **candidate)
    assert registry.refusal("merchant_fraud", kept.digest) is None

    known = shift.look(shift.workspace)
    run = shift.ui.launch("weekly", partition=WEEK)
    assert shift.ui.status(run) == "SUCCESS"
    assert shift.look(shift.workspace) == known, "the same rows train the same candidates"


def override(shift: Shift) -> None:
    workspace = shift.workspace
    (kept,) = workspace.registry.candidates("merchant_fraud")
    until = (datetime.now(UTC).date() + timedelta(days=7)).isoformat()
    consent = {"model": "merchant_fraud", "digest": kept.digest[:12], "second": "ben", "until": until, **SIGNED}

    shift.well("override", "let_past_merit_gates", **consent)
    run = shift.ui.launch("online")

    assert shift.ui.status(run) == "SUCCESS"
    standing = workspace.registry.standing_override("merchant_fraud")
    assert standing is not None
    assert (standing.digest, standing.second) == (kept.digest, "ben")
    scores = last_online(workspace, workspace.score_tables["merchant_fraud"])
    assert scores is not None
    assert scores.facts["online_rows"] > 0


def stale_online_store(shift: Shift) -> None:
    workspace = shift.workspace
    with closing(sqlite3.connect(workspace.root / "feast" / "online.db")) as database, database:
        database.execute("UPDATE governance_seller SET event_time = 1, features = x'' WHERE rowid % 2")

    shift.well("repair_online", "rebuild_online", view="seller", dry_run=True)
    assert not _equal(workspace)
    shift.well("repair_online", "rebuild_online", view="seller")
    assert _equal(workspace)

    shift.rows("reviews", TOUCHED, 5)
    shift.well("repair_online_day", "land_day", day=str(TOUCHED))
    manifest = workspace.lake.manifest("raw/reviews", TOUCHED)
    assert manifest is not None
    assert manifest.facts["delivered"] == 5
    assert _equal(workspace)


def label_delay(shift: Shift) -> None:
    for file in (shift.workspace.root / "ledgers").glob("labels.sqlite*"):
        file.unlink()
    shift.well("reload_labels", "reload_ledger_of_labels")
    window = {"start": datetime(2023, 12, 31, tzinfo=UTC), "end": datetime(2024, 3, 1, tzinfo=UTC)}
    assert shift.workspace.ledger.between("claim", **window).height > 0


def backfill(shift: Shift) -> None:
    lake = shift.workspace.lake
    days = [TOUCHED + timedelta(days=number) for number in range((LAST - TOUCHED).days + 1)]
    wanted = {day: lake.manifest("features/seller", day) for day in days}
    for day in days:
        lake.delete("features/seller", day)

    shift.well("preview_backfill", "preview_of_backfill", first=str(TOUCHED), last=str(LAST))
    assert lake.days("features/seller", first=TOUCHED) == []
    _, ended = shift.ui.backfill_to_its_end(list(backfill_run(shift.workspace, TOUCHED, LAST).assets), days)

    assert ended == "COMPLETED_SUCCESS"
    assert lake.days("labels/claim")[-1] == LAST, "days that have not come are left alone"
    assert {day: lake.manifest("features/seller", day) for day in days} == wanted

    held = Held(plan="9f3c21ab04d7", what="again", why="40 days", first=FIRST, last=LAST, since=datetime.now(UTC))
    shift.workspace.held.hold(held)
    shift.well("approve", "let_go", plan="9f3c", **SIGNED)
    assert shift.workspace.held.one("9f3c").approved_by == "ana"


def late_data(shift: Shift) -> None:
    lake, before = shift.workspace.lake, shift.look(shift.workspace)

    shift.well("drop_day", "withdraw_day", day=str(TOUCHED), **SIGNED)
    assert not lake.path("raw/orders", TOUCHED).exists()
    assert _equal(shift.workspace)
    shift.well("restore_day", "restore_withdrawn", day=str(TOUCHED), **SIGNED)

    assert lake.path("raw/orders", TOUCHED).exists()
    assert _of_days(shift.look(shift.workspace)) == _of_days(before)


def failed_run(shift: Shift) -> None:
    path = shift.source / "cases" / f"dt={LAST}" / "rows.parquet"
    whole = path.read_bytes()
    path.write_bytes(b"torn")
    failed = shift.ui.launch("repair_online_day", land_day={"day": str(LAST)})
    assert shift.ui.status(failed) == "FAILURE"

    path.write_bytes(whole)
    again = shift.ui.again(failed)

    assert shift.ui.status(again) == "SUCCESS"
    assert _equal(shift.workspace)


def full_disk(shift: Shift) -> None:
    oldest, *others = [run["runId"] for run in shift.ui.runs()]
    shift.ui.delete(oldest)
    assert [run["runId"] for run in shift.ui.runs()] == others


DECISIONS = (rollback, failed_gate, override)
"""A drift alarm is answered by the same job as a failed gate."""

REPAIRS, DAYS = (stale_online_store, label_delay, backfill), (late_data, failed_run, full_disk)


@pytest.mark.exhaustive
@pytest.mark.parametrize("parts", [DECISIONS, REPAIRS, DAYS], ids=["decisions", "repairs", "days"])
def test_every_action_of_the_runbooks_is_done_from_the_ui_as_they_say(
    parts: tuple[Callable[[Shift], None], ...],
    own_settled: Path,
    tmp_path: Path,
    world: Path,
    bazaar_at: Callable[..., Workspace],
    everything_in: Callable[[Workspace], dict[str, str]],
) -> None:
    source = Path(shutil.copytree(world, tmp_path / "deliveries"))
    with (own_settled / "bazaar" / "marketplace.toml").open("a") as toml:
        toml.write(ONLY_BY_HAND)
    workspace = bazaar_at(own_settled, source=source)

    with open_desk(workspace) as ui:
        shift = Shift(ui=ui, workspace=workspace, source=source, look=everything_in)
        for part in parts:
            part(shift)


def _equal(workspace: Workspace) -> bool:
    return all(found.none for found in differences(workspace, served(workspace)))


def _of_days(found: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in found.items() if name.split("/")[0] in ("raw", "features", "labels")}
