"""What is known about an order only when it is placed: one pure function for training and for serving."""

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Numbers = TypeVar("Numbers", float, Values)
"""One line or many: a float goes through the same operations as an array, at a sixth of the cost of an array of one."""

_EARTH_RADIUS_KM = 6371.0
_DAY_SECONDS = 86_400.0

ORDER_INPUTS = (
    "occurred_at",
    "price_reference",
    "shipping_reference",
    "discount_reference",
    "subsidy_reference",
    "line_count",
    "instalments",
    "ship_by",
    "deliver_by",
    "origin_latitude",
    "origin_longitude",
    "destination_latitude",
    "destination_longitude",
    "listing_photos",
    "listing_description_characters",
    "parcel_weight_grams",
)
"""Numbers of the order line: times in seconds since 1970, money in reference minor units; missing is NaN."""

FEATURE_INPUTS = (
    "category_price_mean_90d",
    "product_price_mean_lifetime",
    "seller_price_mean_90d",
)
"""Features of the views that the context compares the order with; missing is NaN."""

ORDER_CONTEXT: Mapping[str, str] = {
    "order_price": "price of the line, reference minor units",
    "order_shipping": "shipping of the line, reference minor units",
    "order_shipping_share": "shipping / (price + shipping)",
    "order_discount_share": "discount / price",
    "order_subsidy_share": "subsidy / price",
    "order_line_count": "lines in the order",
    "order_instalments": "number of instalments",
    "order_hour": "UTC hour of the checkout",
    "order_weekday": "UTC weekday of the checkout, Monday is 0",
    "order_handling_days": "whole days that the seller has to hand over",
    "order_promised_days": "days until the promised delivery",
    "order_distance_km": "great-circle distance from seller to buyer, km",
    "order_km_per_promised_day": "distance / promised days",
    "order_photos": "photos of the listing",
    "order_description_characters": "length of the listing's description",
    "order_weight_grams": "weight of the parcel, grams",
    "order_price_to_category": "price / mean price of the category, 90 days",
    "order_price_to_product": "price / mean price of the listing so far",
    "order_price_to_seller": "price / mean price of the seller, 90 days",
}
"""Names and meanings of the request-time features."""

TRENDING_CONTEXT = ("order_price_to_product",)
"""Those that compare with a lifetime feature: the mean of a price so far ages as the marketplace does."""


def order_context(inputs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The request-time features of order lines.

    Parameters
    ----------
    inputs : arrays of equal shape (n,), one for each of `ORDER_INPUTS` and `FEATURE_INPUTS`, or a float each for a
        single line; NaN where missing.

    Returns
    -------
    As many numbers for each of `ORDER_CONTEXT`; NaN where an input is missing or a divisor is zero.
    """
    price, shipping = inputs["price_reference"], inputs["shipping_reference"]
    placed = inputs["occurred_at"]
    promised = (inputs["deliver_by"] - placed) / _DAY_SECONDS
    distance = _distance_km(inputs)
    return {
        "order_price": price,
        "order_shipping": shipping,
        "order_shipping_share": _ratio(shipping, price + shipping),
        "order_discount_share": _ratio(inputs["discount_reference"], price),
        "order_subsidy_share": _ratio(inputs["subsidy_reference"], price),
        "order_line_count": inputs["line_count"],
        "order_instalments": inputs["instalments"],
        "order_hour": np.floor(placed % _DAY_SECONDS / 3600.0),
        # 1 January 1970 was a Thursday.
        "order_weekday": (np.floor(placed / _DAY_SECONDS) + 3.0) % 7.0,
        # Whole days: the time of day of `ship_by` often tells when the payment was approved, after the checkout.
        "order_handling_days": np.floor(inputs["ship_by"] / _DAY_SECONDS) - np.floor(placed / _DAY_SECONDS),
        "order_promised_days": promised,
        "order_distance_km": distance,
        "order_km_per_promised_day": _ratio(distance, promised),
        "order_photos": inputs["listing_photos"],
        "order_description_characters": inputs["listing_description_characters"],
        "order_weight_grams": inputs["parcel_weight_grams"],
        "order_price_to_category": _ratio(price, inputs["category_price_mean_90d"]),
        "order_price_to_product": _ratio(price, inputs["product_price_mean_lifetime"]),
        "order_price_to_seller": _ratio(price, inputs["seller_price_mean_90d"]),
    }


def days_since(decided_at: Numbers, last_day: Numbers) -> Numbers:
    """Days from a UTC day (since 1970) to a decision (seconds since 1970); zero days mean never, so NaN."""
    days = np.floor(decided_at / _DAY_SECONDS) - last_day
    if isinstance(last_day, float):
        return math.nan if last_day == 0 else days
    return np.where(last_day == 0, np.nan, days)


def _ratio(numerator: Numbers, denominator: Numbers) -> Numbers:
    if isinstance(denominator, float):
        return numerator / denominator if denominator > 0 else math.nan
    return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan), dtype=np.float64)


def _distance_km(inputs: Mapping[str, Numbers]) -> Numbers:
    """Haversine distance on a sphere."""
    phi1, phi2 = np.radians(inputs["origin_latitude"]), np.radians(inputs["destination_latitude"])
    dphi = phi2 - phi1
    dlambda = np.radians(inputs["destination_longitude"] - inputs["origin_longitude"])
    half = _squared(np.sin(dphi / 2)) + np.cos(phi1) * np.cos(phi2) * _squared(np.sin(dlambda / 2))
    distance: Numbers = 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))
    return distance


def _squared(value: Numbers) -> Numbers:
    # Not `** 2`: numpy multiplies arrays but raises single numbers to a power, which may differ in the last bit.
    return value * value
