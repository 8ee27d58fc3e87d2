"""Orders: what visits and plans become at checkout."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import TABLES
from governance.contracts.validation import check
from governance.marketplaces.simulated import people, shops
from governance.marketplaces.simulated.chance import joint
from governance.marketplaces.simulated.ids import numbers
from governance.marketplaces.simulated.plans import no_plans, planned
from governance.marketplaces.simulated.shops.memory import line_keys

from .conftest import Street

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def opened(street: Callable[..., Street]) -> Street:
    world = street(buyers=1_200)
    world.live(range(3))
    return world


@pytest.mark.parametrize("table", ["orders", "payments", "products", "accounts"])
def test_rows_keep_the_contract(opened: Street, table: str) -> None:
    assert opened.known(table).height > 0
    for index, rows in enumerate(opened.rows[table]):
        day = opened.today(index).date
        assert check(TABLES[table], rows, day=day, now=NOW).quarantined.height == 0


def test_another_buyers_visit_changes_no_order_of_mine(opened: Street) -> None:
    today = opened.today(3)
    visits = people.visit(opened, today)
    usual = opened.shops.customers.usual.copy()
    all_lines = shops.trade(opened, today, visits, no_plans())
    buyer = all_lines["buyer"][0]
    opened.shops.customers.usual = usual
    fewer = shops.trade(opened, today, visits.filter(pl.col("buyer") != buyer), no_plans())
    shown = [name for name in all_lines.columns if name not in ("creator", "content", "creator_id", "content_id")]
    expected = all_lines.filter(pl.col("buyer") != buyer)
    assert fewer.select(shown).equals(expected.select(shown))


def test_a_planned_order_is_placed_as_planned(opened: Street) -> None:
    today = opened.today(3)
    listing = int(np.flatnonzero(opened.shops.listings.offered(opened.shops.sellers, 3))[0])
    plan = {"buyer": [7], "nth": [16], "at": [today.start + 5_000_000], "listing": [listing], "campaign": [0]}
    wanted = planned(pl.DataFrame({**plan, "device": ["device-x"], "coupon": ["WELCOME"], "stars": [5]}))
    line = shops.trade(opened, today, people.visit(opened, today).clear(), wanted).row(0, named=True)
    assert (line["buyer"], line["listing"], line["device"], line["coupon"]) == (7, listing, "device-x", "WELCOME")
    assert (line["coupon_funded_by"], line["discount_minor"]) == ("platform", line["subsidy_minor"])
    assert (line["line_count"], line["stars"]) == (1, 5)


def test_what_was_planned_for_a_shut_shop_is_not_ordered(opened: Street) -> None:
    today = opened.today(3)
    opened.shops.sellers.shut_until[:] = 99
    plan = planned(pl.DataFrame({"buyer": [7], "nth": [16], "at": [today.start], "listing": [0]}))
    assert shops.trade(opened, today, people.visit(opened, today), plan).height == 0


def test_keys_of_lines_can_be_read_from_their_ids(opened: Street) -> None:
    lines = opened.lines[0]
    assert (line_keys(lines["order_line_id"], seed=5) == lines["line_key"].to_numpy()).all()
    order = numbers(lines["order_id"], seed=5)
    assert (joint(order, lines["line"].to_numpy()) == lines["line_key"].to_numpy()).all()
