"""A town of buyers with a handful of shops, lived for some weeks; what they order is what they planned."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated import people
from governance.marketplaces.simulated.campaigns.file import Campaigns, load_campaigns
from governance.marketplaces.simulated.campaigns.standing import fresh
from governance.marketplaces.simulated.chance import Today, joint
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.rows import TRUTH_TABLES, Outbox
from governance.marketplaces.simulated.settings import Settings

SELLERS = 12
FIRST, LAST = 170, 204
FIRST_DAY = date(2024, 1, 1)


@dataclass
class Town:
    """What the packages hand to each other, without the others."""

    settings: Settings
    outbox: Outbox = field(default_factory=Outbox)
    shops: Any = None

    def __post_init__(self) -> None:
        today = Today(self.settings.seed, self.settings.first_day, 0)
        self.people = people.begin(self.settings, today, self.outbox)
        self.standing = fresh(self.settings.campaigns)
        self.shops = _shops()
        self.visits: list[pl.DataFrame] = []
        self.planned: list[pl.DataFrame] = []

    def live(self, days: range) -> "Town":
        """Live some days."""
        for index in days:
            today = Today(self.settings.seed, self.settings.first_day, index)
            people.arrive(self, today)
            self.visits.append(people.visit(self, today))
            self.planned.append(people.plans(self, today))
            people.end_day(self, today, lines_of(self, self.planned[-1], today))
            self.standing.answer(self.settings.campaigns, buyers=self.settings.buyers)
        return self

    @cached_property
    def rows(self) -> dict[str, pl.DataFrame]:
        """Everything that ever becomes known, and the truth."""
        far = Today(self.settings.seed, self.settings.first_day, 5_000)
        found = {name: self.outbox.take(table, far) for name, table in TABLES.items()}
        return found | {name: self.outbox.take_truth(name) for name in TRUTH_TABLES}

    def decisions(self, label: str) -> pl.DataFrame:
        """The truth about one label."""
        return self.rows["decisions"].filter(pl.col("label") == label)


def _shops() -> SimpleNamespace:
    number = np.arange(SELLERS, dtype=np.int64)
    market = number % len(MARKETS)
    sellers = type("Sellers", (), {"__len__": lambda _: SELLERS, "open": lambda _, __: np.ones(SELLERS, np.bool_)})()
    for name, values in (("market", market), ("device", number), ("network", number)):
        setattr(sellers, name, values)
    listing = np.arange(SELLERS * 5, dtype=np.int64)
    listings = SimpleNamespace(
        market=market[listing % SELLERS],
        seller=listing % SELLERS,
        price_minor=1_000 + 700 * (listing % 17),
        appeal=np.ones(len(listing)),
        offered=lambda _sellers, _day: np.ones(len(listing), np.bool_),
    )
    return SimpleNamespace(sellers=sellers, listings=listings)


def lines_of(town: Town, plans: pl.DataFrame, today: Today) -> pl.DataFrame:
    """Order lines of plans, with what this package reads of them."""
    buyers, listings, seed = town.people.buyers, town.shops.listings, today.seed
    buyer, listing = plans["buyer"].to_numpy(), plans["listing"].to_numpy()
    order = order_numbers(today.index, buyer, plans["nth"].to_numpy())
    own = {"device": buyers.device, "address": buyers.household, "instrument": buyers.instrument}
    return plans.with_columns(
        *(pl.coalesce(name, names(name, of[buyer], seed=seed)).alias(name) for name, of in own.items()),
        occurred_at=pl.col("at"),
        seller=pl.Series(listings.seller[listing]),
        seller_id=identifiers("seller", listings.seller[listing], seed=seed),
        buyer_id=identifiers("buyer", buyer, seed=seed),
        market=pl.Series([MARKETS[place].name for place in buyers.market[buyer]], dtype=pl.String),
        price_ratio=pl.Series(listings.price_minor[listing] / 5_000),
        order_line_id=identifiers("order", order, seed=seed),
        line_key=pl.Series(joint(order, 1)),
    )


def settings(campaigns: Campaigns, *, buyers: int = 2_000, seed: int = 5) -> Settings:
    """Parameters of a town."""
    return Settings(seed=seed, first_day=FIRST_DAY, buyers=buyers, campaigns=campaigns)


@pytest.fixture(scope="session")
def make_town() -> Callable[..., Town]:
    """Found a town with some campaigns; nobody has lived in it yet."""

    def make(campaigns: Campaigns, **parameters: int) -> Town:
        return Town(settings(campaigns, **parameters))

    return make


@pytest.fixture(scope="session")
def town() -> Town:
    """Five weeks in the midst of the default campaigns, with five times as many members as by default."""
    default = load_campaigns()
    more = {label: replace(one, oversampling=5 * one.oversampling) for label, one in default.prevalence.items()}
    many = tuple(
        replace(one, members_per_10k_buyers=200.0) if one.kind == "data_leak" else one for one in default.campaigns
    )
    return Town(settings(Campaigns(many, more))).live(range(FIRST, LAST + 1))
