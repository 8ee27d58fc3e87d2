"""The request-time context of an order line, recomputed with `math` and `datetime`."""

import math
from collections.abc import Mapping

from plain_features import Values
from plain_rows import Row, day_number, whole

_RADIUS_KM = 6371.0


def context(order: Row, features: Mapping[str, int | float | None]) -> Values:
    """What an order says of itself, and against what its category, listing and seller usually cost."""
    placed, rate = order["occurred_at"], order["reference_rate"]
    price, shipping = whole(order["price_minor"] * rate), whole(order["shipping_minor"] * rate)
    promised = None if order["deliver_by"] is None else (order["deliver_by"] - placed).total_seconds() / 86_400
    distance = _distance_km(order)
    ship_by = order["ship_by"]
    return {
        "order_price": price,
        "order_shipping": shipping,
        "order_shipping_share": _ratio(shipping, price + shipping),
        "order_discount_share": _ratio(whole(order["discount_minor"] * rate), price),
        "order_subsidy_share": _ratio(whole(order["subsidy_minor"] * rate), price),
        "order_line_count": order["line_count"],
        "order_instalments": order["instalments"],
        "order_hour": placed.hour,
        "order_weekday": placed.weekday(),
        "order_handling_days": None if ship_by is None else day_number(ship_by) - day_number(placed),
        "order_promised_days": promised,
        "order_distance_km": distance,
        "order_km_per_promised_day": _ratio(distance, promised),
        "order_photos": order["listing_photos"],
        "order_description_characters": order["listing_description_characters"],
        "order_weight_grams": order["parcel_weight_grams"],
        "order_price_to_category": _ratio(price, features["category_price_mean_90d"]),
        "order_price_to_product": _ratio(price, features["product_price_mean_lifetime"]),
        "order_price_to_seller": _ratio(price, features["seller_price_mean_90d"]),
    }


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return numerator / denominator


def _distance_km(order: Row) -> float | None:
    """Haversine: https://en.wikipedia.org/wiki/Haversine_formula."""
    ends = [order[f"{end}_{axis}"] for end in ("origin", "destination") for axis in ("latitude", "longitude")]
    if None in ends:
        return None
    phi1, lambda1, phi2, lambda2 = map(math.radians, ends)
    half = math.sin((phi2 - phi1) / 2) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin((lambda2 - lambda1) / 2) ** 2
    return 2 * _RADIUS_KM * math.asin(math.sqrt(half))
