"""What an expert would do without a model: a handful of conditions with points, frozen as a bar to clear."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from governance.models.rows import Floats


@dataclass(frozen=True, slots=True)
class Condition:
    """`points` where `feature` is at least (or at most) `limit`; a missing value or column never is."""

    feature: str
    side: Literal["at_least", "at_most"]
    limit: float
    points: float

    def score(self, frame: pl.DataFrame) -> Floats:
        """Points (rows,) of this condition alone."""
        if self.feature not in frame.columns:
            return np.zeros(frame.height)
        values = frame[self.feature].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        # Comparing with NaN is always false, which is what a missing value should be.
        met = values >= self.limit if self.side == "at_least" else values <= self.limit
        return np.where(met, self.points, 0.0)


CLAIM: tuple[Condition, ...] = (
    Condition("seller_low_review_rate_90d", "at_least", 0.20, 2.0),
    Condition("seller_case_rate_90d", "at_least", 0.20, 2.0),
    Condition("seller_late_delivery_rate_90d", "at_least", 0.15, 1.5),
    Condition("seller_late_handover_rate_90d", "at_least", 0.20, 1.0),
    Condition("seller_cancellations_30d", "at_least", 2.0, 1.0),
    Condition("seller_orders_lifetime", "at_most", 5.0, 0.5),
    Condition("product_case_rate_lifetime", "at_least", 0.25, 1.0),
    Condition("product_low_review_rate_lifetime", "at_least", 0.25, 1.0),
    Condition("category_case_rate_90d", "at_least", 0.18, 0.5),
    Condition("buyer_case_rate_lifetime", "at_least", 0.30, 1.0),
    Condition("order_distance_km", "at_least", 1500.0, 0.5),
    Condition("order_promised_days", "at_least", 30.0, 0.5),
    Condition("order_line_count", "at_least", 3.0, 1.0),
    Condition("order_price_to_category", "at_least", 3.0, 0.5),
)
"""Poor records of the seller first, then of the listing and the buyer, then what makes a delivery hard."""

MERCHANT_FRAUD: tuple[Condition, ...] = (
    Condition("seller_handover_rate_7d", "at_most", 0.30, 2.0),
    Condition("seller_handover_rate_30d", "at_most", 0.50, 2.0),
    Condition("seller_late_handover_rate_30d", "at_least", 0.40, 1.0),
    Condition("seller_complaints_7d", "at_least", 3.0, 1.5),
    Condition("seller_case_rate_30d", "at_least", 0.25, 1.5),
    Condition("seller_cancellations_30d", "at_least", 5.0, 1.0),
    Condition("seller_low_review_rate_30d", "at_least", 0.35, 1.0),
    Condition("seller_enforcements_90d", "at_least", 1.0, 1.5),
    Condition("seller_orders_7d", "at_least", 30.0, 0.5),
    Condition("seller_deliveries_30d", "at_most", 0.0, 0.5),
)
"""Sells and does not ship, draws complaints, or was acted on before."""


def points(frame: pl.DataFrame, conditions: Sequence[Condition]) -> Floats:
    """The sum of points (rows,) of all conditions."""
    total: Floats = np.zeros(frame.height)
    for condition in conditions:
        total += condition.score(frame)
    return total


def claim_rules(frame: pl.DataFrame) -> Floats:
    """Expert points (rows,) for an order line that may end in a case; absent columns count as not met."""
    return points(frame, CLAIM)


def merchant_fraud_rules(frame: pl.DataFrame) -> Floats:
    """Expert points (rows,) for a seller who may be taking money without shipping; absent columns count as not met."""
    return points(frame, MERCHANT_FRAUD)


RULES: Mapping[str, Callable[[pl.DataFrame], Floats]] = {"claim": claim_rules, "merchant_fraud": merchant_fraud_rules}
"""The rules of each model, by its name."""
