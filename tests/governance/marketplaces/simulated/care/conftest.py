"""Order lines and sellers made by hand, so that care can be tested without the rest of the world."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.care.causes import Habits, habits, strike
from governance.marketplaces.simulated.care.shipping import plan_shipping
from governance.marketplaces.simulated.chance import DAY, Draw, Floats, Today
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.shops.sellers import Sellers, drawn_sellers

SELLERS, LINES = 300, 30_000
ABUSE = 0.02
"""Share of the lines that are ordered for a false story."""


@dataclass(frozen=True)
class Trade:
    """A day's lines with all that is drawn for them."""

    today: Today
    lines: pl.DataFrame
    sellers: Sellers
    complaint: Floats

    @property
    def of(self) -> Habits:
        """Habits of the lines' people."""
        return habits(self.lines, self.complaint, self.sellers.defects)


@pytest.fixture(scope="session")
def trade() -> Trade:
    """A day on which much is sold."""
    today = Today(5, date(2024, 1, 1), 40)
    number = np.arange(SELLERS, dtype=np.int64)
    sellers = drawn_sellers(Draw(5, 0, "sellers"), number, -np.ones(SELLERS))
    complaint = Draw(5, 0, "buyers").lognormal(np.arange(LINES, dtype=np.int64), 0.55, 1.1)
    lines = plan_shipping(today, placed(today, sellers), sellers)
    return Trade(today, strike(today, lines, habits(lines, complaint, sellers.defects)), sellers, complaint)


def placed(today: Today, sellers: Sellers) -> pl.DataFrame:
    """Lines as checkout hands them on, with what care reads."""
    key = np.arange(LINES, dtype=np.int64)
    draw = Draw(5, 0, "lines")
    seller = draw.integers(key, 0, SELLERS)
    at, distance = draw.moment(key, today), draw.exponential(key, 300.0)
    ship_by = (at + sellers.promise_days[seller] * DAY) // DAY * DAY + DAY
    price = draw.integers(key, 500, 20_000)
    return pl.DataFrame(
        {
            "line_key": key,
            "buyer": key,
            "seller": seller,
            "listing": key % 1000,
            "where": sellers.market[seller],
            "what": draw.integers(key, 0, len(CATEGORIES)),
            "occurred_at": at,
            "ship_by": ship_by,
            "deliver_by": (ship_by + ((1.3 + distance / 420) * DAY).astype(np.int64)) // DAY * DAY + DAY,
            "distance_km": distance,
            "destination_latitude": sellers.latitude[seller],
            "destination_longitude": sellers.longitude[seller],
            "parcel_weight_grams": draw.integers(key, 40, 3_000),
            "price_ratio": draw.lognormal(key, 1.0, 0.6),
            "parcel": np.zeros(LINES, dtype=np.int64),
            "stars": np.zeros(LINES, dtype=np.int64),
            "abuse": draw.happens(key, ABUSE).astype(np.int64),
            "campaign": np.full(LINES, -1, dtype=np.int64),
            "price_minor": price,
            "shipping_minor": np.full(LINES, 300),
            "discount_minor": np.zeros(LINES, dtype=np.int64),
        }
    ).with_columns(
        market=pl.lit("GB"),
        currency=pl.lit("GBP"),
        reference_rate=pl.lit(1.27),
        payment_method=pl.lit("card"),
        instrument=pl.lit("instrument"),
        category=pl.lit("toys"),
        order_id=pl.format("order-{}", "line_key"),
        order_line_id=pl.format("order-{}-1", "line_key"),
        buyer_id=pl.format("buyer-{}", "buyer"),
        seller_id=pl.format("seller-{}", "seller"),
        product_id=pl.format("product-{}", "listing"),
    )
