"""A stage that has been lived on for some weeks with strong campaigns from the start, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated import people, stage
from governance.marketplaces.simulated.campaigns.file import Campaigns, load_campaigns
from governance.marketplaces.simulated.chance import Today, joint
from governance.marketplaces.simulated.life import World, begin
from governance.marketplaces.simulated.settings import Settings

KINDS = ("click_farm", "creator_cheating", "content_violation")
DAYS, BUYERS = 39, 1_200
FIRST_DAY = date(2024, 1, 1)


@dataclass(frozen=True)
class Played:
    """A world after some days, what it delivered, and its truth."""

    world: World
    tables: dict[str, pl.DataFrame]
    decisions: pl.DataFrame


def strong(kinds: tuple[str, ...] = KINDS) -> Campaigns:
    """The campaigns of the stage, from day 5 on and five times as large; no others."""
    every = load_campaigns()
    mine = [
        replace(one, first_day=5, last_day=400, members_per_10k_buyers=5 * one.members_per_10k_buyers)
        for one in every.campaigns
        if one.kind in kinds
    ]
    return Campaigns(tuple(mine), every.prevalence)


def live_on_stage(world: World, today: Today) -> None:
    """A day of buyers and of the stage; a line is sold now and then."""
    people.arrive(world, today)
    visits = people.visit(world, today)
    stage.publish(world, today)
    stage.engage(world, today, visits)
    buyer, at = visits["buyer"].to_numpy()[::3], visits["at"].to_numpy()[::3]
    listing = np.random.default_rng(today.index).integers(0, len(world.shops.listings), len(buyer))
    creator, content = stage.attribution(world, today, listing, at, joint(buyer, today.index))
    price = world.shops.listings.price_minor[listing]
    stage.end_day(world, today, pl.DataFrame({"creator": creator, "content": content, "price_minor": price}))
    world.standing.answer(world.settings.campaigns, buyers=world.settings.buyers)


def play(campaigns: Campaigns, *, days: int = DAYS, seed: int = 5) -> Played:
    """Live some days, and take every row, whenever it becomes known."""
    settings = Settings(seed=seed, first_day=FIRST_DAY, buyers=BUYERS, campaigns=campaigns)
    world = begin(settings, Today(seed, FIRST_DAY, 0))
    for day in range(days):
        live_on_stage(world, Today(seed, FIRST_DAY, day))
    last = Today(seed, FIRST_DAY, days + 400)
    tables = {name: world.outbox.take(table, last) for name, table in TABLES.items()}
    return Played(world, tables, world.outbox.take_truth("decisions"))


@pytest.fixture(scope="session")
def played() -> Played:
    """The stage with strong campaigns."""
    return play(strong())


@pytest.fixture(scope="session")
def quiet() -> Played:
    """The same stage without any campaign, for fewer days."""
    return play(strong(()), days=20)


@pytest.fixture
def again() -> Callable[..., Played]:
    """Play once more: `again(days=…)` as `played`."""

    def play_again(*, days: int) -> Played:
        return play(strong(), days=days)

    return play_again
