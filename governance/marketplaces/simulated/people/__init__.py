"""People who buy, and those who look after them: sign-ups, visits, changes, and what is done with their accounts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Today, micros
from governance.marketplaces.simulated.people import bans, fakes, farming, incentives, leaks, stolen, theft_orders
from governance.marketplaces.simulated.people.arrivals import drawn_buyers, put_accounts
from governance.marketplaces.simulated.people.buyers import BUYER_DAYS, Buyers
from governance.marketplaces.simulated.people.joining import sign_up
from governance.marketplaces.simulated.people.signups import VERIFIED, ordinary_traces, signed_up
from governance.marketplaces.simulated.people.staff import (
    Staff,
    fulfilment_reads,
    hired,
    put_accesses,
    support_reads,
)
from governance.marketplaces.simulated.people.takeover import no_thefts, no_thief_logins
from governance.marketplaces.simulated.people.visiting import visit_to_order, visited
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

__all__ = ["Buyers", "People", "arrive", "begin", "end_day", "plans", "visit", "visit_to_order"]


@dataclass(slots=True)
class People:
    """Everybody who buys, and what is remembered of the last weeks."""

    buyers: Buyers
    staff: Staff
    recent_signups: pl.DataFrame = field(default_factory=fakes.nothing_seen)
    fake_traces: fakes.Traces = field(default_factory=fakes.Traces)
    bans: pl.DataFrame = field(default_factory=bans.no_bans)
    thefts: pl.DataFrame = field(default_factory=no_thefts)
    failures: pl.DataFrame = field(default_factory=stolen.no_failures)
    thief_logins: pl.DataFrame = field(default_factory=no_thief_logins)
    theft_traces: stolen.Traces = field(default_factory=stolen.Traces)
    hands: pl.DataFrame = field(default_factory=farming.no_hands)
    coupons: pl.DataFrame = field(default_factory=incentives.nothing_used)
    coupon_traces: incentives.Traces = field(default_factory=incentives.Traces)
    leaking: pl.DataFrame = field(default_factory=leaks.nobody_leaks)
    leaked: pl.DataFrame = field(default_factory=leaks.nothing_leaked)


def begin(settings: Settings, today: Today, outbox: Outbox) -> People:
    """Those who were there before the first day; their accounts become known at its beginning."""
    number = np.arange(settings.buyers, dtype=np.int64)
    draw = today.draw("first buyers")
    buyers = drawn_buyers(draw, number, -draw.exponential(number, BUYER_DAYS) - 1e-3)
    at = today.start + micros(buyers.joined)
    traces = ordinary_traces(buyers, buyers, number, today, size=settings.buyers)
    signups = signed_up(buyers, number, at, traces, verified=np.full(len(number), VERIFIED), draw=draw)
    put_accounts(outbox, today, signups.with_columns_seq(known_at=pl.lit(today.start)), seed=settings.seed)
    return People(buyers, hired(settings, today, outbox))


def arrive(world: "World", today: Today) -> None:
    """Those who were found out are shut out; new buyers sign up."""
    sign_up(world, today)


def visit(world: "World", today: Today) -> pl.DataFrame:
    """Today's visits; their sessions go to the outbox."""
    return visited(world, today)


def plans(world: "World", today: Today) -> pl.DataFrame:
    """Orders that somebody means to place today: for coupons, in stolen accounts, and to trouble people."""
    return pl.concat(
        [
            farming.bargain_plans(world, today),
            farming.farm_plans(world, today),
            theft_orders.theft_plans(world, today),
            leaks.scam_plans(world, today),
        ]
    )


def end_day(world: "World", today: Today, lines: pl.DataFrame) -> None:
    """What follows from today's order lines: coupons are looked at, and buyers' data are read."""
    incentives.judge_coupons(world, today, lines)
    support = support_reads(world.people.staff, today, world.people.buyers)
    put_accesses(world.outbox, today, [support, fulfilment_reads(world, today, lines), *leaks.leak(world, today)])
