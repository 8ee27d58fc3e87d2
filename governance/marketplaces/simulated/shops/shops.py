"""What the shops hand from one day to the next."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Floats, Ints, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.shops.beliefs import VERIFIED, Beliefs, beliefs_about
from governance.marketplaces.simulated.shops.docket import empty_docket
from governance.marketplaces.simulated.shops.growth import first_listings
from governance.marketplaces.simulated.shops.listings import Listings
from governance.marketplaces.simulated.shops.memory import no_lines
from governance.marketplaces.simulated.shops.payouts import Accounts, empty_accounts
from governance.marketplaces.simulated.shops.products import put_products
from governance.marketplaces.simulated.shops.sellers import (
    Sellers,
    drawn_sellers,
    earlier_joins,
    put_accounts,
    standing_sellers,
)
from governance.marketplaces.simulated.state import extended

STARS = 5


@dataclass(slots=True)
class Customers:
    """One entry for each buyer. `usual` is what it took last time (a listing, -1 for nothing yet). Of its reviews so
    far, `seen` in number, `bought` is how many an ideal observer believes to be bought, and `noted` how many people
    said so of since it was last shut out.
    """

    usual: Ints
    bought: Floats
    seen: Floats
    noted: Ints


@dataclass(slots=True)
class Stars:
    """Ordinary reviews seen so far with one to five stars."""

    seen: Floats


@dataclass(slots=True)
class Shops:
    """Sellers and listings, what is owed to sellers, what is believed of them, the lines of the last weeks, what is to
    be done on which day, and what the shops know of buyers.
    """

    sellers: Sellers
    listings: Listings
    accounts: Accounts
    beliefs: Beliefs
    customers: Customers
    stars: Stars
    lines: pl.DataFrame
    docket: pl.DataFrame

    def extend_sellers(self, newcomers: Sellers) -> None:
        """Add sellers, and an account for each."""
        self.sellers = extended(self.sellers, newcomers)
        self.accounts = extended(self.accounts, empty_accounts(len(newcomers)))

    def make_room(self, buyers: int) -> None:
        """See to it that there is a place for every buyer."""
        self.customers = extended(self.customers, _strangers(buyers - len(self.customers.usual)))


def begin(settings: Settings, today: Today, outbox: Outbox) -> Shops:
    """The shops that stand on the first day; their accounts and listings become known at its beginning."""
    number = np.arange(standing_sellers(settings.buyers))
    draw = today.draw("first sellers")
    sellers = drawn_sellers(draw, number, earlier_joins(draw, number))
    put_accounts(outbox, today, sellers, number, None, verified_share=np.full(len(number), VERIFIED))
    listings = first_listings(today, sellers)
    put_products(outbox, today, listings, np.arange(len(listings)), at=listings.published)
    nothing = np.zeros(len(number))
    ids = identifiers("seller", number, seed=settings.seed)
    return Shops(
        sellers=sellers,
        listings=listings,
        accounts=empty_accounts(len(number)),
        beliefs=beliefs_about(ids, waiting=nothing, breaks_rules=nothing.copy()),
        customers=_strangers(settings.buyers),
        stars=Stars(np.zeros(STARS)),
        lines=no_lines(),
        docket=empty_docket(),
    )


def _strangers(size: int) -> Customers:
    nothing = np.zeros(size, dtype=np.int64)
    return Customers(np.full(size, -1, dtype=np.int64), nothing.astype(np.float64), nothing.astype(np.float64), nothing)
