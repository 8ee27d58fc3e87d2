"""What thieves order in stolen accounts: dear things, soon after they came, often to an address of their own."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, MINUTE, Today
from governance.marketplaces.simulated.people.choosing import chosen_listings
from governance.marketplaces.simulated.people.takeover import Thief, drop_of, thieves
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.plans import no_plans, planned

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_DEAR = 0.5


def theft_plans(world: "World", today: Today) -> pl.DataFrame:
    """Orders of today's thieves, paid with what the owner has stored."""
    if world.people.thief_logins.is_empty():
        return no_plans()
    playing = thieves(world.settings.campaigns, buyers=world.settings.buyers)
    return pl.concat([no_plans(), *(_ordered(world, thief, today) for thief in playing)])


def _ordered(world: "World", thief: Thief, today: Today) -> pl.DataFrame:
    draw = today.draw(f"orders of campaign {thief.number}")
    here = world.people.thief_logins.filter(pl.col("campaign") == thief.number)
    here = here.filter(pl.Series(draw.happens(here["buyer"].to_numpy(), thief.tactic.orders_a_day)))
    buyer = here["buyer"].to_numpy()
    market = world.people.buyers.market[buyer]
    generation = int(world.standing.generation[thief.number])
    drop = names("address", drop_of(thief, generation, buyer), seed=today.seed)
    away = pl.Series(draw.happens(buyer, thief.tactic.drop))
    at = here["at"].to_numpy() + draw.integers(buyer, 5 * MINUTE, 50 * MINUTE)
    orders = here.with_columns_seq(
        at=pl.Series(np.minimum(at, today.start + DAY - 10 * MINUTE)),
        listing=pl.Series(chosen_listings(world, today, buyer, market, draw, dearness=_DEAR)),
        address=pl.when(away).then(drop),
    )
    return planned(orders.filter(pl.col("listing") >= 0))
