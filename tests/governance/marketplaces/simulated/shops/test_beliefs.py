"""The ideal observer of sellers: what it makes of parcels that are not seen, price cuts and complaints."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.shops import beliefs
from governance.marketplaces.simulated.shops.enforcement import LABEL
from governance.marketplaces.simulated.shops.violations import _turns

from .conftest import Street

NEW = Campaign(name="new", kind="merchant_fraud", first_day=0, last_day=90, members_per_10k_buyers=300.0)
OLD = Campaign(
    name="old",
    kind="merchant_fraud",
    first_day=0,
    last_day=90,
    members_per_10k_buyers=100.0,
    tactic={"new_account": False},
)


@pytest.fixture
def world(street: Callable[..., Street]) -> Street:
    return street(NEW, OLD)


def _seen(world: Street, lines: int, unseen: int, complaints: int = 0, days: int = 3) -> float:
    size = len(world.shops.sellers)
    for day in range(20, 20 + days):
        counts = [np.full(size, count) for count in (lines, unseen, complaints)]
        beliefs.update(world, world.today(day), *counts)
    return float(world.shops.sellers.suspicion.mean())


def test_parcels_that_nobody_scanned_make_a_seller_suspect_that_cut_its_prices(street: Callable[..., Street]) -> None:
    found = []
    for unseen in (0, 1, 2):
        world = street(NEW, OLD)
        world.shops.beliefs.waiting[:] = 0.2
        world.shops.sellers.cut[:] = 20 - world.shops.sellers.promise_days - beliefs.LAG_DAYS
        found.append(_seen(world, 2, unseen))
    assert found[0] < 0.1 < 0.9 < min(found[1:])


def test_a_shop_that_ships_nothing_at_its_usual_prices_is_rather_in_trouble(world: Street) -> None:
    _seen(world, 2, 2)
    assert world.shops.beliefs.trouble.mean() > 0.9


def test_complaints_make_a_seller_suspect(street: Callable[..., Street]) -> None:
    assert _seen(street(NEW, OLD), 0, 0, 1) > 2 * _seen(street(NEW, OLD), 0, 0, 0)


def test_a_price_cut_makes_a_waiting_seller_suspect(street: Callable[..., Street]) -> None:
    world, other = street(NEW, OLD), street(NEW, OLD)
    world.shops.beliefs.waiting[:] = other.shops.beliefs.waiting[:] = 0.2
    world.shops.sellers.cut[:] = 22
    assert _seen(world, 0, 0) > 2 * _seen(other, 0, 0)


def test_probabilities_stay_probabilities(world: Street) -> None:
    _seen(world, 3, 2, 1, days=20)
    states = world.shops.beliefs.states()
    assert ((states > -1e-9) & (states < 1 + 1e-9)).all()
    soon = beliefs.ahead(world, world.today(40), 15, active=1.0)
    assert (soon >= world.shops.sellers.suspicion - 1e-9).all()


def test_that_a_seller_sells_speaks_for_its_having_turned_where_many_others_sell_nothing(world: Street) -> None:
    _seen(world, 3, 2, 1, days=20)
    where_all_sell, where_half_do = (beliefs.ahead(world, world.today(40), 15, active=share) for share in (1.0, 0.5))
    assert (where_half_do >= where_all_sell).all()
    assert (where_half_do > where_all_sell).any()
    assert (where_half_do <= 1).all()


def test_decisions_about_a_seller_come_once_in_seven_days(world: Street) -> None:
    world.live(range(14))
    decided = world.decided(LABEL)
    assert decided.height > 0
    assert decided.group_by("entity_id").len()["len"].max() <= 2


@given(st.lists(st.integers(0, 4), max_size=12))
def test_turns_take_every_listing_once_and_each_owner_once_a_turn(owners: list[int]) -> None:
    owner = np.array(owners, dtype=np.int64)
    turns = _turns(owner)
    assert sorted(place for turn in turns for place in turn) == list(range(len(owners)))
    assert all(len(set(owner[turn])) == len(turn) for turn in turns)
