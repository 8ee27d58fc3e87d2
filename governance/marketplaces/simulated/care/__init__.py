"""Care: parcels on their way, reviews, after-sales cases and everything that follows from them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from governance.marketplaces.simulated.care import abusers, bans
from governance.marketplaces.simulated.care.abusers import Suspects, plans
from governance.marketplaces.simulated.care.causes import Habits, habits, strike
from governance.marketplaces.simulated.care.docket import KEPT, open_today
from governance.marketplaces.simulated.care.foresight import case_chance
from governance.marketplaces.simulated.care.reviews import put_reviews
from governance.marketplaces.simulated.care.shipping import plan_shipping, put_scans
from governance.marketplaces.simulated.care.trouble import begin_spells
from governance.marketplaces.simulated.chance import DAY, Today
from governance.marketplaces.simulated.rows import DECISIONS
from governance.marketplaces.simulated.settings import Settings

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

__all__ = ["Care", "begin", "begin_day", "follow", "plans"]

CLAIM = "claim"

_CLAIM_WITHIN = 21 * DAY
_FADES = 0.977
_FOUND = pl.Schema({"key": pl.Int64(), "known_at": pl.Int64(), "buyer": pl.Int64()})


@dataclass(slots=True)
class Care:
    """`waiting` are lines whose case is still to be opened, `found` the cases whose false story somebody will see."""

    suspects: Suspects = field(default_factory=Suspects)
    waiting: pl.DataFrame = field(default_factory=pl.DataFrame)
    found: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_FOUND))

    def note_found(self, cases: pl.DataFrame, found: pl.DataFrame) -> None:
        """Remember whom to shut when."""
        if found.is_empty():
            return
        by_key = cases.select_seq("buyer", key="line_key")
        self.found = pl.concat(
            [self.found, found.join(by_key, on="key", how="inner").select_seq(_FOUND.names())], rechunk=True
        )


def begin(settings: Settings) -> Care:  # noqa: ARG001 - every part of the world begins with its settings
    """Nothing is on its way yet."""
    return Care()


def begin_day(world: "World", today: Today) -> None:
    """Sellers fall ill, campaigns find members, and buyers whose stories were found out are shut."""
    begin_spells(today, world.shops.sellers)
    world.care.suspects.grow(len(world.people.buyers))
    abusers.recruit(world, today)
    bans.shut_found(world, today)


def follow(world: "World", today: Today, lines: pl.DataFrame) -> None:
    """Everything that follows from today's order lines, and from older ones whose case is opened today."""
    buyers, sellers = world.people.buyers, world.shops.sellers
    world.care.suspects.grow(len(buyers))
    of = habits(lines, buyers.complaint, sellers.defects)
    lines = strike(today, plan_shipping(today, lines, sellers), of)
    lines = lines.with_columns_seq(dearness=pl.Series(abusers.dearness(world, today, lines)))
    put_scans(world.outbox, today, lines)
    put_reviews(world.outbox, today, lines)
    _foresee(world, today, lines, of)
    struck = lines.filter(pl.col("cause") >= 0).select_seq(KEPT)
    world.care.waiting = pl.concat([world.care.waiting, struck]) if world.care.waiting.width else struck
    open_today(world, today)
    _learn(world, today)


def _foresee(world: "World", today: Today, lines: pl.DataFrame, of: Habits) -> None:
    """Reveal what of today's lines becomes a case in time, and what could be known of it."""
    buyer, prior = lines["buyer"].to_numpy(), abusers.prior(world, today)
    member = abusers.membership(world.care.suspects, buyer, prior.members)
    odds = member * prior.stories_per_day / abusers.ordinary_rate(world.people.buyers, buyer)
    odds = odds * lines["dearness"].to_numpy()
    chance = case_chance(today, lines, world.shops.sellers, of, odds / (1 + odds))
    in_time = (pl.col("cause") >= 0) & (pl.col("opened") - pl.col("occurred_at") <= _CLAIM_WITHIN)
    decisions = lines.select_seq(
        "occurred_at",
        label=pl.lit(CLAIM),
        entity_id="order_line_id",
        truth=in_time.cast(pl.Float64),
        oracle=pl.Series(chance),
    )
    world.outbox.reveal(DECISIONS, decisions)


def _learn(world: "World", today: Today) -> None:
    """A day without a story speaks for every buyer; so does time for what was claimed long ago."""
    suspects = world.care.suspects
    suspects.log_odds -= abusers.prior(world, today).stories_per_day
    suspects.claims *= _FADES
