"""Why a score is high: contributions of features, summed into stable reason codes that people can read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from governance.contracts.calendar import WINDOW_DAYS
from governance.counters.catalogue import COUNTERS
from governance.counters.definition import WINDOWS
from governance.models.rows import Floats

_WINDOW = re.compile("_(" + "|".join([*(f"{days}d" for days in WINDOW_DAYS), "lifetime", *WINDOWS]) + ")$")

_TEXTS: Mapping[str, str] = {
    **{counter.name: f"Within the day: {counter.meaning}" for counter in COUNTERS},
    "order_description_characters": "Length of the listing's description",
    "order_discount_share": "Share of the price that was discounted",
    "order_distance_km": "Distance between seller and buyer",
    "order_handling_days": "Days that the seller has to hand the parcel over",
    "order_hour": "Hour of the order",
    "order_instalments": "Number of instalments",
    "order_km_per_promised_day": "Distance to cover for each day until the promised delivery",
    "order_line_count": "Number of lines in the order",
    "order_photos": "Number of photos that the listing shows",
    "order_price": "Price of the line",
    "order_price_to_category": "Price compared with the category's usual price",
    "order_price_to_product": "Price compared with the listing's usual price",
    "order_price_to_seller": "Price compared with the seller's usual price",
    "order_promised_days": "Days until the promised delivery",
    "order_shipping": "Shipping charge",
    "order_shipping_share": "Shipping charge compared with the price",
    "order_subsidy_share": "Share of the price that the platform pays",
    "order_weekday": "Day of the week of the order",
    "order_weight_grams": "Weight of the parcel",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code and what it adds to the score, in log-odds before calibration."""

    code: str
    contribution: float


def reason_code(feature: str) -> str:
    """The code of a feature: its name without the window, so that windows of one quantity speak with one voice.

    >>> reason_code("seller_late_delivery_rate_30d")
    'seller_late_delivery_rate'
    """
    return _WINDOW.sub("", feature)


def explanation(code: str) -> str:
    """What a reason code means, for a person; it never says where a limit lies.

    >>> explanation("seller_late_delivery_rate")
    'Seller: late delivery rate'
    """
    if code in _TEXTS:
        return _TEXTS[code]
    subject, _, quantity = code.partition("_")
    return f"{subject.capitalize()}: {quantity.replace('_', ' ')}" if quantity else subject.capitalize()


def code_columns(features: Sequence[str], mapping: Mapping[str, str]) -> tuple[tuple[str, ...], Floats]:
    """Codes in order of first appearance and the (features, codes) 0/1 matrix that sums contributions by code."""
    of_feature = [mapping.get(name, reason_code(name)) for name in features]
    found = tuple(dict.fromkeys(of_feature))
    members = np.array([[float(code == column) for column in found] for code in of_feature])
    return found, members


def strongest(contributions: Floats, found: Sequence[str], *, top: int) -> list[tuple[Reason, ...]]:
    """The codes that raise each row's score most, at most `top` of them, strongest first.

    `contributions` is (rows, codes). Codes that lower the score are no reason for acting and left out.
    """
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :top]
    return [
        tuple(Reason(found[code], float(row[code])) for code in columns if row[code] > 0)
        for row, columns in zip(contributions, order, strict=True)
    ]
