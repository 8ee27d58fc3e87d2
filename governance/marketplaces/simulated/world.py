"""The simulated marketplace on disk: what it delivers, and apart from it the truth, which no feature may read."""

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.simulated import state
from governance.marketplaces.simulated.acted import act_on
from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns, Prevalence
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.life import World, begin, known, live, truth
from governance.marketplaces.simulated.redelivery import Redelivery
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.writing import Delivery, OnDay, Writer

WORLD_VERSION = "3"
"""Raised with every change that gives other rows for the same parameters."""

WORLD_FILE = "world.json"
TRUTH = "truth"
_STATE = "state"


def simulate(
    out: Path, settings: Settings, *, days: int, on_day: OnDay | None = None, hand: Executor | None = None
) -> None:
    """Write a simulated marketplace: every table and day as `<out>/<table>/dt=<day>/rows.parquet`.

    The same settings give the same rows, and more days leave the earlier ones as they were. `world.json` is written
    last: where it stands with the same settings and as many days there is nothing to do, where it stands with fewer
    days the world goes on, and without it everything is made again.

    Parameters
    ----------
    out
        Folder of the world. The truth lies under `truth/` in it, what the world needs to go on under `state/`.
    on_day
        Called with each day once all its files are there.
    hand
        Who writes the files of a day while the next one is lived (see `Writer`).

    Raises
    ------
    ConfigurationError
        There is less than one day, or more days than asked for stand already.
    """
    if days < 1:
        raise ConfigurationError(f"a world needs at least 1 day, not {days}")
    stands = _standing(out)
    facts = facts_of(settings)
    if stands is not None and {**stands, "days": None, "last_day": None} == {**facts, "days": None, "last_day": None}:
        if stands["days"] > days:
            raise ConfigurationError(f"{out} has {stands['days']} days already; ask for more, or for another folder")
        if stands["days"] < days:
            go_on(out, days=days - stands["days"], on_day=on_day, hand=hand)
        return
    _clear(out)
    world = begin(settings, Today(settings.seed, settings.first_day, 0))
    _live_days(out, world, Redelivery(), range(days), Writer(out, on_day, hand))


def go_on(
    out: Path,
    *,
    days: int,
    acted_on: Sequence[str] = (),
    on_day: OnDay | None = None,
    hand: Executor | None = None,
) -> None:
    """Add the next days to a world that stands, late arrivals and deliveries of older days among them.

    Parameters
    ----------
    acted_on
        Ids of accounts that were acted on since the last day: they are shut, and their campaigns answer.
    on_day, hand
        As for `simulate`.

    Raises
    ------
    ConfigurationError
        No world stands there, another version made it, or an id is none of its accounts.
    """
    facts = _standing(out)
    if facts is None:
        raise ConfigurationError(f"{out} holds no whole world to continue; simulate one first")
    if facts["version"] != WORLD_VERSION:
        raise ConfigurationError(f"{out} was made by version {facts['version']} of the simulator; simulate it again")
    settings = settings_of(facts)
    done = int(facts["days"])
    kept = _Kept(begin(settings, Today(settings.seed, settings.first_day, 0)), Redelivery())
    # What begins with a world was delivered long ago.
    kept.world.outbox = Outbox()
    state.restore(kept, out / _STATE / str(done))
    act_on(kept.world, Today(settings.seed, settings.first_day, done), acted_on)
    _live_days(out, kept.world, kept.redelivery, range(done, done + days), Writer(out, on_day, hand))


@dataclass(slots=True)
class _Kept:
    """What lies under `state/`."""

    world: World
    redelivery: Redelivery


def _live_days(out: Path, world: World, redelivery: Redelivery, days: range, writer: Writer) -> None:
    settings = world.settings
    with writer:
        for index in days:
            today = Today(settings.seed, settings.first_day, index)
            live(world, today)
            writer.write(today.date, [*_delivered(world, redelivery, today), *_revealed(world, today)])
    world.outbox.gather()
    # The state first: a world whose file says so many days must be able to go on from there.
    state.save(_Kept(world, redelivery), out / _STATE / str(days.stop))
    _finish(out, facts_of(settings, days=days.stop))


def _delivered(world: World, redelivery: Redelivery, today: Today) -> Iterator[Delivery]:
    for table, rows in known(world, today).items():
        yield from (Delivery(table, *one) for one in redelivery.deliver(table, today, rows))


def _revealed(world: World, today: Today) -> Iterator[Delivery]:
    yield from (Delivery(f"{TRUTH}/{name}", today.date, rows) for name, rows in truth(world).items())


def facts_of(settings: Settings, *, days: int | None = None) -> dict[str, Any]:
    """What `world.json` says of a world with these settings."""
    last_day = None if days is None else (settings.first_day + timedelta(days=days - 1)).isoformat()
    return {
        "generator": "governance.marketplaces.simulated",
        "version": WORLD_VERSION,
        "synthetic": True,
        "seed": settings.seed,
        "first_day": settings.first_day.isoformat(),
        "last_day": last_day,
        "days": days,
        "buyers": settings.buyers,
        "campaigns": [_plain(one) for one in settings.campaigns.campaigns],
        "prevalence": {label: asdict(one) for label, one in settings.campaigns.prevalence.items()},
    }


def _plain(campaign: Campaign) -> dict[str, Any]:
    values = {name: getattr(campaign, name) for name in Campaign.__dataclass_fields__}
    return values | {"tactic": dict(campaign.tactic)}


def settings_of(facts: dict[str, Any]) -> Settings:
    """The settings that `facts_of` told of."""
    prevalence = {label: Prevalence(**one) for label, one in facts["prevalence"].items()}
    campaigns = Campaigns(tuple(Campaign(**one) for one in facts["campaigns"]), prevalence)
    first_day = date.fromisoformat(facts["first_day"])
    return Settings(seed=facts["seed"], first_day=first_day, buyers=facts["buyers"], campaigns=campaigns)


def _standing(out: Path) -> dict[str, Any] | None:
    """What `world.json` says, None where no whole world stands."""
    path = out / WORLD_FILE
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def _clear(out: Path) -> None:
    """Remove an older or unfinished world, its mark of completeness first."""
    (out / WORLD_FILE).unlink(missing_ok=True)
    for name in (*TABLES, TRUTH, _STATE, ".tmp"):
        shutil.rmtree(out / name, ignore_errors=True)


def _finish(out: Path, facts: dict[str, Any]) -> None:
    shutil.rmtree(out / ".tmp", ignore_errors=True)
    temporary = out / f"{WORLD_FILE}.tmp"
    temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    temporary.replace(out / WORLD_FILE)
    for older in (out / _STATE).iterdir():
        if older.name != str(facts["days"]):
            shutil.rmtree(older)
