"""Coupons as an observer sees them used, and who says later that one was abused.

The oracle's traces are counted (`learnt`) and judged as if independent given membership; how many share address, device
and instrument, and what was thought of those, is one trace, because these hang together.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import numbers
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.people import bans
from governance.marketplaces.simulated.people.company import thought_of, times_used
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.people.farming import NEW_DAYS
from governance.marketplaces.simulated.people.learnt import Learnt, crossed, guessed
from governance.marketplaces.simulated.people.recruiting import Farming, recruiters
from governance.marketplaces.simulated.said import Saying, say

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LABEL = "incentive_abuse"

SAYING = Saying(
    label=LABEL,
    labeler="incentive_audit",
    found=0.78,
    delay_days=4.0,
    delay_spread=0.6,
    delay_by_segment={"MX": 1.3},
    mistaken=0.002,
    audited=0.03,
    audit_days=6.0,
    reason="coupon_farm",
)

REMEMBERED_DAYS = 30
BLOCKED_AT = 4
"""A coupon used from a device that so many orders of others used it from lately is refused by a rule."""

_SUSPICIOUS = (0.05, 0.3)
_CHEAP = (0.5, 0.8, 1.2)
_THINGS = ("address", "device", "instrument")
_USUAL_LINES_A_DAY, _WORKED = 0.0037, 0.5
_REMEMBERED = {"day": pl.Int64(), "buyer": pl.Int64(), **dict.fromkeys(_THINGS, pl.Int64()), "suspicion": pl.Float64()}


@dataclass(slots=True)
class Traces:
    """How often farms and others leave what nobody set.

    `company` is who shares address, device and instrument; `coupon` the age of the account, whether the coupon greets
    new ones, and what was thought of the sign-up; `earlier` counts the account's lines with coupons; `price` is that of
    the goods against the category's.
    """

    company: Learnt = field(
        default_factory=lambda: guessed(
            crossed(crossed((0.5, 0.2, 0.3), (0.45, 0.2, 0.35)), crossed((0.7, 0.3), (0.45, 0.15, 0.4))),
            crossed(crossed((0.88, 0.08, 0.04), (0.9, 0.08, 0.02)), crossed((0.99, 0.01), (0.9, 0.08, 0.02))),
        )
    )
    coupon: Learnt = field(
        default_factory=lambda: guessed(
            crossed((0.35, 0.0, 0.25, 0.4), (0.45, 0.25, 0.3)), crossed((0.75, 0.0, 0.05, 0.2), (0.94, 0.04, 0.02))
        )
    )
    earlier: Learnt = field(default_factory=lambda: guessed((0.4, 0.3, 0.3), (0.85, 0.1, 0.05)))
    price: Learnt = field(default_factory=lambda: guessed((0.5, 0.2, 0.15, 0.15), (0.3, 0.25, 0.2, 0.25)))


NAMES = ("company", "coupon", "earlier", "price")


def nothing_used() -> pl.DataFrame:
    """No coupon was used lately."""
    return pl.DataFrame(schema=_REMEMBERED)


def judge_coupons(world: "World", today: Today, lines: pl.DataFrame) -> None:
    """Decisions about today's lines with a coupon, what is said of them later, and the bans that follow."""
    people, settings = world.people, world.settings
    lines = lines.filter(pl.col("coupon").is_not_null())
    farms = [number for number, _ in settings.campaigns.of_kind("incentive_farm")]
    number = lines["campaign"].to_numpy()
    campaign = np.where(np.isin(number, farms), number, -1)
    kinds, on_device = _look(world, today, lines)
    odds = Odds(np.full(lines.height, _expected_share(world, today)))
    for name in NAMES:
        odds.log_odds = odds.log_odds + getattr(people.coupon_traces, name).log_ratio(kinds[name])
        getattr(people.coupon_traces, name).learn(kinds[name], campaign >= 0)
    decisions = lines.select_seq("occurred_at", "market", entity_id="order_line_id", key="line_key")
    reveal(world.outbox, LABEL, decisions, campaign=campaign, oracle=odds.posterior, campaigns=settings.campaigns)
    people.coupons = _remembered(people.coupons, lines, odds.posterior, today)
    _say(
        world,
        today,
        lines.select_seq("buyer", "market", key="line_key"),
        decisions,
        campaign >= 0,
        on_device >= BLOCKED_AT,
    )


