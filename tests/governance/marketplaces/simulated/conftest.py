"""One small world with every campaign, read as frames; nobody writes into it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.rows import TRUTH_TABLES
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.world import TRUTH, simulate

FIRST_DAY = date(2024, 1, 1)
DAYS, BUYERS, SEED = 90, 1_500, 11


@pytest.fixture(scope="session")
def tiny_root(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder of the world."""

    def fill(folder: Path) -> None:
        settings = Settings(seed=SEED, first_day=FIRST_DAY, buyers=BUYERS, campaigns=load_campaigns())
        simulate(folder, settings, days=DAYS)

    return made_once("tiny_world", fill)


@pytest.fixture(scope="session")
def tiny_world(tiny_root: Path) -> dict[str, pl.DataFrame]:
    """Every table of the world, and under `truth/<name>` what nothing but a judge may read."""
    found = {name: pl.read_parquet(tiny_root / name / "*" / "rows.parquet", hive_partitioning=False) for name in TABLES}
    truth = {f"{TRUTH}/{name}": tiny_root / TRUTH / name / "*" / "rows.parquet" for name in TRUTH_TABLES}
    return found | {name: pl.read_parquet(path, hive_partitioning=False) for name, path in truth.items()}
