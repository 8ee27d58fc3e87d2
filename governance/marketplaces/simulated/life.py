"""The state of the simulated world and how a day changes it."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS, CASES, ORDERS, TABLES
from governance.marketplaces.simulated import listings as goods
from governance.marketplaces.simulated import people
from governance.marketplaces.simulated.campaign import (
    PERIOD_DAYS,
    TACTICS,
    Campaign,
    plan,
    recruits,
    turn_established,
)
from governance.marketplaces.simulated.cases import put_cases
from governance.marketplaces.simulated.causes import NAMES, strike
from governance.marketplaces.simulated.chance import DAY, MINUTE, Bools, Floats, Ints, Today, due
from governance.marketplaces.simulated.checkout import CREATORS
from governance.marketplaces.simulated.enforcement import enforce, remember
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.orders import GROWTH_PER_DAY, place_orders
from governance.marketplaces.simulated.outcomes import put_outcomes
from governance.marketplaces.simulated.payments import put_checkout_payments
from governance.marketplaces.simulated.reviews import put_reviews
from governance.marketplaces.simulated.rows import Outbox, extended, identifier
from governance.marketplaces.simulated.shipping import plan_shipping, put_scans
from governance.marketplaces.simulated.trouble import Strikes, begin_spells

SELLERS_PER_BUYER = 0.065

_VERIFIED_BUYERS, _VERIFIED_SELLERS, _VERIFIED_MEMBERS = 0.7, 0.85, 0.72
_LAUNCH_OFFERS = 0.4
_NEW_LISTINGS_PER_SELLER_AND_DAY = 0.008


@dataclass(slots=True)
class World:
    """Everything that one day hands to the next. `size` is the number of buyers that the world is made for."""

    size: int
    campaign: Campaign
    buyers: people.Buyers
    sellers: people.Sellers
    listings: goods.Listings
    outbox: Outbox = field(default_factory=Outbox)
    strikes: Strikes = field(default_factory=Strikes)

    @property
    def standing_sellers(self) -> int:
        """Sellers that a world of this size has at any time."""
        return round(self.size * SELLERS_PER_BUYER)

    def live(self, today: Today) -> pl.DataFrame:
        """Live one day; returns the cause of each case that today's orders will lead to, which is part of the truth."""
        begin_spells(today, self.sellers)
        self.strikes.begin(today)
        enforce(self.outbox, today, self.sellers)
        cases = self._trade(today)
        goods.reprice(self.outbox, today, self.sellers, self.listings)
        self._grow(today)
        return cases.select("case_id", "order_line_id", cause=_cause_names(cases))

    def known(self, today: Today) -> dict[str, pl.DataFrame]:
        """The rows of every table that become known today; the enforcers' memory takes note of them."""
        rows = {name: self.outbox.take(table, today.date) for name, table in TABLES.items()}
        remember(self.sellers, rows[ORDERS.name], rows[CASES.name])
        return rows

    def members(self, days: int) -> pl.DataFrame:
        """Truth: the merchants that turn within the first `days` days, with the day and their tactic."""
        chosen = np.flatnonzero((self.sellers.tactic >= 0) & (self.sellers.turns < days))
        tactic = [TACTICS[number].name for number in self.sellers.tactic[chosen]]
        frame = pl.DataFrame({"seller_id": chosen, "turns_on_day": self.sellers.turns[chosen]})
        return frame.with_columns(identifier("seller", "seller_id"), tactic=pl.Series(tactic, dtype=pl.String))

    def _trade(self, today: Today) -> pl.DataFrame:
        """Orders of today and all that follows from them; returns their cases."""
        lines = place_orders(self.outbox, today, self.buyers, self.sellers, self.listings, size=self.size)
        put_checkout_payments(self.outbox, today, lines)
        lines = plan_shipping(today, lines, self.sellers, self.strikes)
        lines = strike(today, lines, self.buyers, self.sellers)
        put_scans(self.outbox, today, lines)
        put_reviews(self.outbox, today, lines)
        cases = put_cases(self.outbox, today, lines)
        put_outcomes(self.outbox, today, cases)
        return cases

    def _grow(self, today: Today) -> None:
        """People and listings that come today; they buy and sell from tomorrow on."""
        self._new_buyers(today)
        tactics = recruits(self.campaign, today, sellers_over_period=self._sellers_over_period())
        new_account = np.array([tactic.new_account for tactic in TACTICS])[tactics]
        turn_established(self.campaign, today, self.sellers, tactics[~new_account])
        self._new_sellers(today, tactics[new_account])
        self._new_listings(today)

    def _sellers_over_period(self) -> float:
        return self.standing_sellers * (1 + PERIOD_DAYS / people.SELLER_DAYS)

    def _new_buyers(self, today: Today) -> None:
        chance, first = today.chance("new buyers"), len(self.buyers)
        count = due(self.size * (1 / people.BUYER_DAYS + GROWTH_PER_DAY), today.index)
        at = today.any_time(chance, count)
        newcomers = people.draw_buyers(chance, _joined(today, at), first_number=first)
        self.buyers = extended(self.buyers, newcomers)
        verified = np.full(count, _VERIFIED_BUYERS)
        people.put_accounts(self.outbox, today, newcomers, first_number=first, at=at, verified_share=verified)

    def _new_sellers(self, today: Today, tactics: Ints) -> None:
        """Honest newcomers, some with a launch offer, and after them the campaign's new accounts."""
        chance, first = today.chance("new sellers"), len(self.sellers)
        honest = due(self.standing_sellers / people.SELLER_DAYS, today.index)
        count = honest + len(tactics)
        at = today.any_time(chance, count)
        newcomers = people.draw_sellers(chance, _joined(today, at), first_number=first)
        _launch(today, newcomers, chance.random(count) < _LAUNCH_OFFERS, chance)
        self.sellers = extended(self.sellers, newcomers)
        member = np.arange(count) >= honest
        plan(self.campaign, today, self.sellers, first + np.flatnonzero(member), tactics, chance)
        verified = np.where(member, _VERIFIED_MEMBERS, _VERIFIED_SELLERS)
        people.put_accounts(self.outbox, today, newcomers, first_number=first, at=at, verified_share=verified)
        owner = np.repeat(first + np.arange(count), goods.LISTINGS_PER_SELLER)
        self._list(today, owner, np.repeat(at, goods.LISTINGS_PER_SELLER) + 2 * MINUTE, "first listings")

    def _new_listings(self, today: Today) -> None:
        """What standing sellers add to their shops, and the bait of members who turn tomorrow."""
        chance = today.chance("new listings")
        adds = chance.random(len(self.sellers)) < _NEW_LISTINGS_PER_SELLER_AND_DAY
        ordinary = np.flatnonzero(adds & self.sellers.open(today.index))
        owner = np.concatenate([ordinary, goods.new_bait(today, self.sellers)])
        self._list(today, owner, today.any_time(chance, len(owner)), "more listings")

    def _list(self, today: Today, owner: Ints, at: Ints, purpose: str) -> None:
        chance, first = today.chance(purpose), len(self.listings)
        added = goods.draw_listings(chance, self.sellers, owner, listed=today.index)
        self.listings = extended(self.listings, added)
        chosen = np.arange(first, len(self.listings))
        goods.put_products(self.outbox, today, self.listings, chosen, at=at, chance=chance)


