"""Repairs by command and by job: each says what it would change, does it, and does nothing the second time."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets.online_repair import differences, served
from governance.contracts.calendar import midnight
from governance.labels.ledger import SCHEMA
from governance.workspace import Workspace
from orchestration.build import build_defs

LAST = date(2024, 2, 4)
BAD = LAST - timedelta(days=2)
Govern = Callable[..., Any]
Everything = Callable[[Workspace], dict[str, str]]


@pytest.fixture
def own_source(tmp_path: Path, world: Path) -> Path:
    """The owner's files for a test that changes them: linked, so that times stay and nothing is copied."""
    return Path(shutil.copytree(world, tmp_path / "world", copy_function=os.link))


@pytest.fixture
def workspace(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(own_settled)


@pytest.fixture
def repair(own_settled: Path, govern: Govern) -> Callable[..., str]:
    """Run `govern repair` with these words; what it said, on both outputs."""

    def run(*words: object, status: int = 0, **environment: str) -> str:
        said = govern(own_settled, "repair", *words, **environment)
        assert said.status == status, said.out + said.err
        return str(said.out + said.err)

    return run


def online_equals_offline(workspace: Workspace) -> bool:
    return all(found.none for found in differences(workspace, served(workspace)))


def spoil_online(workspace: Workspace) -> None:
    """Lose a key of the sellers, make another stale, and leave one that nobody knows."""
    with closing(sqlite3.connect(workspace.root / "feast" / "online.db")) as database, database:
        keys = [row[0] for row in database.execute("SELECT entity_key FROM governance_seller ORDER BY 1 LIMIT 2")]
        database.execute("UPDATE governance_seller SET event_time = 1, features = x'' WHERE entity_key = ?", keys[1:])
        stray = keys[0][:-1] + bytes([keys[0][-1] ^ 1])
        database.execute("UPDATE governance_seller SET entity_key = ? WHERE entity_key = ?", (stray, keys[0]))


def test_the_online_store_is_rebuilt_and_twice_changes_nothing(
    workspace: Workspace, repair: Callable[..., str], everything_in: Everything
) -> None:
    before = everything_in(workspace)
    spoil_online(workspace)

    said = repair("online", "--view", "seller", "--dry-run")
    assert "1 missing, 1 stale, 1 no longer offline" in said
    assert "Dry run" in said
    assert not online_equals_offline(workspace)

    said = repair("online", "--view", "seller")
    assert "1 removed" in said
    assert online_equals_offline(workspace)
    said = repair("online")
    assert said.count("online equals offline") == 2 * len(served(workspace))
    assert " 0 removed" in said
    assert everything_in(workspace) == before


def test_a_view_that_is_not_online_is_named_with_those_that_are(repair: Callable[..., str]) -> None:
    said = repair("online", "--view", "sellers", status=1)
    assert "no view 'sellers' is online" in said
    assert "merchant_fraud_scores" in said


@pytest.mark.long
def test_a_poisoned_day_is_dropped_everywhere_and_restored_as_it_was(
    own_settled: Path,
    workspace: Workspace,
    repair: Callable[..., str],
    govern: Govern,
    everything_in: Everything,
) -> None:
    before = everything_in(workspace)
    words = (BAD, "--reason", "prices are wrong", "--who", "ana", "--weeks", 0)

    said = repair("drop-day", *words, "--dry-run")
    assert "raw rows put aside: " in said
    assert f"features/seller 3 day(s) from {BAD}" in said
    assert everything_in(workspace) == before

    said = repair("drop-day", *words)

    assert f"features/seller 3 day(s) from {BAD}" in said
    raw = [dataset for dataset in before if dataset.startswith("raw/") and dataset.endswith(str(BAD))]
    dropped = everything_in(workspace)
    assert raw
    assert not set(raw) & set(dropped)
    assert dropped[f"features/seller {LAST}"] != before[f"features/seller {LAST}"]
    assert online_equals_offline(workspace)
    again = repair("drop-day", *words)
    assert "withdrawn already" in again
    assert "nothing to write again" in again
    assert everything_in(workspace) == dropped
    assert "raw rows brought back" in repair("restore-day", *words, "--dry-run")
    assert govern(own_settled, "ingest", "--source", workspace.source_root).out == (
        "Everything delivered has landed already.\n"
    )

    assert "raw rows brought back" in repair("restore-day", *words)

    restored = everything_in(workspace)
    assert {name: digest for name, digest in restored.items() if not name.startswith("online/")} == {
        name: digest for name, digest in before.items() if not name.startswith("online/")
    }
    assert online_equals_offline(workspace)
    assert "nothing lies aside" in repair("restore-day", *words)
    assert everything_in(workspace) == restored


@pytest.mark.exhaustive
def test_candidates_follow_a_dropped_day_and_come_back_with_it(
    workspace: Workspace, repair: Callable[..., str], govern: Govern, own_settled: Path
) -> None:
    known = {one.digest for name in workspace.models.present for one in workspace.registry.candidates(name)}

    repair("drop-day", BAD, "--reason", "prices are wrong", "--weeks", 1)

    assert "Nothing is stale" in govern(own_settled, "run", "--weeks", 1, "--source", workspace.source_root).out
    without = {one.digest for name in workspace.models.present for one in workspace.registry.candidates(name)}
    assert without > known
    repair("restore-day", BAD, "--reason", "prices were right", "--weeks", 1)
    assert {one.digest for name in workspace.models.present for one in workspace.registry.candidates(name)} == without
    assert "Nothing is stale" in govern(own_settled, "run", "--weeks", 1, "--source", workspace.source_root).out
    assert online_equals_offline(workspace)


@pytest.mark.long
def test_a_day_that_was_delivered_again_is_corrected_offline_and_online(
    own_settled: Path, own_source: Path, bazaar_at: Callable[..., Workspace], repair: Callable[..., str]
) -> None:
    workspace = bazaar_at(own_settled, source=own_source)
    environment = {"GOVERNANCE_SOURCE": str(own_source)}
    path = own_source / "orders" / f"dt={BAD}" / "rows.parquet"
    rows = pl.read_parquet(path)
    path.unlink()
    rows.head(rows.height // 2).write_parquet(path)

    said = repair("day", BAD, "--dry-run", **environment)
    assert "to land: orders" in said
    assert f"features/seller 3 day(s) from {BAD}" in said
    said = repair("day", BAD, **environment)

    assert workspace.lake.manifest("raw/orders", BAD).rows == rows.height // 2  # type: ignore[union-attr]
    assert f"features/seller 3 day(s) from {BAD}" in said
    written = [line for line in said.splitlines() if "seller: " in line and "keys written" in line]
    assert written
    assert online_equals_offline(workspace)
    again = repair("day", BAD, **environment)
    assert "raw rows are as delivered" in again
    assert "nothing to write again" in again
    assert again.count(" 0 keys written, 0 removed") == len(served(workspace))


@pytest.mark.parametrize("day", ["2024-02-30", "2023-12-31", "2024-02-05"])
def test_a_day_that_was_never_delivered_is_refused(repair: Callable[..., str], day: str) -> None:
    assert "2024-02-04" in repair("day", day, status=1)


def test_the_label_ledger_is_reloaded_with_the_labels_that_it_was_wrong_about(
    workspace: Workspace, repair: Callable[..., str], everything_in: Everything
) -> None:
    before = everything_in(workspace)
    day = BAD - timedelta(days=9)
    window = {"start": midnight(day), "end": midnight(day + timedelta(days=1))}
    workspace.ledger.replace("claim", **window, statements=SCHEMA.to_frame())

    assert f"the first of {day}" in repair("labels", "--dry-run")
    said = repair("labels")
    assert "the old one is kept at" in said
    assert everything_in(workspace) == before
    again = repair("labels")
    assert again.count("as the raw partitions say") == 2
    assert "kept at" not in again


@pytest.mark.exhaustive
def test_a_past_week_is_trained_again_without_touching_the_champion(
    workspace: Workspace, own_settled: Path, govern: Govern
) -> None:
    champion = workspace.registry.pointer("claim")
    assert govern(own_settled, "retrain", "--as-of", "2024-01-31").status == 1
    planned = govern(own_settled, "retrain", "--as-of", "2024-01-29", "--model", "claim", "--dry-run").out
    assert "trained again as of 2024-01-29 (3 assets)" in planned

    for _ in range(2):
        said = govern(own_settled, "retrain", "--as-of", "2024-01-29", "--model", "claim")
        assert said.status == 0, said.out + said.err
        found = [one for one in workspace.registry.candidates("claim") if one.as_of == date(2024, 1, 29)]
        assert len(found) <= 1

    assert workspace.registry.pointer("claim") == champion
    assert workspace.registry.next_champion("claim") is None


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, bazaar_at: Callable[..., Workspace]) -> dict[str, Any]:
    defs = build_defs(bazaar_at(tmp_path_factory.mktemp("jobs")))
    return {job.name: job for job in defs.jobs or ()}


@pytest.mark.parametrize(
    ("name", "op", "wanted"),
    [
        ("repair_online", "rebuild_online", {"view", "dry_run"}),
        ("repair_online_day", "land_day", {"day", "dry_run"}),
        ("drop_day", "withdraw_day", {"day", "reason", "who", "dry_run"}),
        ("restore_day", "restore_withdrawn", {"day", "reason", "who", "dry_run"}),
        ("reload_labels", "reload_ledger_of_labels", {"dry_run"}),
        ("rollback", "roll_back", {"model", "reason", "who", "expect", "dry_run"}),
        ("promote", "promote_candidate", {"model", "digest", "reason", "who", "expect"}),
        (
            "override",
            "let_past_merit_gates",
            {"model", "digest", "reason", "who", "second", "until", "expect", "dry_run"},
        ),
        ("refuse", "refuse_candidate", {"model", "digest", "reason", "who"}),
        ("allow", "allow_candidate", {"model", "digest", "reason", "who"}),
        ("approve", "let_go", {"plan", "reason", "who", "dry_run"}),
    ],
)
def test_every_repair_and_decision_is_a_job_that_explains_itself_and_asks_for_what_it_needs(
    jobs: dict[str, Any], name: str, op: str, wanted: set[str]
) -> None:
    job = jobs[name]
    assert isinstance(job, dg.JobDefinition)
    assert job.description
    fields = job.get_node_named(op).definition.config_schema.config_type.fields  # type: ignore[union-attr]
    assert set(fields) == wanted


def test_a_candidate_is_refused_allowed_promoted_and_overridden_from_the_launchpad(
    tmp_path: Path, bazaar_at: Callable[..., Workspace], candidate_of: Callable[..., str]
) -> None:
    workspace = bazaar_at(tmp_path)
    passed, kept = (candidate_of(workspace.registry, word, status=word) for word in ("passed", "kept"))
    definitions = build_defs(workspace)
    signed = {"model": "claim", "reason": "a sale", "who": "ana"}
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()

    with dg.DagsterInstance.ephemeral() as instance:

        def run(name: str, op: str, **config: Any) -> bool:
            given = {"ops": {op: {"config": signed | config}}}
            job = definitions.resolve_job_def(name)
            return job.execute_in_process(instance=instance, raise_on_error=False, run_config=given).success

        assert run("refuse", "refuse_candidate", digest=passed[:8])
        assert not run("promote", "promote_candidate", digest=passed[:8])
        assert run("allow", "allow_candidate", digest=passed[:8])
        assert run("promote", "promote_candidate", digest=passed[:8])
        assert not run("override", "let_past_merit_gates", digest=kept[:8], second="ana", until=until)
        assert run("override", "let_past_merit_gates", digest=kept[:8], second="ben", until=until)

    history = [(one.champion, one.who) for one in workspace.registry.history("claim")]
    assert history == [(passed, "ana"), (kept, "ana")]
    override = workspace.registry.standing_override("claim")
    assert override is not None
    assert override.second == "ben"


def test_a_champion_is_rolled_back_from_the_launchpad(
    tmp_path: Path, bazaar_at: Callable[..., Workspace], release_of: Callable[..., str]
) -> None:
    workspace = bazaar_at(tmp_path)
    first, second = (release_of(workspace.registry, word) for word in "ab")
    job = build_defs(workspace).resolve_job_def("rollback")
    config = {"model": "claim", "reason": "refunds doubled", "who": "ana", "expect": 2}

    with dg.DagsterInstance.ephemeral() as instance:

        def run(**changes: Any) -> bool:
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"ops": {"roll_back": {"config": config | changes}}},
            )
            return result.success

        assert run(dry_run=True)
        assert workspace.registry.pointer("claim").champion == second  # type: ignore[union-attr]
        assert run()
        assert workspace.registry.pointer("claim").champion == first  # type: ignore[union-attr]
        assert not run()
        assert workspace.registry.generation("claim") == 3
