"""The tables of trade: accounts, listings, what people look at, order, pay and receive, and what they say of it."""

from governance.contracts.columns import (
    CURRENCY,
    PARTIES,
    TIMES,
    choice,
    count,
    flag,
    latitude,
    longitude,
    moment,
    money,
    number,
    text,
)
from governance.contracts.schema import Column, Kind, Table

ACCOUNTS = Table(
    name="accounts",
    row="a version of a buyer, seller, creator or staff account",
    key=("account_id", "known_at"),
    columns=(
        text("account_id", "the account"),
        *TIMES,
        choice("role", "what the account does", "buyer", "seller", "creator", "staff"),
        text("country", "country of the account", nullable=True),
        moment("signed_up_at", "when the account was opened, or first seen"),
        flag("verified", "identity was checked; null where never told", nullable=True),
        text("device", "device of the sign-up", nullable=True, personal=True),
        text("network", "network of the sign-up", nullable=True, personal=True),
        text("phone", "telephone given at sign-up", nullable=True, personal=True),
        text("invited_by", "account whose invitation led to the sign-up", nullable=True),
    ),
)

ACCOUNT_CHANGES = Table(
    name="account_changes",
    row="a password, phone, address or bank detail changed",
    key=("change_id",),
    columns=(
        text("change_id", "the change"),
        *TIMES,
        text("account_id", "account changed"),
        choice("kind", "what changed", "password", "phone", "address", "bank"),
        text("old_value", "value before", nullable=True, personal=True),
        text("new_value", "value after", nullable=True, personal=True),
        text("session_id", "visit in which it was changed", nullable=True),
    ),
)

PRODUCTS = Table(
    name="products",
    row="a version of a listing",
    key=("product_id", "known_at"),
    columns=(
        text("product_id", "the listing"),
        *TIMES,
        text("seller_id", "account that lists it"),
        text("category", "category of the listing"),
        text("title", "title as shown", nullable=True),
        text("description", "description as shown", nullable=True),
        money("price_minor", "listed price"),
        *CURRENCY,
        text("image_hash", "perceptual hash of the main image", nullable=True),
    ),
)

CONTENTS = Table(
    name="contents",
    row="a video or live room",
    key=("content_id", "known_at"),
    columns=(
        text("content_id", "the content"),
        *TIMES,
        text("creator_id", "account that published it"),
        choice("kind", "what it is", "video", "live"),
        text("product_ids", "listings shown, separated by blanks", nullable=True),
        text("category", "category of the listings shown", nullable=True),
        text("language", "language spoken", nullable=True),
        text("text", "caption, or transcript of a live room", nullable=True),
        moment("started_at", "first moment of it"),
        moment("ended_at", "last moment of a live room", nullable=True),
    ),
)

ENGAGEMENTS = Table(
    name="engagements",
    row="a view, like, follow, comment or click on a content",
    key=("engagement_id",),
    columns=(
        text("engagement_id", "the engagement"),
        *TIMES,
        text("content_id", "content engaged with"),
        text("creator_id", "account that published it"),
        text("account_id", "account that engaged"),
        choice("kind", "what it did", "view", "like", "follow", "comment", "click"),
        text("device", "device of the account", nullable=True, personal=True),
        text("network", "network of the account", nullable=True, personal=True),
        number("dwell_seconds", "time spent on the content", 0, 86_400, nullable=True, unit="seconds"),
    ),
)

SESSIONS = Table(
    name="sessions",
    row="a login or visit",
    key=("session_id",),
    columns=(
        text("session_id", "the session"),
        *TIMES,
        text("account_id", "account logged into, or tried"),
        choice("kind", "a login asks for the password, a visit goes on with an older login", "login", "visit"),
        choice("outcome", "how it ended", "succeeded", "wrong_password", "challenged", "blocked"),
        text("device", "device of the visitor", nullable=True, personal=True),
        text("network", "network of the visitor", nullable=True, personal=True),
        text("country", "country of the network", nullable=True),
        count("wrong_passwords", "wrong passwords before this outcome", nullable=True),
    ),
)

