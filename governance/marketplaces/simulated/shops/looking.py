"""What those who decide learn in a day, and the daily decision about every seller: does it mean to ship?"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.calendar import valid_at
from governance.marketplaces.simulated.chance import NEVER, SECOND, Ints, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.shops import beliefs, brushed, enforcement, payouts
from governance.marketplaces.simulated.shops.memory import line_keys, overdue, with_scans

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

ACTIVE_DAYS, DECIDED_ONE_DAY_IN = 7, 7
"""Sellers with orders in so many days are decided about; the decisions of one day in seven are labelled."""

TURNS_WITHIN_DAYS = 15
"""A seller counts as one that does not mean to ship if it stops within so many days: half the time to maturity, so that
most of those who are found are found while the label can still come."""

_NEVER_CAME = "not_received"


def look(world: "World", today: Today, rows: dict[str, pl.DataFrame]) -> None:
    """Take in what became known today, and decide."""
    shops, seed = world.shops, world.settings.seed
    shops.lines = with_scans(shops.lines, rows["shipments"], seed=seed)
    enforcement.remember(shops.sellers, rows["orders"], rows["cases"], seed=seed)
    payouts.charge(world, rows["outcomes"])
    lines, unseen = overdue(shops.lines, today, sellers=len(shops.sellers))
    beliefs.update(world, today, lines, unseen, _complaints(world, rows["cases"]))
    decide(world, today)
    brushed.judge(world, today, rows["reviews"])


def _complaints(world: "World", cases: pl.DataFrame) -> Ints:
    """For each seller, today's complaints that something never came though it was scanned."""
    size = len(world.shops.sellers)
    new = cases.filter(
        (pl.col("version") == 1) & (pl.col("reason_code") == _NEVER_CAME) & pl.col("order_line_id").is_not_null()
    )
    if not new.height:
        return np.zeros(size, dtype=np.int64)
    key = pl.DataFrame({"line_key": line_keys(new["order_line_id"], seed=world.settings.seed)})
    about = key.join(world.shops.lines, on="line_key", how="inner", maintain_order="left")
    scanned = about.filter(pl.col("grams").is_not_null())
    return np.bincount(scanned["seller"].to_numpy(), minlength=size).astype(np.int64)


def decide(world: "World", today: Today) -> None:
    """Reveal the decisions of today that are labelled: sellers with recent orders that are not banned."""
    shops = world.shops
    sellers = shops.sellers
    recent = shops.lines.filter(pl.col("day") > today.index - ACTIVE_DAYS)["seller"].unique().sort().to_numpy()
    turn = (shops.beliefs.offset[recent] + today.date.toordinal()) % DECIDED_ONE_DAY_IN == 0
    chosen = recent[turn & (sellers.shut_until[recent] < NEVER)]
    active = len(recent) / max(int(sellers.open(today.index).sum()), len(recent), 1)
    oracle = beliefs.ahead(world, today, TURNS_WITHIN_DAYS, active=active)[chosen]
    turns = sellers.turns[chosen] <= today.index + TURNS_WITHIN_DAYS
    decisions = pl.DataFrame({"entity_id": identifiers("seller", chosen, seed=today.seed)}).with_columns_seq(
        occurred_at=pl.lit(round(valid_at(today.date).timestamp()) * SECOND)
    )
    behind = np.where(turns, sellers.campaign[chosen], -1)
    reveal(
        world.outbox, enforcement.LABEL, decisions, campaign=behind, oracle=oracle, campaigns=world.settings.campaigns
    )
