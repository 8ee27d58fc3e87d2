"""Merchants that stop shipping: when they turn, what they keep back, and what happens once they are found."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import NEVER
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.shops.merchant_fraud import swing, withheld

from .conftest import Street

NEW = Campaign(name="new", kind="merchant_fraud", first_day=3, last_day=40, members_per_10k_buyers=600.0, adapts="move")
OLD = Campaign(
    name="old",
    kind="merchant_fraud",
    first_day=3,
    last_day=40,
    members_per_10k_buyers=400.0,
    tactic={"new_account": False, "warm_up_low": 5, "warm_up_high": 8, "new_listings": 2},
)


@pytest.fixture(scope="module")
def lived(street: Callable[..., Street]) -> Street:
    world = street(NEW, OLD)
    world.live(range(36))
    return world


def test_members_turn_after_their_warm_up_and_never_before_the_campaign_begins(lived: Street) -> None:
    sellers = lived.shops.sellers
    members = np.flatnonzero(sellers.campaign >= 0)
    assert len(members) > 10
    assert (sellers.turns[members] >= 3).all()
    assert set(sellers.campaign[members]) == {0, 1}


def test_only_members_that_have_turned_keep_lines_back(lived: Street) -> None:
    sellers, today = lived.shops.sellers, lived.today(35)
    seller = np.repeat(sellers.numbers, 40)
    kept = withheld(sellers, seller, np.arange(len(seller)), today)
    by_seller = np.bincount(seller[kept], minlength=len(sellers)) / 40
    turned = sellers.turns <= 35
    assert (by_seller[~turned] == 0).all()
    assert abs(by_seller[sellers.turns <= 27].mean() - 0.8) < 0.1


def test_it_takes_a_week_to_get_into_full_swing() -> None:
    assert swing(np.array([-3, 1, 5, 20])).tolist() == [0.0, 0.5, 1.0, 1.0]


def test_whoever_is_found_is_banned_and_sells_nothing_more(lived: Street) -> None:
    sellers = lived.shops.sellers
    banned = np.flatnonzero((sellers.shut_until == NEVER) & (sellers.campaign >= 0))
    assert len(banned) > 0
    bans = lived.known("enforcements").filter(pl.col("action") == "ban")
    assert set(bans["subject_id"]) <= set(identifiers("seller", banned, seed=5))
    sold = pl.concat(lived.lines).join(
        bans.select(seller_id="subject_id", banned_at="occurred_at"), on="seller_id", how="inner"
    )
    after = pl.col("occurred_at") >= pl.col("banned_at").dt.epoch("us") + 86_400_000_000
    assert sold.filter(after).height == 0


def test_a_campaign_that_moves_puts_new_accounts_in_the_place_of_those_found(street: Callable[..., Street]) -> None:
    world = street(NEW)
    world.standing.replacements[0] = 4
    before = len(world.shops.sellers)
    world.live(range(3, 4))
    joined = world.shops.sellers.campaign[before:]
    assert (joined == 0).sum() >= 4
    assert world.standing.replacements[0] == 0


def test_the_ideal_observer_suspects_those_who_turned_more_even_where_nobody_ships(lived: Street) -> None:
    suspicion, sellers = lived.shops.sellers.suspicion, lived.shops.sellers
    assert ((suspicion >= 0) & (suspicion <= 1)).all()
    old = (sellers.turns < 30) & (sellers.joined < 25)
    assert suspicion[old].mean() > 1.3 * suspicion[sellers.turns == NEVER].mean()