ORDERS = Table(
    name="orders",
    row="an order line: the decision at checkout",
    key=("order_line_id",),
    columns=(
        text("order_line_id", "the line"),
        *TIMES,
        text("order_id", "the order that the line belongs to"),
        count("line_count", "lines in the order", at_least=1),
        text("buyer_id", "account that bought"),
        text("seller_id", "account that sold"),
        text("product_id", "the listing"),
        text("category", "category of the listing at checkout"),
        text("creator_id", "creator whose content sold it", nullable=True),
        text("content_id", "video or live room that sold it", nullable=True),
        text("device", "device of the checkout", nullable=True, personal=True),
        text("address", "delivery address", nullable=True, personal=True),
        text("instrument", "payment instrument", nullable=True, personal=True),
        text("payment_method", "card, wallet, voucher, cash or bank slip", nullable=True),
        count("instalments", "number of instalments", nullable=True),
        text("coupon", "coupon used", nullable=True),
        text("coupon_funded_by", "platform or seller", nullable=True),
        money("price_minor", "price of the line"),
        money("shipping_minor", "shipping charged for the line"),
        money("discount_minor", "discount on the line"),
        money("subsidy_minor", "what the platform pays towards the line"),
        *CURRENCY,
        number("commission_rate", "commission of the platform", 0, 1, nullable=True, unit="share"),
        moment("ship_by", "the seller must hand over by", nullable=True),
        moment("deliver_by", "delivery promised by", nullable=True),
        latitude("origin_latitude", "where it ships from"),
        longitude("origin_longitude", "where it ships from"),
        latitude("destination_latitude", "where it ships to"),
        longitude("destination_longitude", "where it ships to"),
        count("listing_photos", "photos that the listing showed", nullable=True),
        count("listing_description_characters", "length of the description shown", nullable=True, unit="characters"),
        count("parcel_weight_grams", "weight of the parcel", nullable=True, unit="grams"),
        number("weight", "how many lines this one stands for; never a feature", 1e-9, 1e9, unit="lines"),
    ),
)

PAYMENTS = Table(
    name="payments",
    row="an authorisation, capture, refund or chargeback",
    key=("payment_id",),
    columns=(
        text("payment_id", "the payment"),
        *TIMES,
        text("order_id", "the order paid for"),
        text("buyer_id", "account that pays"),
        choice("kind", "what moved", "authorisation", "capture", "refund", "chargeback"),
        choice("status", "how it ended", "succeeded", "failed"),
        text("method", "card, wallet, voucher, cash or bank slip"),
        text("instrument", "payment instrument", nullable=True, personal=True),
        text("reason_code", "code of the scheme or bank", nullable=True),
        money("amount_minor", "amount"),
        *CURRENCY,
    ),
)

SHIPMENTS = Table(
    name="shipments",
    row="a carrier scan",
    key=("scan_id",),
    columns=(
        text("scan_id", "the scan"),
        *TIMES,
        text("order_line_id", "the line shipped"),
        text("order_id", "its order"),
        *PARTIES,
        choice("direction", "to the buyer or back", "forward", "return"),
        choice("kind", "what was scanned", "handed_over", "in_transit", "delivered", "lost"),
        text("carrier", "carrier", nullable=True),
        moment("due_at", "when this scan was promised", nullable=True),
        count("weight_grams", "weight at the scan", nullable=True, unit="grams"),
    ),
)

REVIEWS = Table(
    name="reviews",
    row="a rating of an order line, with text",
    key=("review_id",),
    columns=(
        text("review_id", "the review of this line"),
        *TIMES,
        text("order_line_id", "the line rated"),
        text("order_id", "its order"),
        *PARTIES,
        Column(name="rating", kind=Kind.INTEGER, meaning="stars", unit="1 to 5", at_least=1, at_most=5),
        text("text", "what the buyer wrote", nullable=True),
        choice("moderation", "state of moderation", "published", "held", "removed"),
    ),
)
