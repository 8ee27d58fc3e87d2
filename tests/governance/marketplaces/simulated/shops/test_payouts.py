"""What sellers are paid each week."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import PAYOUTS
from governance.contracts.validation import check
from governance.marketplaces.simulated.chance import NEVER
from governance.marketplaces.simulated.ids import identifiers

from .conftest import Street

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def lived(street: Callable[..., Street]) -> Street:
    world = street(buyers=600)
    world.shops.sellers.shut_until[3] = 25
    world.shops.sellers.shut_until[4] = NEVER
    world.live(range(29))
    return world


def test_nothing_is_made_or_lost_on_the_way_to_the_sellers(lived: Street) -> None:
    lines, payouts = pl.concat(lived.lines), lived.known("payouts").filter(pl.col("version") == 1)
    own = lines["discount_minor"] - lines["subsidy_minor"]
    commission = (lines["price_minor"] * lines["commission_rate"]).round().cast(pl.Int64)
    earned = (lines["price_minor"] + lines["shipping_minor"] - own - commission).sum()
    accounts = lived.shops.accounts
    waiting = accounts.current.sum() + accounts.before.sum() + accounts.reserve.sum() + accounts.held.sum()
    paid = payouts["amount_minor"].sum()
    assert earned == paid + waiting


def test_rows_keep_the_contract(lived: Street) -> None:
    for index, rows in enumerate(lived.rows["payouts"]):
        assert check(PAYOUTS, rows, day=lived.today(index).date, now=NOW).quarantined.height == 0


def test_a_seller_is_paid_once_a_week_and_each_payout_has_a_second_version(lived: Street) -> None:
    payouts = lived.known("payouts")
    assert payouts.select(PAYOUTS.key).is_unique().all()
    first = payouts.filter(pl.col("version") == 1)
    days = first.group_by("account_id").agg(pl.col("occurred_at").dt.ordinal_day().diff().drop_nulls().unique())
    found = {day for row in days["occurred_at"] for day in row}
    assert found <= {7, 14, 21}
    assert set(payouts.filter(pl.col("version") == 2)["status"]) <= {"paid", "cancelled"}


def test_what_a_stopped_seller_earned_is_held(lived: Street) -> None:
    stopped = identifiers("seller", np.array([3, 4]), seed=5)
    payouts = lived.known("payouts").filter(pl.col("account_id").is_in(stopped.to_list()) & (pl.col("version") == 1))
    assert set(payouts.filter(pl.col("amount_minor") == 0)["status"]) <= {"held"}


def test_young_sellers_leave_a_reserve_and_older_ones_do_not(lived: Street) -> None:
    joined = lived.shops.sellers.joined
    number = lived.shops.sellers.numbers
    age = dict(zip(identifiers("seller", number, seed=5).to_list(), joined.tolist(), strict=True))
    first = lived.known("payouts").filter((pl.col("version") == 1) & (pl.col("reserve_minor") > 0))
    assert all(29 - age[one] < 29 + 60 for one in first["account_id"])
