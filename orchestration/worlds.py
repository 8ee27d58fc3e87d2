"""Simulated worlds from the command line: which one is wished for, and how far it has come."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from governance.errors import ConfigurationError, SourceError
from governance.workspace import Workspace
from orchestration import show

if TYPE_CHECKING:
    from governance.marketplaces.simulated.settings import Settings

DEFAULT_SEED = 7
_ONE_THREAD_UP_TO = 100_000
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class WorldWish:
    """A world as the command line names it; what is None comes from the preset, or from the default campaigns."""

    preset: str
    days: int | None
    buyers: int | None
    seed: int
    campaigns: Path | None = None


def simulate_once(workspace: Workspace, wish: WorldWish, *, console: Console) -> None:
    """See to it that the workspace's source holds a world; one that stands is left alone unless another is named."""
    from governance.marketplaces.simulated.world import WORLD_FILE

    named = wish != WorldWish("small", None, None, DEFAULT_SEED)
    path = workspace.source_root / WORLD_FILE
    if path.exists() and not named:
        return
    simulate_into(workspace.source_root, workspace, wish, console=console)


def simulate_into(out: Path, workspace: Workspace, wish: WorldWish, *, console: Console) -> None:
    """Write the world that is wished for into a folder, with progress.

    Raises
    ------
    ConfigurationError
        There is no such preset, or another world has landed from that folder.
    """
    from governance.marketplaces.simulated.campaigns.file import DEFAULT, load_campaigns
    from governance.marketplaces.simulated.settings import PRESETS, Settings
    from governance.marketplaces.simulated.world import WORLD_FILE, simulate

    if wish.preset not in PRESETS:
        raise ConfigurationError(f"no preset {wish.preset!r}; there are {', '.join(PRESETS)}")
    days, buyers = wish.days or PRESETS[wish.preset].days, wish.buyers or PRESETS[wish.preset].buyers
    campaigns = load_campaigns(wish.campaigns or DEFAULT)
    settings = Settings(seed=wish.seed, first_day=workspace.marketplace.first_day, buyers=buyers, campaigns=campaigns)
    _refuse_another_world(out / WORLD_FILE, workspace, {"days": days, "buyers": buyers, "seed": wish.seed})
    with show.progress(console) as bar:
        task = bar.add_task(f"simulating {days} days of {buyers:,} buyers, seed {wish.seed}", total=days)
        live = simulate if buyers > _ONE_THREAD_UP_TO else _simulate_in_one_thread
        live(out, settings, days=days, on_day=lambda _: bar.advance(task))


def _simulate_in_one_thread(out: Path, settings: "Settings", *, days: int, on_day: Callable[[date], None]) -> None:
    """Simulate in a process of its own whose libraries take one thread each.

    A small world's days have few rows: to hand them to other threads and back takes a tenth of all the time, and how
    many threads there are is read once, when the libraries are imported.
    """
    from governance.marketplaces.simulated.world import facts_of

    command = [sys.executable, "-m", "governance.marketplaces.simulated", str(out), str(days)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, env=os.environ | _ONE_THREAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 - for the type checker: both are pipes
        assert process.stdout is not None  # noqa: S101
        json.dump(facts_of(settings), process.stdin)
        process.stdin.close()
        for line in process.stdout:
            on_day(date.fromisoformat(line.strip()))
    if process.returncode:
        raise SourceError(f"{out}: the simulation ended with status {process.returncode}; its own words stand above")


def go_on_with(out: Path, *, days: int, acted_on: Path | None, console: Console) -> None:
    """Add days to a world, with progress.

    Raises
    ------
    ConfigurationError
        The file of accounts cannot be read.
    """
    from governance.marketplaces.simulated.world import go_on

    with show.progress(console) as bar:
        task = bar.add_task(f"{days} more days", total=days)
        go_on(out, days=days, acted_on=_ids(acted_on), on_day=lambda _: bar.advance(task))


def _ids(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    return [line.strip() for line in lines if line.strip()]


def _refuse_another_world(path: Path, workspace: Workspace, wanted: dict[str, int]) -> None:
    """Rows of one world must not be mixed with those of another that has landed."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else wanted
    differs = any(found.get(name) != value for name, value in wanted.items())
    if differs and path.parent == workspace.source_root and workspace.lake.days("raw/orders"):
        raise ConfigurationError(
            f"{workspace.root} holds what was made of another world; remove that folder, "
            "or set GOVERNANCE_ROOT to keep both"
        )
