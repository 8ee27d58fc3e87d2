"""What tests of several packages share: one small simulated world, and workspaces over it.

The world is written once per test run, also where several processes run the tests: 1,000 buyers over seven weeks,
so many of them preyed on that both models have something to learn from. `BAZAAR` shortens maturities and widens
merit gates accordingly, so that in the last week `claim` passes and `merchant_fraud` is kept by its gates.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.simulated.campaign import Campaign
from governance.marketplaces.simulated.world import simulate
from governance.workspace import Workspace

FIRST_DAY = date(2024, 1, 1)
DAYS, BUYERS, SEED = 49, 1_000, 7
PROJECT = Path(__file__).parent.parent
REAL_DATA = PROJECT.parent / "shared" / "data"

_LENIENT = """
maturity_days = 10
test_days = 7
calibration_days = 7
[models.{name}.gates]
matured_positives_at_least = 3
above_base_rate_at_least = -1.0
above_rules_at_least = -1.0
champion_margin = 1.0
calibration_error_at_most = 1.0
calibration_ratio_within = 1000.0
slice_auc_drop_at_most = 1.0
unseen_auc_drop_at_most = 1.0
"""

BAZAAR = "".join(f"[models.{name}]{_LENIENT.format(name=name)}" for name in ("merchant_fraud", "claim"))
"""The models of the small marketplace."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of public data where nobody has put the data beside the project."""
    if REAL_DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"the public data sets are not at {REAL_DATA}")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run that all its processes see."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def made_once(shared_folder: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder of the test run, by whichever process asks first; the others wait for it."""

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared_folder / name, shared_folder / f"{name}.done"
        with _locked(shared_folder / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def world(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The owner's files of the small simulated world; nobody writes here (see `own_world`)."""

    def fill(folder: Path) -> None:
        campaign = Campaign(first_day=1, oversampling=300)
        simulate(folder, first_day=FIRST_DAY, days=DAYS, buyers=BUYERS, seed=SEED, campaign=campaign)

    return made_once("world", fill)


@pytest.fixture
def own_world(world: Path, tmp_path: Path) -> Callable[[int], Path]:
    """Copy the first days of the world, so that a test may spoil them."""

    def copy(days: int) -> Path:
        own = tmp_path / "world"
        kept = {f"dt={date.fromordinal(FIRST_DAY.toordinal() + offset)}" for offset in range(days)}
        for folder in world.glob("*/dt=*"):
            if folder.name in kept:
                shutil.copytree(folder, own / folder.relative_to(world))
        return own

    return copy


@pytest.fixture(scope="session")
def marketplace_folder() -> Callable[..., Path]:
    """Write a marketplace with the simulated one's tables and its own name and models."""
    return write_marketplace


def write_marketplace(folder: Path, *, name: str = "bazaar", models: str = BAZAAR, **settings: Any) -> Path:
    """A marketplace folder; `models` is its TOML from `[models.…]` on, `settings` are written above it."""
    source = load_marketplace("simulated").folder
    folder.mkdir(parents=True, exist_ok=True)
    for sql in source.glob("*.sql"):
        shutil.copy(sql, folder)
    head = (source / "marketplace.toml").read_text().split("[models.")[0].replace('"simulated"', f'"{name}"', 1)
    added = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "marketplace.toml").write_text(head.replace("[files]", f"{added}[files]") + models)
    return folder


@pytest.fixture(scope="session")
def bazaar_at(world: Path) -> Callable[..., Workspace]:
    """Open a workspace under `root`, with a marketplace folder beside it, over the small world or another."""

    def open_at(root: Path, *, source: Path | None = None, models: str = BAZAAR, **settings: Any) -> Workspace:
        from orchestration.environments import workspace_from

        folder = root / "marketplaces" / "bazaar"
        if not folder.exists():
            write_marketplace(folder, models=models, **settings)
        environment = {"GOVERNANCE_ROOT": str(root / "var")}
        return workspace_from(environment, marketplace=str(folder), source=source or world)

    return open_at
