"""The simulated marketplace on disk: what it delivers, and apart from it the truth, which no feature may read."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.simulated.campaign import Campaign
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.life import begin
from governance.marketplaces.simulated.rows import replace, write_day

WORLD_VERSION = "1"
"""Raised with every change that gives other rows for the same parameters."""

WORLD_FILE = "world.json"
TRUTH = "truth"
BUYERS_AT_LEAST = 100
DEFAULT_CAMPAIGN = Campaign()


def simulate(
    out: Path,
    *,
    first_day: date,
    days: int,
    buyers: int = 20_000,
    seed: int = 7,
    campaign: Campaign = DEFAULT_CAMPAIGN,
    on_day: Callable[[date], None] | None = None,
) -> None:
    """Write a simulated marketplace: every table and day as `<out>/<table>/dt=<day>/rows.parquet`.

    The same arguments give the same rows, and more days leave the earlier ones as they were. `world.json` is written
    last: where it stands with the same parameters there is nothing to do, and without it everything is made again.

    Parameters
    ----------
    out
        Folder of the world. The truth (members of the campaign, causes of cases) lies under `truth/` in it.
    buyers
        Buyers present on the first day; everything else scales with them.
    on_day
        Called with each day once all its files are there.

    Raises
    ------
    ConfigurationError
        There is less than one day, or there are fewer buyers than the smallest world needs.
    """
    if days < 1 or buyers < BUYERS_AT_LEAST:
        raise ConfigurationError(f"a world needs at least 1 day and {BUYERS_AT_LEAST} buyers, not {days} and {buyers}")
    facts = _facts(first_day, days=days, buyers=buyers, seed=seed, campaign=campaign)
    if _stands(out, facts):
        return
    _clear(out)
    world = begin(Today(seed, first_day, 0), size=buyers, campaign=campaign)
    for index in range(days):
        today = Today(seed, first_day, index)
        write_day(out / TRUTH, "causes", today.date, world.live(today))
        for table, rows in world.known(today).items():
            write_day(out, table, today.date, rows)
        if on_day is not None:
            on_day(today.date)
    replace(out, out / TRUTH / "merchants.parquet", world.members(days))
    _finish(out, facts)


def _facts(first_day: date, *, days: int, buyers: int, seed: int, campaign: Campaign) -> dict[str, Any]:
    last_day = first_day + timedelta(days=days - 1)
    return {
        "generator": "governance.marketplaces.simulated",
        "version": WORLD_VERSION,
        "synthetic": True,
        "seed": seed,
        "first_day": first_day.isoformat(),
        "last_day": last_day.isoformat(),
        "days": days,
        "buyers": buyers,
        "campaign": asdict(campaign),
    }


def _stands(out: Path, facts: dict[str, Any]) -> bool:
    path = out / WORLD_FILE
    return path.exists() and json.loads(path.read_text()) == facts


def _clear(out: Path) -> None:
    """Remove an older or unfinished world, its mark of completeness first."""
    (out / WORLD_FILE).unlink(missing_ok=True)
    for name in (*TABLES, TRUTH, ".tmp"):
        shutil.rmtree(out / name, ignore_errors=True)


def _finish(out: Path, facts: dict[str, Any]) -> None:
    shutil.rmtree(out / ".tmp", ignore_errors=True)
    temporary = out / f"{WORLD_FILE}.tmp"
    temporary.write_text(json.dumps(facts, indent=2) + "\n")
    temporary.replace(out / WORLD_FILE)
