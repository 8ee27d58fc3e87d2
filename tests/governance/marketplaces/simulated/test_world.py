"""The simulated world as files: the same again, in parts, continued, interrupted, and never half there."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.contracts.calendar import days_between
from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.redelivery import Redelivery
from governance.marketplaces.simulated.rows import TRUTH_TABLES
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.world import TRUTH, WORLD_FILE, go_on, simulate
from governance.storage.digests import frame_digest

FIRST_DAY = date(2026, 1, 1)
DAYS, BUYERS = 24, 300


def settings(seed: int = 3) -> Settings:
    return Settings(seed=seed, first_day=FIRST_DAY, buyers=BUYERS, campaigns=load_campaigns())


def make(out: Path, *, days: int = DAYS, seed: int = 3, on_day: Callable[[date], None] | None = None) -> Path:
    simulate(out, settings(seed), days=days, on_day=on_day)
    return out


def digests(out: Path) -> Mapping[tuple[str, str], str]:
    tables = {name: table.key for name, table in TABLES.items()}
    truths = {f"{TRUTH}/decisions": ("label", "entity_id", "occurred_at"), f"{TRUTH}/causes": ("case_id",)}
    return {
        (name, path.parent.name): frame_digest(pl.read_parquet(path, hive_partitioning=False), key=key)
        for name, key in (tables | truths).items()
        for path in sorted((out / name).glob("*/rows.parquet"))
    }


def files(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("world") / "simulated")


def test_every_table_has_a_file_for_every_day(world: Path) -> None:
    days = {f"dt={day.isoformat()}" for day in days_between(FIRST_DAY, date(2026, 1, DAYS))}
    for table in [*TABLES, *(f"{TRUTH}/{name}" for name in TRUTH_TABLES)]:
        assert {path.parent.name for path in (world / table).glob("*/rows.parquet")} == days, table


def test_in_one_go_or_day_by_day_or_with_more_days_to_come_the_content_is_the_same(world: Path, tmp_path: Path) -> None:
    make(tmp_path, days=5)
    for _ in range(4):
        go_on(tmp_path, days=1)
    make(tmp_path, days=DAYS)
    assert digests(tmp_path) == digests(world)


def test_the_number_of_threads_changes_nothing(world: Path, tmp_path: Path) -> None:
    code = f"""
