"""The feature views: buyer, seller, product and category, each over the measures of `events`."""

from collections.abc import Collection

from governance.features.view import Measure, Rate, View

_ORDERS = Measure(name="orders", table="orders", meaning="lines ordered")
_REVENUE = Measure(name="revenue", table="orders", meaning="price of the lines, minor units of the reference currency")
_CASES = Measure(name="cases", table="cases", meaning="after-sales cases opened")
_COMPLAINTS = Measure(name="complaints", table="cases", meaning="complaints opened")
_CANCELLATIONS = Measure(name="cancellations", table="cases", meaning="cancellations asked for")
_REFUND_CASES = Measure(name="refund_cases", table="cases", meaning="refunds, returns and disputes opened")
_HANDOVERS = Measure(name="handovers", table="shipments", meaning="parcels handed over to the carrier")
_LATE_HANDOVERS = Measure(name="late_handovers", table="shipments", meaning="parcels handed over later than promised")
_DELIVERIES = Measure(name="deliveries", table="shipments", meaning="parcels delivered")
_LATE_DELIVERIES = Measure(name="late_deliveries", table="shipments", meaning="parcels delivered later than promised")
_REVIEWS = Measure(name="reviews", table="reviews", meaning="reviews")
_LOW_REVIEWS = Measure(name="low_reviews", table="reviews", meaning="reviews of 2 stars or fewer")
_STARS = Measure(name="stars", table="reviews", meaning="sum of the stars")
_ENFORCEMENTS = Measure(name="enforcements", table="enforcements", meaning="enforcements against the account")

_CASE_RATE = Rate(name="case_rate", numerator="cases", denominator="orders", meaning="cases opened per line ordered")
_LOW_REVIEW_RATE = Rate(
    name="low_review_rate", numerator="low_reviews", denominator="reviews", meaning="share of low reviews"
)
_RATING_MEAN = Rate(name="rating_mean", numerator="stars", denominator="reviews", meaning="mean stars")
_PRICE_MEAN = Rate(name="price_mean", numerator="revenue", denominator="orders", meaning="mean price of a line")
_HANDOVER_RATE = Rate(
    name="handover_rate", numerator="handovers", denominator="orders", meaning="parcels handed over per line ordered"
)
_LATE_HANDOVER_RATE = Rate(
    name="late_handover_rate", numerator="late_handovers", denominator="handovers", meaning="share handed over late"
)
_LATE_DELIVERY_RATE = Rate(
    name="late_delivery_rate", numerator="late_deliveries", denominator="deliveries", meaning="share delivered late"
)

BUYER = View(
    name="buyer",
    key="buyer_id",
    meaning="What a buyer ordered, complained of and rated",
    measures=(_ORDERS, _REVENUE, _CASES, _COMPLAINTS, _REFUND_CASES, _REVIEWS, _LOW_REVIEWS),
    rates=(_CASE_RATE, _LOW_REVIEW_RATE, _PRICE_MEAN),
    code_version="1",
)

SELLER = View(
    name="seller",
    key="seller_id",
    meaning="What a seller sold, shipped and was blamed for",
    measures=(
        _ORDERS,
        _REVENUE,
        _CASES,
        _COMPLAINTS,
        _CANCELLATIONS,
        _REFUND_CASES,
        _HANDOVERS,
        _LATE_HANDOVERS,
        _DELIVERIES,
        _LATE_DELIVERIES,
        _REVIEWS,
        _LOW_REVIEWS,
        _STARS,
        _ENFORCEMENTS,
    ),
    rates=(
        _CASE_RATE,
        _LOW_REVIEW_RATE,
        _RATING_MEAN,
        _PRICE_MEAN,
        _HANDOVER_RATE,
        _LATE_HANDOVER_RATE,
        _LATE_DELIVERY_RATE,
    ),
    code_version="1",
)

PRODUCT = View(
    name="product",
    key="product_id",
    meaning="What a listing sold for, and how it was received",
    measures=(_ORDERS, _REVENUE, _CASES, _REVIEWS, _LOW_REVIEWS),
    rates=(_CASE_RATE, _LOW_REVIEW_RATE, _PRICE_MEAN),
    code_version="1",
)

CATEGORY = View(
    name="category",
    key="category",
    meaning="What the listings of a category sell for, and how they are received",
    measures=(_ORDERS, _REVENUE, _CASES, _DELIVERIES, _LATE_DELIVERIES, _REVIEWS, _LOW_REVIEWS),
    rates=(_CASE_RATE, _LOW_REVIEW_RATE, _PRICE_MEAN, _LATE_DELIVERY_RATE),
    code_version="1",
)

VIEWS: dict[str, View] = {view.name: view for view in (BUYER, SELLER, PRODUCT, CATEGORY)}


def views_over(tables: Collection[str]) -> dict[str, View]:
    """The views that can be built where only `tables` are delivered, narrowed to what those tables hold."""
    narrowed = {name: view.over(tables) for name, view in VIEWS.items()}
    return {name: view for name, view in narrowed.items() if "orders" in view.tables}
