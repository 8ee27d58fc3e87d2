"""One day of the simulated world, in the order in which things happen; each part of it has a package of its own."""

from dataclasses import dataclass, field

import polars as pl

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated import care, people, shops, stage
from governance.marketplaces.simulated.campaigns.standing import Standing, fresh
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.rows import TRUTH_TABLES, Outbox
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.tactics import require_tactics


@dataclass(slots=True)
class World:
    """Everything that one day hands to the next; all but the settings is kept by `state.save`."""

    settings: Settings = field(metadata={"kept": False})
    standing: Standing
    people: people.People
    shops: shops.Shops
    stage: stage.Stage
    care: care.Care
    outbox: Outbox = field(default_factory=Outbox)


def begin(settings: Settings, today: Today) -> World:
    """The world at the first moment of its first day, its people and listings made known then."""
    require_tactics(settings.campaigns)
    outbox = Outbox()
    buyers = people.begin(settings, today, outbox)
    sellers = shops.begin(settings, today, outbox)
    return World(
        settings=settings,
        standing=fresh(settings.campaigns),
        people=buyers,
        shops=sellers,
        stage=stage.begin(settings, today, outbox),
        care=care.begin(settings),
        outbox=outbox,
    )


def live(world: World, today: Today) -> None:
    """Live one day: its rows go to the outbox, its hidden causes to the truth."""
    shops.enforce(world, today)
    care.begin_day(world, today)
    people.arrive(world, today)
    visits = people.visit(world, today)
    stage.publish(world, today)
    stage.engage(world, today, visits)
    plans = pl.concat([people.plans(world, today), shops.plans(world, today), care.plans(world, today)])
    people.visit_to_order(world, today, plans, visits)
    lines = shops.trade(world, today, visits, plans)
    care.follow(world, today, lines)
    people.end_day(world, today, lines)
    stage.end_day(world, today, lines)
    shops.end_day(world, today)
    world.standing.answer(world.settings.campaigns, buyers=world.settings.buyers)


def known(world: World, today: Today) -> dict[str, pl.DataFrame]:
    """The rows of every table that become known today; those who decide take note of them."""
    rows = {name: world.outbox.take(table, today) for name, table in TABLES.items()}
    shops.remember(world, today, rows)
    world.outbox.settle(today)
    return rows


def truth(world: World) -> dict[str, pl.DataFrame]:
    """What today's decisions and cases really were."""
    return {name: world.outbox.take_truth(name) for name in TRUTH_TABLES}
