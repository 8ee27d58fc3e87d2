"""Rings that order from their own shops, and friends who only look like it."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.plans import EMPTY
from governance.marketplaces.simulated.shops.brushing import GATHERING_DAYS, friends_orders, gather, ring_orders

from .conftest import Street

RING = Campaign(
    name="ring",
    kind="brushing",
    first_day=1,
    last_day=60,
    members_per_10k_buyers=750.0,
    adapts="rotate",
    tactic={"orders_a_day": 0.5, "on_rented": 1.0},
)


@pytest.fixture
def ring(street: Callable[..., Street]) -> Street:
    world = street(RING)
    for day in range(1, GATHERING_DAYS + 1):
        gather(world, world.today(day))
    return world


def test_a_ring_has_as_many_accomplices_as_planned_and_serves_several_shops(ring: Street) -> None:
    assert (ring.people.buyers.campaign == 0).sum() == 30
    assert (ring.shops.sellers.ring == 0).sum() > 5


def test_accomplices_order_from_shops_of_their_ring_only(ring: Street) -> None:
    plans = ring_orders(ring, ring.today(20))
    assert plans.height > 5
    seller = ring.shops.listings.seller[plans["listing"].to_numpy()]
    assert (ring.shops.sellers.ring[seller] == 0).all()
    buyer = plans["buyer"].to_numpy()
    assert (ring.people.buyers.campaign[buyer] == 0).all()
    assert (ring.people.buyers.market[buyer] == ring.shops.sellers.market[seller]).all()
    assert plans["stars"].is_in([4, 5]).all()
    assert set(plans["parcel"]) <= {0, EMPTY}


def test_rotation_gives_a_ring_other_devices(ring: Street) -> None:
    before = set(ring_orders(ring, ring.today(20))["device"])
    ring.standing.generation[0] += 1
    after = set(ring_orders(ring, ring.today(20))["device"])
    assert before
    assert not before & after


def test_a_ring_that_is_slowed_orders_less(ring: Street) -> None:
    usual = sum(ring_orders(ring, ring.today(day)).height for day in range(20, 40))
    ring.standing.vigour[0] = 0.3
    assert sum(ring_orders(ring, ring.today(day)).height for day in range(20, 40)) < usual / 2


def test_friends_of_new_shops_pay_with_what_is_theirs_and_get_real_parcels(ring: Street) -> None:
    ring.live(range(GATHERING_DAYS + 1, GATHERING_DAYS + 6))
    found = pl.concat([friends_orders(ring, ring.today(18)) for _ in range(2)])
    assert found["device"].is_null().all()
    assert (found["parcel"] == 0).all()
    assert (found["campaign"] == -1).all()


def test_another_accomplice_changes_nobody_elses_orders(ring: Street) -> None:
    before = ring_orders(ring, ring.today(25))
    out = before["buyer"][0]
    ring.people.buyers.campaign[out] = -1
    after = ring_orders(ring, ring.today(25))
    assert after.equals(before.filter(pl.col("buyer") != out))


def test_orders_of_rings_look_like_orders_of_others(ring: Street) -> None:
    ring.live(range(GATHERING_DAYS + 1, GATHERING_DAYS + 8))
    orders = ring.known("orders")
    lines = pl.concat(ring.lines)
    bought = lines.filter(pl.col("campaign") == 0)
    assert bought.height > 10
    assert orders["order_line_id"].is_unique().all()
    for column in ("order_id", "buyer_id", "device", "address", "instrument"):
        shape = orders[column].str.replace_all(r"\d", "0").unique()
        assert shape.len() == 1, column
    assert np.isin(bought["order_line_id"].to_list(), orders["order_line_id"].to_list()).all()
