"""Orders for the sake of a coupon: those of incentive farms, and those of newcomers and bargain hunters like them."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import DAY, HOUR, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.people.choosing import chosen_listings
from governance.marketplaces.simulated.people.recruiting import Farming, Recruiter, recruited, recruiters, slot
from governance.marketplaces.simulated.people.sessions import moments
from governance.marketplaces.simulated.people.takeover import NTH
from governance.marketplaces.simulated.people.things import locker, names, rented
from governance.marketplaces.simulated.plans import no_plans, planned

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

NEW_DAYS = 14
"""How long an account may use the coupons for new ones."""

_HANDS = {name: pl.Int64() for name in ("buyer", "campaign", "since", "until")}
_OLD_CODES, _NEW_CODE, _INVITED_CODE = ("SAVE5", "SAVE10", "PAYDAY15"), "WELCOME", "FRIEND"
_NEWCOMER_DAYS, _NEWCOMERS, _HUNTERS = 7, 0.04, 0.0004
_OWN_NTH = 15
_LOCKER, _NEWCOMERS_COUPON = 0.15, 0.85
_CHEAP = -0.6
_MEMBERS_PER_PURSE = 4


def no_hands() -> pl.DataFrame:
    """No account works for a farm."""
    return pl.DataFrame(schema=_HANDS)


def hands_of_today(world: "World", signups: pl.DataFrame, today: Today) -> pl.DataFrame:
    """The accounts that work for farms, with those that signed up for one today or were bought for one."""
    people, settings = world.people, world.settings
    parts = [people.hands.filter(pl.col("until") >= today.index)]
    for farm in recruiters(settings.campaigns, buyers=settings.buyers):
        if isinstance(farm.tactic, Farming):
            new = signups.filter(pl.col("campaign") == farm.number)["buyer"].to_numpy()
            bought = _bought(people.buyers, farm, farm.tactic, world.standing, today)
            parts.append(_working(np.concatenate([new, bought]), farm, farm.tactic, today))
    return pl.concat(parts, rechunk=True)


def farm_plans(world: "World", today: Today) -> pl.DataFrame:
    """What farms order today."""
    hands = world.people.hands.filter(pl.col("since") < today.index)
    if hands.is_empty():
        return no_plans()
    settings = world.settings
    farms = {one.number: one for one in recruiters(settings.campaigns, buyers=settings.buyers)}
    buyer, campaign = hands["buyer"].to_numpy(), hands["campaign"].to_numpy()
    working = [_habits(farms[number]) for number in campaign.tolist()]
    habits = {name: np.array([one[name] for one in working]) for name in working[0]}
    draw = today.draw("farms")
    rate = habits["orders_a_day"] * world.standing.vigour[campaign]
    orders = draw.happens(buyer, rate) & world.people.buyers.present(today.index)[buyer]
    chosen = {name: values[orders] for name, values in habits.items()}
    return _ordered(world, buyer[orders], campaign[orders], chosen, draw, today)


def bargain_plans(world: "World", today: Today) -> pl.DataFrame:
    """What newcomers order with the coupon that greets them, and others because there is a coupon."""
    buyers, draw = world.people.buyers, today.draw("bargains")
    age = today.index - buyers.joined
    new = (age > 0) & (age < _NEWCOMER_DAYS)
    eager = draw.uniform(buyers.numbers) < np.where(new, _NEWCOMERS, _HUNTERS)
    buyer = np.flatnonzero(eager & buyers.present(today.index) & (buyers.campaign < 0))
    code = _codes(buyers, buyer, today, draw)
    used = pl.Series(draw.happens(buyer, _NEWCOMERS_COUPON))
    market = buyers.market[buyer]
    place = locker(market, draw.uniform(buyer), buyers=world.settings.buyers)
    frame = pl.DataFrame(
        {
            "buyer": buyer,
            "nth": np.full(len(buyer), _OWN_NTH),
            "at": moments(draw, buyer, market, today),
            "listing": chosen_listings(world, today, buyer, market, draw, dearness=_CHEAP / 2),
        }
    ).with_columns_seq(coupon=pl.when(used).then(code), address=_some("address", place, _LOCKER, buyer, today, draw))
    return planned(frame.filter(pl.col("listing") >= 0))


def _bought(buyers: Buyers, farm: Recruiter, tactic: Farming, standing: Standing, today: Today) -> Ints:
    """Older accounts that change hands today."""
    count = recruited(farm, standing, today, share=tactic.bought, purpose="bought")
    draw = today.draw(f"bought by campaign {farm.number}")
    offered = np.unique(draw.integers(joint(farm.number, np.arange(4 * count)), 0, len(buyers)))
    willing = buyers.present(today.index)[offered] & (buyers.campaign[offered] < 0)
    buyer = offered[willing][:count]
    buyers.campaign[buyer] = farm.number
    return buyer


def _working(buyer: Ints, farm: Recruiter, tactic: Farming, today: Today) -> pl.DataFrame:
    days = tactic.working_days // 2 + today.draw("working days").integers(buyer, 0, tactic.working_days)
    columns = [buyer, np.full(len(buyer), farm.number), np.full(len(buyer), today.index), today.index + days]
    return pl.DataFrame(columns, schema=_HANDS)


def _habits(farm: Recruiter) -> dict[str, float]:
    """The numbers by which a farm's hands work: shares, and how many addresses, purses and devices there are."""
    tactic = farm.tactic
    if not isinstance(tactic, Farming):
        raise TypeError(f"campaign {farm.number} recruits no hands")
    held = farm.a_day * tactic.working_days
    return {
        "orders_a_day": tactic.orders_a_day,
        "drop": tactic.drop,
        "pooled": tactic.pooled,
        "operated": tactic.operated,
        "night": tactic.night,
        "epoch_days": tactic.device_days,
        "addresses": max(1, round(held * tactic.drop / tactic.members_per_address)),
        "purses": max(1, round(held * tactic.pooled / _MEMBERS_PER_PURSE)),
        "devices": farm.rack(tactic.accounts_per_device),
    }


