"""Refund abusers: who they are, what they order, and what their history tells."""

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns, Prevalence
from governance.marketplaces.simulated.campaigns.standing import fresh
from governance.marketplaces.simulated.care import abusers
from governance.marketplaces.simulated.care.abusers import Suspects
from governance.marketplaces.simulated.chance import Draw, Today
from governance.marketplaces.simulated.people.arrivals import drawn_buyers
from governance.marketplaces.simulated.settings import Settings

BUYERS = 4_000
FIRST = 60


def world(**tactic: Any) -> Any:
    campaign = Campaign(
        name="boxes",
        kind=abusers.KIND,
        first_day=FIRST,
        last_day=200,
        members_per_10k_buyers=25.0,
        adapts="move",
        tactic=tactic,
    )
    campaigns = Campaigns((campaign,), {abusers.KIND: Prevalence(natural=0.02, oversampling=2.0)})
    settings = Settings(seed=5, first_day=date(2024, 1, 1), buyers=BUYERS, campaigns=campaigns)
    number = np.arange(BUYERS, dtype=np.int64)
    draw = Draw(5, 0, "buyers")
    buyers = drawn_buyers(draw, number, FIRST - 1 - draw.exponential(number, 90.0))
    listing = np.arange(300, dtype=np.int64)
    listings = SimpleNamespace(
        listed=np.zeros(300, np.int64), market=listing % 3, seller=listing % 20, price_minor=listing * 10 + 5
    )
    sellers = SimpleNamespace(open=lambda _: np.arange(20) != 7)
    return SimpleNamespace(
        settings=settings,
        standing=fresh(campaigns),
        people=SimpleNamespace(buyers=buyers),
        shops=SimpleNamespace(listings=listings, sellers=sellers),
    )


def day(index: int) -> Today:
    return Today(5, date(2024, 1, 1), index)


def test_a_campaign_finds_its_members_on_its_first_day_only() -> None:
    here = world()
    for index in (FIRST - 1, FIRST, FIRST + 1):
        abusers.recruit(here, day(index))
    assert (here.people.buyers.campaign >= 0).sum() == here.settings.campaigns.members(
        here.settings.campaigns.campaigns[0], buyers=BUYERS
    )


def test_a_campaign_that_wants_new_accounts_takes_no_old_ones() -> None:
    here = world(new_accounts=30)
    abusers.recruit(here, day(FIRST))
    assert here.people.buyers.joined[here.people.buyers.campaign >= 0].min() > FIRST - 30


def test_a_campaign_that_moves_finds_replacements_once() -> None:
    here = world()
    abusers.recruit(here, day(FIRST))
    before = (here.people.buyers.campaign >= 0).sum()
    here.standing.replacements[0] = 3
    abusers.recruit(here, day(FIRST + 9))
    abusers.recruit(here, day(FIRST + 10))
    assert (here.people.buyers.campaign >= 0).sum() == before + 3


def test_members_order_dear_things_from_open_shops_of_their_market() -> None:
    here = world(orders_per_day=0.9)
    abusers.recruit(here, day(FIRST))
    plans = abusers.plans(here, day(FIRST))
    listing, buyer = plans["listing"].to_numpy(), plans["buyer"].to_numpy()
    assert plans.height > 5
    assert (here.shops.listings.market[listing] == here.people.buyers.market[buyer]).all()
    assert (here.shops.listings.seller[listing] != 7).all()
    assert here.shops.listings.price_minor[listing].mean() > here.shops.listings.price_minor.mean()
    assert (plans["abuse"] == 1).all()


def test_accounts_that_were_shut_order_nothing() -> None:
    here = world(orders_per_day=0.9)
    abusers.recruit(here, day(FIRST))
    here.people.buyers.shut_until[here.people.buyers.campaign >= 0] = 10**6
    assert abusers.plans(here, day(FIRST)).is_empty()


def test_pressed_campaigns_that_slow_down_order_less() -> None:
    here = world()
    usual = abusers.rate(here.settings.campaigns.campaigns[0], 0, here.standing)
    here.standing.vigour[0] = 0.45
    assert abusers.rate(here.settings.campaigns.campaigns[0], 0, here.standing) == pytest.approx(usual * 0.45)


def test_membership_follows_the_odds_and_nobody_is_one_before_any_campaign() -> None:
    suspects = Suspects()
    suspects.grow(3)
    suspects.log_odds = cast(Any, np.array([0.0, 3.0, -3.0]))
    low, high, least = abusers.membership(suspects, np.array([0, 1, 2]), 0.01)
    assert least < low < high
    assert low == pytest.approx(0.01)
    assert abusers.prior(world(), day(FIRST - 1)).members == 0.0
