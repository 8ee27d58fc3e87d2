"""Planned runs carried out on a workspace's own Dagster instance."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from governance.workspace import Workspace
from orchestration.plan import PlannedRun, backfill_run
from orchestration.runs import DoneRun, execute, run_all

FIRST = date(2024, 1, 1)
Everything = Callable[[Workspace], dict[str, str]]


@pytest.fixture(autouse=True)
def _dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run sets for itself is taken back with what is set here."""
    monkeypatch.setenv("DAGSTER_HOME", "")


def jobs(done: list[DoneRun]) -> list[tuple[str, bool]]:
    """Each run's job, and whether it went well."""
    return [(run.planned.job, not run.failures) for run in done]


def test_doing_the_main_job_again_starts_no_run_and_changes_nothing(
    own_settled: Path, bazaar_at: Callable[..., Workspace], everything_in: Everything
) -> None:
    workspace = bazaar_at(own_settled)
    before = everything_in(workspace)

    assert run_all(workspace, weeks=1) == []

    assert everything_in(workspace) == before


@pytest.mark.long
def test_a_bad_delivery_fails_its_run_the_other_stages_go_on_and_a_good_one_makes_it_whole(
    tmp_path: Path,
    world: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
) -> None:
    own, models = own_world(7), models_of_bazaar("claim", maturity_days=3)
    bad = own / "cases" / f"dt={FIRST + timedelta(days=3)}" / "rows.parquet"
    bad.write_bytes(b"torn")
    workspace = bazaar_at(tmp_path / "spoiled", source=own, models=models)

    done = run_all(workspace, weeks=1)

    assert jobs(done) == [("daily", False), ("daily", True), ("weekly", True), ("online", True)]
    (failure,) = done[0].failures
    assert [
        part for part in ("raw/cases", "1 day(s) failed", "2024-01-04", "deliver it again") if part not in failure
    ] == []
    assert workspace.lake.days("features/seller")[-1] == FIRST + timedelta(days=6)

    bad.write_bytes((world / bad.relative_to(own)).read_bytes())
    assert jobs(run_all(workspace, weeks=1)) == [("daily", True), ("weekly", True), ("online", True)]
    assert workspace.lake.days("raw/cases") == workspace.lake.days("raw/orders")


@pytest.mark.long
def test_a_repaired_delivery_leaves_everything_as_if_it_had_never_been_bad(
    tmp_path: Path,
    world: Path,
    own_world: Callable[[int], Path],
    bazaar_at: Callable[..., Workspace],
    models_of_bazaar: Callable[..., str],
    everything_in: Everything,
) -> None:
    own, models = own_world(14), models_of_bazaar("claim", maturity_days=3)
    undisturbed, spoiled = (bazaar_at(tmp_path / name, source=own, models=models) for name in ("a", "b"))
    assert all(not run.failures for run in run_all(undisturbed, weeks=1))
    for table, day in (("cases", 4), ("orders", 9), ("shipments", 9), ("labels", 13)):
        bad = own / table / f"dt={FIRST + timedelta(days=day)}" / "rows.parquet"
        bad.write_bytes(b"torn")
    assert any(run.failures for run in run_all(spoiled, weeks=1))

    for bad in own.glob("*/dt=*/rows.parquet"):
        if bad.read_bytes() == b"torn":
            bad.write_bytes((world / bad.relative_to(own)).read_bytes())
    assert all(not run.failures for run in run_all(spoiled, weeks=1))

    assert everything_in(spoiled) == everything_in(undisturbed)


def test_a_backfill_again_of_days_that_are_there_is_one_run_that_changes_no_digest(
    own_settled: Path, bazaar_at: Callable[..., Workspace], everything_in: Everything
) -> None:
    workspace = bazaar_at(own_settled)
    before = everything_in(workspace)

    done = execute(workspace, backfill_run(workspace, date(2024, 2, 1), date(2024, 2, 3), again=True))

    assert done.failures == ()
    assert everything_in(workspace) == before
    assert run_all(workspace, weeks=1) == []


def test_what_nobody_foresaw_is_told_by_its_own_words(
    own_settled: Path, bazaar_at: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("governance.features.build.build", broken)
    day = date(2024, 2, 4)
    planned = PlannedRun(job="daily", assets=(("features", "buyer"),), why="test", first=day, last=day, again=True)

    done = execute(bazaar_at(own_settled), planned)

    assert done.failures == ("features__buyer: ZeroDivisionError: of all things",)
