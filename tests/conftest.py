"""What tests of several packages share: one small simulated world, and workspaces over it.

The world is written once per test run, also where several processes run the tests: 4,000 buyers over five weeks, in
which so many shops turn at once and so plainly that `claim` learns to tell within days. `BAZAAR` shortens maturities
and widens the gates accordingly, but asks of `merchant_fraud` what no model has: in the last week `claim` passes its
gates and `merchant_fraud` is kept by them, both judged on positives enough.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from needed import require_redis
from programs import GOVERN

from benchmarks.servers import RedisServer, redis_server
from governance.features.catalogue import VIEWS
from governance.marketplaces.marketplace import load_marketplace
from governance.workspace import Workspace

FIRST_DAY = date(2024, 1, 1)
DAYS, BUYERS, SEED = 35, 4_000, 7
PROJECT = Path(__file__).parent.parent
REAL_DATA = PROJECT.parent / "shared" / "data"

_MODEL = """
[models.{name}]
maturity_days = {maturity_days}
test_days = 5
calibration_days = 5
excluded_features = {excluded}
counters = {counters}
[models.{name}.gates]
matured_positives_at_least = 3
above_base_rate_at_least = {above_base_rate}
above_rules_at_least = -1.0
champion_margin = 1.0
calibration_error_at_most = 1.0
calibration_ratio_within = 1000.0
slice_auc_drop_at_most = 1.0
unseen_auc_drop_at_most = 1.0
missing_share_shift_at_most = 1.0
"""

_COUNTERS = {"merchant_fraud": [], "claim": ["seller_cases_opened"]}
_ABOVE_BASE_RATE = {"merchant_fraud": 1.0, "claim": -1.0}

_KEPT = ("_orders_30d", "_cases_30d", "_case_rate_30d", "_handover_rate_30d", "_low_review_rate_30d")
"""Features of the small marketplace's models: a drift page takes a tenth of a second to draw for each."""


def models_toml(*names: str, maturity_days: int = 7, kept: tuple[str, ...] = _KEPT) -> str:
    """The models of a small marketplace, as the end of its TOML; of the views' features those that end so."""
    excluded = json.dumps([name for view in VIEWS.values() for name in view.feature_names if not name.endswith(kept)])
    return "".join(
        _MODEL.format(
            name=name,
            maturity_days=maturity_days,
            excluded=excluded,
            counters=json.dumps(_COUNTERS[name]),
            above_base_rate=_ABOVE_BASE_RATE[name],
        )
        for name in names
    )


BAZAAR = models_toml("merchant_fraud", "claim")

_BLATANT = {
    "new_account": False,
    "warm_up_low": 2,
    "warm_up_high": 4,
    "price_low": 0.5,
    "price_high": 0.6,
    "lure": 1.5,
    "withholds": 1.0,
    "fakes": 0.0,
    "found_days": 8.0,
    "found_share": 0.6,
}
"""How the shops of the small world turn: established ones, at half their prices, and they never ship."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of public data where there is none, and let nobody wait for what another process is making."""
    if not REAL_DATA.is_dir():
        absent = pytest.mark.skip(reason=f"the public data sets are not at {REAL_DATA}")
        for item in items:
            if item.get_closest_marker("real_data"):
                item.add_marker(absent)
    # One process begins with a test of the settled folder, which takes a minute to make. Meanwhile there are others.
    users = [item for item in items if "settled" in getattr(item, "fixturenames", ())]
    turn = dict.fromkeys(users, 2) | dict.fromkeys(users[:1], 0)
    items.sort(key=lambda item: turn.get(item, 1))


MakeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Fill a folder of this test run by whichever process asks for it first; the others wait.

    `MADE_ONCE` names a folder in which several runs of the same code share what they make.
    """
    own = tmp_path_factory.getbasetemp()
    of_this_run = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    shared = Path(os.environ.get("MADE_ONCE") or of_this_run)
    shared.mkdir(parents=True, exist_ok=True)

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with _locked(shared / f"{name}.lock"):
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


def simulated_world(folder: Path, *, buyers: int = BUYERS, days: int = DAYS) -> Path:
    """Write a world in which shops turn plainly from the first day on."""
    from governance.marketplaces.simulated.campaigns.file import Campaigns, load_campaigns
    from governance.marketplaces.simulated.settings import Settings
    from governance.marketplaces.simulated.world import simulate

    frauds = load_campaigns().only("merchant_fraud", first_day=1, oversampling=40)
    played = [replace(one, last_day=days, adapts="no", tactic={**one.tactic, **_BLATANT}) for one in frauds.campaigns]
    campaigns = Campaigns(tuple(played), frauds.prevalence)
    simulate(folder, Settings(seed=SEED, first_day=FIRST_DAY, buyers=buyers, campaigns=campaigns), days=days)
    return folder


@pytest.fixture(scope="session")
def write_world() -> Callable[..., Path]:
    """Write a world of so many buyers and days into a folder."""
    return simulated_world


@pytest.fixture(scope="session")
def world(made_once: MakeOnce) -> Path:
    """The owner's files of the small simulated world. Nobody writes here (see `own_world`)."""
    return made_once("world", simulated_world)


