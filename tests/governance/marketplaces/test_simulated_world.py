"""The simulated world as files: the same again, longer, interrupted, and never half there."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.contracts.calendar import days_between
from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.simulated.campaign import Campaign
from governance.marketplaces.simulated.world import TRUTH, WORLD_FILE, simulate
from governance.storage.digests import frame_digest

FIRST_DAY = date(2026, 1, 1)
DAYS = 24
BUYERS = 300
CAMPAIGN = Campaign(natural_prevalence=0.01, oversampling=60.0, first_day=8)


def make(out: Path, *, days: int = DAYS, seed: int = 3, **more: object) -> Path:
    simulate(out, first_day=FIRST_DAY, days=days, buyers=BUYERS, seed=seed, campaign=CAMPAIGN, **more)  # type: ignore[arg-type]
    return out


def digests(out: Path) -> Mapping[tuple[str, str], str]:
    return {
        (name, path.parent.name): frame_digest(pl.read_parquet(path, hive_partitioning=False), key=table.key)
        for name, table in TABLES.items()
        for path in sorted((out / name).glob("*/rows.parquet"))
    }


def files(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("world") / "simulated")


def test_every_table_has_a_file_for_every_day(world: Path) -> None:
    days = {f"dt={day.isoformat()}" for day in days_between(FIRST_DAY, date(2026, 1, DAYS))}
    for table in TABLES:
        assert {path.parent.name for path in (world / table).glob("*/rows.parquet")} == days, table


def test_the_same_seed_gives_the_same_content(world: Path, tmp_path: Path) -> None:
    assert digests(make(tmp_path)) == digests(world)


def test_more_days_leave_the_earlier_days_as_they_were(world: Path, tmp_path: Path) -> None:
    longer = digests(make(tmp_path, days=DAYS + 5))
    assert {key: longer[key] for key in digests(world)} == digests(world)
    assert len(longer) == len(TABLES) * (DAYS + 5)


def test_another_seed_gives_another_world(world: Path, tmp_path: Path) -> None:
    other, this = digests(make(tmp_path, seed=4, days=5)), digests(world)
    assert all(other[key] != this[key] for key in other if key[0] in ("orders", "payments"))


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    make(tmp_path, days=4)
    before = files(tmp_path)
    make(tmp_path, days=4)
    assert files(tmp_path) == before


def test_other_parameters_replace_the_world_and_leave_no_day_of_the_old_one(tmp_path: Path) -> None:
    make(tmp_path, days=6)
    make(tmp_path, days=3, seed=9)
    assert len(list((tmp_path / "orders").glob("*/rows.parquet"))) == 3
    assert json.loads((tmp_path / WORLD_FILE).read_text())["seed"] == 9


def test_a_killed_simulation_is_recognised_and_made_again(world: Path, tmp_path: Path) -> None:
    def killed(day: date) -> None:
        if day == date(2026, 1, 7):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, on_day=killed)
    assert not (tmp_path / WORLD_FILE).exists()
    assert digests(make(tmp_path)) == digests(world)
    assert (tmp_path / WORLD_FILE).exists()


def test_progress_is_told_once_a_day_when_the_day_is_there(tmp_path: Path) -> None:
    seen: list[date] = []

    def on_day(day: date) -> None:
        assert all((tmp_path / table / f"dt={day.isoformat()}" / "rows.parquet").exists() for table in TABLES)
        seen.append(day)

    make(tmp_path, days=3, on_day=on_day)
    assert seen == days_between(FIRST_DAY, date(2026, 1, 3))


def test_world_file_states_the_parameters_and_the_oversampling(world: Path) -> None:
    facts = json.loads((world / WORLD_FILE).read_text())
    assert (facts["first_day"], facts["last_day"]) == ("2026-01-01", "2026-01-24")
    assert facts["campaign"]["oversampling"] == CAMPAIGN.oversampling
    assert facts["synthetic"] is True


def test_truth_lies_apart_and_no_temporary_file_stays(world: Path) -> None:
    assert {path.name for path in world.iterdir()} == {*TABLES, TRUTH, WORLD_FILE}
    members = pl.read_parquet(world / TRUTH / "merchants.parquet")
    assert members.columns == ["seller_id", "turns_on_day", "tactic"]
    assert members["turns_on_day"].is_between(CAMPAIGN.first_day, DAYS - 1).all()


@pytest.mark.parametrize(("days", "buyers"), [(0, 300), (5, 10)], ids=["no day", "hardly a buyer"])
def test_a_world_that_cannot_be_is_refused(tmp_path: Path, days: int, buyers: int) -> None:
    with pytest.raises(ConfigurationError, match="a world needs"):
        simulate(tmp_path, first_day=FIRST_DAY, days=days, buyers=buyers, seed=1)
    assert list(tmp_path.iterdir()) == []