def _ordered(
    world: "World", buyer: Ints, campaign: Ints, habits: dict[str, Floats], draw: Draw, today: Today
) -> pl.DataFrame:
    """Cheap things with the best coupon, from the farm's devices, to its addresses, and with its purses."""
    buyers = world.people.buyers
    market = buyers.market[buyer]
    generation, epoch = world.standing.generation[campaign], today.index // habits["epoch_days"].astype(np.int64)
    address, purse, device = (slot(draw.uniform(buyer), habits[name]) for name in ("addresses", "purses", "devices"))
    awake = draw.happens(buyer, habits["night"])
    any_hour = today.start + draw.integers(buyer, 0, DAY - HOUR)
    frame = pl.DataFrame(
        {
            "buyer": buyer,
            "nth": NTH * (campaign + 1),
            "at": np.where(awake, any_hour, moments(draw, buyer, market, today)),
            "listing": chosen_listings(world, today, buyer, market, draw, dearness=_CHEAP),
            "campaign": campaign,
            "coupon": _codes(buyers, buyer, today, draw),
            # Devices and purses are those of the generation, so that rotating replaces them.
            "device": _some(
                "device", rented(1, campaign, generation, epoch, device), habits["operated"], buyer, today, draw
            ),
            "address": _some("address", rented(30, campaign, epoch, address), habits["drop"], buyer, today, draw),
            "instrument": _some(
                "instrument", rented(31, campaign, generation, purse), habits["pooled"], buyer, today, draw
            ),
        }
    )
    return planned(frame.filter(pl.col("listing") >= 0))


def _some(kind: str, things: Ints, share: float | Floats, buyer: Ints, today: Today, draw: Draw) -> pl.Series:
    """Names of things for a share of buyers, null for the others: their own."""
    chosen = draw.happens(buyer, share)
    found = np.flatnonzero(chosen)
    place = np.where(chosen, np.cumsum(chosen) - 1, len(found))
    return pl.concat([names(kind, things[found], seed=today.seed), pl.Series([None], dtype=pl.String)])[place]


def _codes(buyers: Buyers, buyer: Ints, today: Today, draw: Draw) -> pl.Series:
    """The best coupon that each may use."""
    new, invited = today.index - buyers.joined[buyer] < NEW_DAYS, buyers.invited_by[buyer] >= 0
    any_code = draw.integers(buyer, 0, len(_OLD_CODES))
    place = np.where(new, np.where(invited, 4, 3), any_code)
    return pl.Series([*_OLD_CODES, _NEW_CODE, _INVITED_CODE])[place]