def _say(
    world: "World", today: Today, whose: pl.DataFrame, decisions: pl.DataFrame, truth: Bools, stopped: Bools
) -> None:
    people = world.people
    said = say(world.outbox, today.draw("coupons said"), SAYING, decisions, truth=truth, automatic=stopped)
    new = said.join(whose, on="key", how="left", maintain_order="left").select_seq(
        "buyer", "known_at", "market", decided_by=pl.lit("person")
    )
    people.bans = bans.decided(world.outbox, people.buyers, people.bans, new, clause=LABEL, today=today)


def _expected_share(world: "World", today: Today) -> float:
    settings = world.settings
    playing = [one for one in recruiters(settings.campaigns, buyers=settings.buyers) if one.campaign.runs(today.index)]
    abused = sum(
        one.a_day * one.tactic.orders_a_day * one.tactic.working_days
        for one in playing
        if isinstance(one.tactic, Farming)
    )
    # Many are shut before their last day of work.
    abused *= _WORKED
    return max(abused / (abused + settings.buyers * _USUAL_LINES_A_DAY), 1e-4)


def _look(world: "World", today: Today, lines: pl.DataFrame) -> tuple[dict[str, Ints], Ints]:
    """Kinds of traces as numbered in `Traces`, and how many lines of others came from the device."""
    people, buyer = world.people, lines["buyer"].to_numpy()
    recent = people.coupons
    counts, worst = {}, np.zeros(len(buyer))
    for thing in _THINGS:
        counts[thing], thought = _company(recent, lines, thing, today.seed)
        worst = np.maximum(worst, thought)
    shared = np.minimum(counts["address"], 2) * 3 + np.minimum(counts["device"], 2)
    new = today.index - people.buyers.joined[buyer] < NEW_DAYS
    greeting = lines["coupon"].is_in(["WELCOME", "FRIEND"]).to_numpy()
    earlier = times_used(recent["buyer"].to_numpy(), buyer)
    kinds = {
        "company": (shared * 2 + np.minimum(counts["instrument"], 1)) * 3 + _level(worst),
        "coupon": (new * 2 + greeting) * 3 + _level(people.buyers.suspicion[buyer]),
        "earlier": np.minimum(earlier, 2),
        "price": np.searchsorted(_CHEAP, lines["price_ratio"].to_numpy(), side="right"),
    }
    return kinds, counts["device"]


def _company(recent: pl.DataFrame, lines: pl.DataFrame, thing: str, seed: int) -> tuple[Ints, Floats]:
    """How many lines of other accounts had the same thing lately, and what was thought of them on average."""
    own, others = numbers(lines[thing], seed=seed), recent[thing].to_numpy()
    suspicion = recent["suspicion"].to_numpy()
    by_self = joint(others, recent["buyer"].to_numpy()), joint(own, lines["buyer"].to_numpy())
    count = times_used(others, own) - times_used(*by_self)
    thought = thought_of(others, suspicion, own) - thought_of(by_self[0], suspicion, by_self[1])
    return count, np.where(count > 0, thought / np.maximum(count, 1), 0.0)


def _remembered(recent: pl.DataFrame, lines: pl.DataFrame, suspicion: Floats, today: Today) -> pl.DataFrame:
    things = {thing: pl.Series(numbers(lines[thing], seed=today.seed)) for thing in _THINGS}
    new = lines.select_seq("buyer").with_columns_seq(
        day=pl.lit(today.index, pl.Int64), suspicion=pl.Series(suspicion), **things
    )
    return pl.concat(
        [recent.filter(pl.col("day") > today.index - REMEMBERED_DAYS), new.select_seq(recent.columns)], rechunk=True
    )


def _level(suspicion: Floats) -> Ints:
    return np.searchsorted(_SUSPICIOUS, suspicion, side="right").astype(np.int64)
