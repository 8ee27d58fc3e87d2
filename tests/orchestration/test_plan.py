"""Which run is planned for what has become stale, and that nothing is planned where nothing has."""

import shutil
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance import retraining
from governance.errors import ConfigurationError
from governance.features import build
from governance.labels import matured, statements
from governance.marketplaces import landing
from governance.models import training_set
from governance.workspace import Workspace
from monitoring import weekly
from orchestration.plan import PlannedRun, backfill_run, landing_run, next_run

FIRST, LAST, AS_OF = date(2024, 1, 1), date(2024, 2, 4), date(2024, 2, 5)


@pytest.fixture
def workspace(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(own_settled)


def planned(workspace: Workspace, done: Sequence[PlannedRun] = ()) -> PlannedRun:
    found = next_run(workspace, weeks=1, done=done)
    assert found is not None
    return found


def names(run: PlannedRun) -> set[str]:
    return {"/".join(key) for key in run.assets}


def window(run: PlannedRun) -> tuple[date | None, date | None]:
    return run.first, run.last


def test_nothing_is_planned_where_everything_is_fresh(workspace: Workspace) -> None:
    assert next_run(workspace, weeks=1, done=[]) is None
    assert landing_run(workspace) is None


def test_runs_are_planned_in_the_order_days_champions_weeks_online(workspace: Workspace) -> None:
    shutil.rmtree(workspace.lake.root / "online")
    shutil.rmtree(workspace.lake.root / "candidates")
    (Path(workspace.objects_url) / "models" / "claim" / "serving.json").unlink()
    shutil.rmtree(workspace.lake.root / "labels" / "claim" / f"dt={LAST}")
    done: list[PlannedRun] = []

    while (run := next_run(workspace, weeks=1, done=done)) is not None:
        done.append(run)

    assert [run.job for run in done] == ["daily", "release", "weekly", "online"]


def test_a_day_that_is_delivered_again_is_landed_and_everything_made_from_it_built_up_to_today(
    tmp_path: Path, own_settled: Path, world: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    own = Path(shutil.copytree(world, tmp_path / "world"))
    day = FIRST + timedelta(days=19)
    path = own / "reviews" / f"dt={day}" / "rows.parquet"
    pl.read_parquet(path).head(1).write_parquet(path)

    run = planned(bazaar_at(own_settled, source=own))

    assert window(run) == (day, LAST)
    assert names(run) == {"raw/reviews", *(f"features/{view}" for view in ("buyer", "seller", "product", "category"))}


def test_a_table_that_states_labels_has_its_ledger_and_labels_rebuilt(
    tmp_path: Path, own_settled: Path, world: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    own = Path(shutil.copytree(world, tmp_path / "world"))
    path = own / "labels" / f"dt={LAST}" / "rows.parquet"
    path.touch()

    assert names(planned(bazaar_at(own_settled, source=own))) == {
        *("raw/labels", "labels/statements", "labels/merchant_fraud")
    }


def test_a_new_day_is_landed_by_a_run_of_that_day_alone(
    tmp_path: Path, own_settled: Path, world: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    own, new = Path(shutil.copytree(world, tmp_path / "world")), LAST + timedelta(days=1)
    for folder in own.glob(f"*/dt={LAST}"):
        shutil.copytree(folder, folder.with_name(f"dt={new}"))

    run = planned(bazaar_at(own_settled, source=own))

    assert window(run) == (new, new)
    assert len(run.assets) == 26


VERSIONS = {
    "landing": (landing, "daily", "raw/orders"),
    "features": (build, "daily", "features/category"),
    "statements": (statements, "daily", "labels/statements"),
    "matured labels": (matured, "daily", "labels/claim"),
    "training sets": (training_set, "weekly", "models/claim/training_set"),
    "candidates": (retraining, "weekly", "models/claim/candidate"),
    "drift": (weekly, "weekly", "monitoring/claim/drift"),
}


@pytest.mark.parametrize(("module", "job", "name"), VERSIONS.values(), ids=VERSIONS)
def test_a_new_code_version_makes_what_it_determines_stale(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, module: object, job: str, name: str
) -> None:
    monkeypatch.setattr(module, "CODE_VERSION", "next")

    run = planned(workspace)

    assert run.job == job
    assert name in names(run)
    if job == "daily":
        assert window(run) == (FIRST, LAST)


@pytest.mark.parametrize(
    ("lost", "rest"),
    [
        ("training_sets", {"training_set", "candidate", "drift"}),
        ("candidates", {"candidate", "drift"}),
        ("drift", {"drift"}),
    ],
)
def test_of_a_week_only_what_is_missing_and_what_follows_is_done(
    workspace: Workspace, lost: str, rest: set[str]
) -> None:
    shutil.rmtree(workspace.lake.root / lost / "claim")

    run = planned(workspace)

    assert (run.job, run.as_of) == ("weekly", AS_OF)
    assert {name.split("/")[-1] for name in names(run)} == rest
    assert all("/claim/" in name for name in names(run))


def test_a_passing_candidate_without_a_champion_is_released_and_a_kept_one_is_not(workspace: Workspace) -> None:
    (Path(workspace.objects_url) / "models" / "claim" / "serving.json").unlink()

    assert names(planned(workspace)) == {"models/claim/champion"}


def test_only_the_table_that_is_behind_online_is_put_online(workspace: Workspace) -> None:
    shutil.rmtree(workspace.lake.root / "online" / "product")

    assert names(planned(workspace)) == {"online/product"}


def test_a_run_that_has_been_done_is_not_planned_again(workspace: Workspace) -> None:
    shutil.rmtree(workspace.lake.root / "online" / "product")
    run = planned(workspace)

    assert next_run(workspace, weeks=1, done=[run]) is None


def test_a_backfill_covers_every_daily_asset_for_exactly_its_days(workspace: Workspace) -> None:
    first, last = date(2024, 1, 10), date(2024, 1, 12)

    run = backfill_run(workspace, first, last)

    assert window(run) == (first, last)
    assert len(run.assets) == 26


def test_a_backfill_beyond_what_was_delivered_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigurationError, match=r"2024-01-01\.\.2024-02-04"):
        backfill_run(workspace, FIRST, AS_OF)