from datetime import date
from pathlib import Path
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.world import simulate
settings = Settings(seed=3, first_day=date(2026, 1, 1), buyers={BUYERS}, campaigns=load_campaigns())
simulate(Path({str(tmp_path)!r}), settings, days={DAYS})
"""
    threads = 2 if pl.thread_pool_size() == 1 else 1
    subprocess.run([sys.executable, "-c", code], check=True, env={"POLARS_MAX_THREADS": str(threads)}, cwd=Path.cwd())
    assert digests(tmp_path) == digests(world)


def test_another_seed_gives_another_world(world: Path, tmp_path: Path) -> None:
    other, this = digests(make(tmp_path, seed=4, days=5)), digests(world)
    assert all(other[key] != this[key] for key in other if key[0] in ("orders", "payments", "sessions"))


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


@pytest.mark.parametrize("standing_days", [0, 5], ids=["at first", "while it goes on"])
def test_a_killed_simulation_is_done_again_to_the_same_end(world: Path, tmp_path: Path, standing_days: int) -> None:
    def killed(day: date) -> None:
        if day == date(2026, 1, 9):
            raise KeyboardInterrupt

    if standing_days:
        make(tmp_path, days=standing_days)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, on_day=killed)
    assert (tmp_path / WORLD_FILE).exists() == bool(standing_days)
    assert digests(make(tmp_path)) == digests(world)


def test_progress_is_told_once_a_day_when_the_day_is_there(tmp_path: Path) -> None:
    seen: list[date] = []

    def on_day(day: date) -> None:
        assert all((tmp_path / table / f"dt={day.isoformat()}" / "rows.parquet").exists() for table in TABLES)
        seen.append(day)

    make(tmp_path, days=3, on_day=on_day)
    assert seen == days_between(FIRST_DAY, date(2026, 1, 3))


def test_the_world_file_states_the_parameters_the_campaigns_and_the_oversampling(world: Path) -> None:
    facts = json.loads((world / WORLD_FILE).read_text())
    assert (facts["first_day"], facts["last_day"], facts["days"]) == ("2026-01-01", "2026-01-24", DAYS)
    assert facts["prevalence"]["merchant_fraud"]["oversampling"] > 1
    assert {one["kind"] for one in facts["campaigns"]} >= {"merchant_fraud", "brushing"}
    assert facts["synthetic"] is True


def test_truth_and_state_lie_apart_and_no_temporary_file_stays(world: Path) -> None:
    assert {path.name for path in world.iterdir()} == {*TABLES, TRUTH, "state", WORLD_FILE}
    assert {path.name for path in (world / TRUTH).iterdir()} == set(TRUTH_TABLES)
    assert [path.name for path in (world / "state").iterdir()] == [str(DAYS)]


@pytest.mark.parametrize(("days", "buyers"), [(0, 300), (5, 10)], ids=["no day", "hardly a buyer"])
def test_a_world_that_cannot_be_is_refused(tmp_path: Path, days: int, buyers: int) -> None:
    with pytest.raises(ConfigurationError, match="a world needs"):
        simulate(tmp_path, Settings(seed=1, first_day=FIRST_DAY, buyers=buyers, campaigns=load_campaigns()), days=days)
    assert list(tmp_path.iterdir()) == []


def test_nothing_goes_on_where_nothing_stands_and_no_world_gets_shorter(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no whole world to continue"):
        go_on(tmp_path, days=1)
    with pytest.raises(ConfigurationError, match=f"{DAYS} days already"):
        make(world, days=3)


@pytest.mark.parametrize(
    ("account", "said"), [("lamp-1", "is no account"), ("buyer-0000000000000001", "is no buyer of this world")]
)
def test_an_account_that_is_none_cannot_be_acted_on(tmp_path: Path, account: str, said: str) -> None:
    make(tmp_path, days=2)
    before = files(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        go_on(tmp_path, days=1, acted_on=[account])
    assert files(tmp_path) == before


def test_some_days_come_twice_first_with_rows_missing_and_then_whole() -> None:
    rows = pl.DataFrame({"order_line_id": [f"order-{number:016}-1" for number in range(2_000)]})
    redelivery, first, second = Redelivery(), {}, {}
    for index in range(400):
        today = Today(3, FIRST_DAY, index)
        for day, delivered in redelivery.deliver("orders", today, rows):
            (first if day == today.date else second)[day] = delivered.height
    assert 1 <= len(second) <= 12
    assert all(first[day] < 2_000 and height == 2_000 for day, height in second.items())
    assert all(height == 2_000 for day, height in first.items() if day not in second and day < date(2027, 1, 20))


UNHEARD_OF = """
[prevalence.incentive_abuse]
natural = 0.01
oversampling = 10.0

[[campaign]]
name = "gift loop"
kind = "incentive_farm"
first_day = 2
last_day = 100
members_per_10k_buyers = 150.0
adapts = "rotate"
[campaign.tactic]
{tactic}
"""


def test_a_campaign_file_can_hold_a_tactic_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "campaigns.toml"
    file.write_text(UNHEARD_OF.format(tactic="drop = 0.1\npooled = 0.9\norders_a_day = 0.5"))
    loop = Settings(seed=3, first_day=FIRST_DAY, buyers=BUYERS, campaigns=load_campaigns(file))
    simulate(tmp_path / "world", loop, days=20)
    decisions = pl.read_parquet(tmp_path / "world" / "truth" / "decisions" / "*" / "rows.parquet")
    played = decisions.filter((pl.col("label") == "incentive_abuse") & (pl.col("truth") == 1))
    assert set(played["campaign"]) == {"gift loop"}
    assert played.height >= 10


def test_a_tactic_that_its_kind_does_not_have_is_refused_before_the_first_day(tmp_path: Path) -> None:
    file = tmp_path / "campaigns.toml"
    file.write_text(UNHEARD_OF.format(tactic="charm = 0.1"))
    wrong = Settings(seed=3, first_day=FIRST_DAY, buyers=BUYERS, campaigns=load_campaigns(file))
    with pytest.raises(ConfigurationError, match="gift loop: incentive_farm has no 'charm'; it has"):
        simulate(tmp_path / "world", wrong, days=20)
    assert not (tmp_path / "world").exists()