@pytest.fixture
def own_world(world: Path, tmp_path: Path) -> Callable[[int], Path]:
    """Copy the first so many days of the world, for a test that spoils them."""

    def copy(days: int) -> Path:
        kept = {f"dt={date.fromordinal(FIRST_DAY.toordinal() + offset)}" for offset in range(days)}
        for folder in world.glob("*/dt=*"):
            if folder.name in kept:
                shutil.copytree(folder, tmp_path / "world" / folder.relative_to(world))
        return tmp_path / "world"

    return copy


def write_marketplace(folder: Path, *, models: str = BAZAAR, quarantine_share_at_most: float = 0.02) -> Path:
    """A marketplace of its own name that delivers what the simulated one does."""
    source = load_marketplace("simulated").folder
    folder.mkdir(parents=True)
    for sql in source.glob("*.sql"):
        shutil.copy(sql, folder)
    head = (source / "marketplace.toml").read_text().split("[models.")[0].replace('"simulated"', '"bazaar"')
    share = f"quarantine_share_at_most = {quarantine_share_at_most}"
    head = re.sub("burn_in_days = .*", "burn_in_days = 0", re.sub("quarantine_share_at_most = .*", share, head))
    (folder / "marketplace.toml").write_text(head + models)
    return folder


@pytest.fixture(scope="session")
def bazaar_at(world: Path) -> Callable[..., Workspace]:
    """Open the workspace under a root folder; its marketplace is written there where it is not there yet."""

    def open_at(
        root: Path,
        *,
        source: Path | None = None,
        objects: Path | None = None,
        models: str = BAZAAR,
        quarantine_share_at_most: float = 0.02,
    ) -> Workspace:
        from orchestration.environments import workspace_from

        folder = root / "bazaar"
        if not folder.exists():
            write_marketplace(folder, models=models, quarantine_share_at_most=quarantine_share_at_most)
        environment = {"GOVERNANCE_ROOT": str(root / "var"), "GOVERNANCE_OBJECTS": str(objects or "")}
        return workspace_from(environment, marketplace=str(folder), source=source or world)

    return open_at


@pytest.fixture(scope="session")
def models_of_bazaar() -> Callable[..., str]:
    """The TOML of models for `bazaar_at`: names, and the days after which their labels mature."""
    return models_toml


@pytest.fixture(scope="session")
def settled(made_once: MakeOnce, world: Path) -> Path:
    """A folder in which `govern run --weeks 1` has done the main job; nobody writes here (see `own_settled`).

    Beside the workspace lie `output.txt`, what the command printed, and `status.txt`, its exit status.
    """

    def fill(folder: Path) -> None:
        write_marketplace(folder / "bazaar")
        words = ["run", "--weeks", "1", "--source", str(world), "--marketplace", str(folder / "bazaar")]
        done = subprocess.run(
            [GOVERN, *words],
            env=os.environ | {"GOVERNANCE_ROOT": str(folder / "var")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        (folder / "output.txt").write_text(done.stdout)
        (folder / "status.txt").write_text(str(done.returncode))

    return made_once("settled", fill)


@pytest.fixture
def own_settled(settled: Path, tmp_path: Path) -> Path:
    """A copy of the settled folder that belongs to one test."""
    return Path(shutil.copytree(settled, tmp_path / "settled"))


@pytest.fixture(scope="session")
def govern_program() -> Path:
    """The installed command line."""
    return GOVERN


@pytest.fixture(scope="session")
def everything_in() -> Callable[[Workspace], dict[str, str]]:
    """What a workspace holds, by name: the digest of every partition, every candidate's verdict, every champion."""

    def look(workspace: Workspace) -> dict[str, str]:
        files = sorted(workspace.lake.root.glob("**/dt=*/rows.parquet"))
        found = {
            f"{file.parent.parent.relative_to(workspace.lake.root)} {file.parent.name[3:]}": _digest(workspace, file)
            for file in files
        }
        for name in workspace.models.present:
            found |= {f"{name} {one.digest}": str(one.status) for one in workspace.registry.candidates(name)}
            found |= {f"{name} {one.generation}": one.champion for one in workspace.registry.history(name)}
        return found

    return look


def _digest(workspace: Workspace, file: Path) -> str:
    dataset, day = file.parent.parent.relative_to(workspace.lake.root), file.parent.name.removeprefix("dt=")
    manifest = workspace.lake.manifest(str(dataset), date.fromisoformat(day))
    assert manifest is not None
    return manifest.digest


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


@pytest.fixture
def govern(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `govern` with these words on the workspaces of a folder, and restore the environment afterwards."""
    # What a run sets for itself is taken back with what is set here.
    monkeypatch.setenv("DAGSTER_HOME", "")

    def run(root: Path, *words: object, **environment: str) -> Said:
        from orchestration.govern import main

        monkeypatch.setenv("GOVERNANCE_ROOT", str(root / "var"))
        monkeypatch.setenv("MARKETPLACE", str(root / "bazaar"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["govern", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(ended.value.code if isinstance(ended.value.code, int) else 0, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    """One server for the tests of this process."""
    require_redis()
    with redis_server() as server:
        yield server


@pytest.fixture
def redis_client(redis_process: RedisServer) -> Iterator[Any]:
    """An empty Redis."""
    from redis import Redis

    with Redis(port=redis_process.port) as client:
        client.flushall()
        yield client