def begin(today: Today, *, size: int, campaign: Campaign) -> World:
    """The world as it stands at the first moment of its first day, with its people and listings made known then."""
    chance, sellers_count = today.chance("beginning"), round(size * SELLERS_PER_BUYER)
    buyers = people.draw_buyers(chance, people.earlier_joins(chance, size, people.BUYER_DAYS), first_number=0)
    sellers = people.draw_sellers(
        chance, people.earlier_joins(chance, sellers_count, people.SELLER_DAYS), first_number=0
    )
    owner = np.repeat(np.arange(sellers_count), goods.LISTINGS_PER_SELLER)
    listings = goods.draw_listings(chance, sellers, owner, listed=-1)
    world = World(size, campaign, buyers, sellers, listings)
    _put_creators(world.outbox, today)
    for group, share in ((buyers, _VERIFIED_BUYERS), (sellers, _VERIFIED_SELLERS)):
        verified = np.full(len(group), share)
        people.put_accounts(world.outbox, today, group, first_number=0, at=None, verified_share=verified)
    at = goods.initial_moments(chance, today, sellers.joined[owner])
    goods.put_products(world.outbox, today, listings, np.arange(len(listings)), at=at, chance=chance)
    return world


def _put_creators(outbox: Outbox, today: Today) -> None:
    creators = pl.DataFrame({"account_id": np.arange(CREATORS)}).with_columns(
        account_id=pl.format("creator-{}", "account_id"),
        market=pl.Series([MARKETS[number % len(MARKETS)].name for number in range(CREATORS)]),
        role=pl.lit("creator"),
        verified=pl.lit(True),
        occurred_at=pl.lit(today.start),
        known_at=pl.lit(today.start),
        signed_up_at=pl.lit(today.start),
    )
    outbox.put(ACCOUNTS, creators)


def _launch(today: Today, newcomers: people.Sellers, offers: Bools, chance: np.random.Generator) -> None:
    """Many honest shops open with low prices, and new members do as they do."""
    count = int(offers.sum())
    newcomers.price_factor[offers] = chance.uniform(0.65, 0.9, count)
    newcomers.price_until[offers] = today.index + chance.integers(8, 26, count)


def _joined(today: Today, at: Ints) -> Floats:
    return today.index + (at - today.start) / DAY


def _cause_names(cases: pl.DataFrame) -> pl.Series:
    return pl.Series([NAMES[number] for number in cases["cause"]], dtype=pl.String)
