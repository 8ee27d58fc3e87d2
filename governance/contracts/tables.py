"""The tables that a marketplace delivers, as data. Facts that change are versions: a correction is a new row.

Rows about an order line repeat its buyer, seller, product and category, so that a day's features
need that day's rows only and never a search through all earlier orders.
"""

from governance.contracts.schema import Column, Kind, Table


def _text(name: str, meaning: str, *, nullable: bool = False, personal: bool = False) -> Column:
    return Column(name=name, kind=Kind.STRING, meaning=meaning, nullable=nullable, personal=personal)


def _choice(name: str, meaning: str, *one_of: str) -> Column:
    return Column(name=name, kind=Kind.STRING, meaning=meaning, one_of=one_of)


def _count(name: str, meaning: str, *, at_least: int = 0, nullable: bool = False, unit: str | None = None) -> Column:
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning, nullable=nullable, unit=unit, at_least=at_least)


def _money(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return _count(name, meaning, nullable=nullable, unit="ISO 4217 minor unit")


def _number(name: str, meaning: str, low: float, high: float, *, nullable: bool = False, unit: str) -> Column:
    return Column(name=name, kind=Kind.FLOAT, meaning=meaning, nullable=nullable, unit=unit, at_least=low, at_most=high)


def _flag(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=Kind.BOOLEAN, meaning=meaning, nullable=nullable)


def _time(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=Kind.TIMESTAMP, meaning=meaning, nullable=nullable, unit="UTC microseconds")


def _latitude(name: str, meaning: str) -> Column:
    return _number(name, meaning, -90, 90, nullable=True, unit="degrees, coarse")


def _longitude(name: str, meaning: str) -> Column:
    return _number(name, meaning, -180, 180, nullable=True, unit="degrees, coarse")


TIMES = (
    _time("occurred_at", "when it happened"),
    _time("known_at", "when we learnt it; decides the daily partition"),
    _text("market", "country or region of the marketplace"),
)

_CURRENCY = (
    _text("currency", "ISO 4217 code of the amounts"),
    # Amounts in the reference currency are whole minor units, halves rounded up, wherever they are computed.
    _number("reference_rate", "units of the reference currency for one unit, that day", 1e-9, 1e9, unit="ratio"),
)

_VERSION = _count("version", "1 when first reported, one more for each correction", at_least=1)

_PARTIES = (
    _text("buyer_id", "account that bought"),
    _text("seller_id", "account that sold; null where an order has several", nullable=True),
    _text("product_id", "listing; null where an order has several", nullable=True),
    _text("category", "category of the listing; null where an order has several", nullable=True),
)

ACCOUNTS = Table(
    name="accounts",
    row="a version of a buyer, seller, creator or staff account",
    key=("account_id", "known_at"),
    columns=(
        _text("account_id", "the account"),
        *TIMES,
        _choice("role", "what the account does", "buyer", "seller", "creator", "staff"),
        _text("country", "country of the account", nullable=True),
        _time("signed_up_at", "when the account was opened, or first seen"),
        _flag("verified", "identity was checked; null where never told", nullable=True),
        _text("device", "device of the sign-up", nullable=True, personal=True),
        _text("network", "network of the sign-up", nullable=True, personal=True),
        _text("phone", "telephone given at sign-up", nullable=True, personal=True),
        _text("invited_by", "account whose invitation led to the sign-up", nullable=True),
    ),
)

ACCOUNT_CHANGES = Table(
    name="account_changes",
    row="a password, phone, address or bank detail changed",
    key=("change_id",),
    columns=(
        _text("change_id", "the change"),
        *TIMES,
        _text("account_id", "account changed"),
        _choice("kind", "what changed", "password", "phone", "address", "bank"),
        _text("old_value", "value before", nullable=True, personal=True),
        _text("new_value", "value after", nullable=True, personal=True),
        _text("session_id", "visit in which it was changed", nullable=True),
    ),
)

PRODUCTS = Table(
    name="products",
    row="a version of a listing",
    key=("product_id", "known_at"),
    columns=(
        _text("product_id", "the listing"),
        *TIMES,
        _text("seller_id", "account that lists it"),
        _text("category", "category of the listing"),
        _text("title", "title as shown", nullable=True),
        _text("description", "description as shown", nullable=True),
        _money("price_minor", "listed price"),
        *_CURRENCY,
        _text("image_hash", "perceptual hash of the main image", nullable=True),
    ),
)

CONTENTS = Table(
    name="contents",
    row="a video or live room",
    key=("content_id", "known_at"),
    columns=(
        _text("content_id", "the content"),
        *TIMES,
        _text("creator_id", "account that published it"),
        _choice("kind", "what it is", "video", "live"),
        _text("product_ids", "listings shown, separated by blanks", nullable=True),
        _text("category", "category of the listings shown", nullable=True),
        _text("language", "language spoken", nullable=True),
        _text("text", "caption, or transcript of a live room", nullable=True),
        _time("started_at", "first moment of it"),
        _time("ended_at", "last moment of a live room", nullable=True),
    ),
)

ENGAGEMENTS = Table(
    name="engagements",
    row="a view, like, follow, comment or click on a content",
    key=("engagement_id",),
    columns=(
        _text("engagement_id", "the engagement"),
        *TIMES,
        _text("content_id", "content engaged with"),
        _text("creator_id", "account that published it"),
        _text("account_id", "account that engaged"),
        _choice("kind", "what it did", "view", "like", "follow", "comment", "click"),
        _text("device", "device of the account", nullable=True, personal=True),
        _text("network", "network of the account", nullable=True, personal=True),
        _number("dwell_seconds", "time spent on the content", 0, 86_400, nullable=True, unit="seconds"),
    ),
)

SESSIONS = Table(
    name="sessions",
    row="a login or visit",
    key=("session_id",),
    columns=(
        _text("session_id", "the session"),
        *TIMES,
        _text("account_id", "account logged into, or tried"),
        _choice("kind", "a login asks for the password, a visit goes on with an older login", "login", "visit"),
        _choice("outcome", "how it ended", "succeeded", "wrong_password", "challenged", "blocked"),
        _text("device", "device of the visitor", nullable=True, personal=True),
        _text("network", "network of the visitor", nullable=True, personal=True),
        _text("country", "country of the network", nullable=True),
        _count("wrong_passwords", "wrong passwords before this outcome", nullable=True),
    ),
)

ORDERS = Table(
    name="orders",
    row="an order line: the decision at checkout",
    key=("order_line_id",),
    columns=(
        _text("order_line_id", "the line"),
        *TIMES,
        _text("order_id", "the order that the line belongs to"),
        _count("line_count", "lines in the order", at_least=1),
        _text("buyer_id", "account that bought"),
        _text("seller_id", "account that sold"),
        _text("product_id", "the listing"),
        _text("category", "category of the listing at checkout"),
        _text("creator_id", "creator whose content sold it", nullable=True),
        _text("content_id", "video or live room that sold it", nullable=True),
        _text("device", "device of the checkout", nullable=True, personal=True),
        _text("address", "delivery address", nullable=True, personal=True),
        _text("instrument", "payment instrument", nullable=True, personal=True),
        _text("payment_method", "card, wallet, voucher, cash or bank slip", nullable=True),
        _count("instalments", "number of instalments", nullable=True),
        _text("coupon", "coupon used", nullable=True),
        _text("coupon_funded_by", "platform or seller", nullable=True),
        _money("price_minor", "price of the line"),
        _money("shipping_minor", "shipping charged for the line"),
        _money("discount_minor", "discount on the line"),
        _money("subsidy_minor", "what the platform pays towards the line"),
        *_CURRENCY,
        _number("commission_rate", "commission of the platform", 0, 1, nullable=True, unit="share"),
        _time("ship_by", "the seller must hand over by", nullable=True),
        _time("deliver_by", "delivery promised by", nullable=True),
        _latitude("origin_latitude", "where it ships from"),
        _longitude("origin_longitude", "where it ships from"),
        _latitude("destination_latitude", "where it ships to"),
        _longitude("destination_longitude", "where it ships to"),
        _count("listing_photos", "photos that the listing showed", nullable=True),
        _count("listing_description_characters", "length of the description shown", nullable=True, unit="characters"),
        _count("parcel_weight_grams", "weight of the parcel", nullable=True, unit="grams"),
        _number("weight", "how many lines this one stands for; never a feature", 1e-9, 1e9, unit="lines"),
    ),
)

PAYMENTS = Table(
    name="payments",
    row="an authorisation, capture, refund or chargeback",
    key=("payment_id",),
    columns=(
        _text("payment_id", "the payment"),
        *TIMES,
        _text("order_id", "the order paid for"),
        _text("buyer_id", "account that pays"),
        _choice("kind", "what moved", "authorisation", "capture", "refund", "chargeback"),
        _choice("status", "how it ended", "succeeded", "failed"),
        _text("method", "card, wallet, voucher, cash or bank slip"),
        _text("instrument", "payment instrument", nullable=True, personal=True),
        _text("reason_code", "code of the scheme or bank", nullable=True),
        _money("amount_minor", "amount"),
        *_CURRENCY,
    ),
)

SHIPMENTS = Table(
    name="shipments",
    row="a carrier scan",
    key=("scan_id",),
    columns=(
        _text("scan_id", "the scan"),
        *TIMES,
        _text("order_line_id", "the line shipped"),
        _text("order_id", "its order"),
        *_PARTIES,
        _choice("direction", "to the buyer or back", "forward", "return"),
        _choice("kind", "what was scanned", "handed_over", "in_transit", "delivered", "lost"),
        _text("carrier", "carrier", nullable=True),
        _time("due_at", "when this scan was promised", nullable=True),
        _count("weight_grams", "weight at the scan", nullable=True, unit="grams"),
    ),
)

REVIEWS = Table(
    name="reviews",
    row="a rating of an order line, with text",
    key=("review_id",),
    columns=(
        _text("review_id", "the review of this line"),
        *TIMES,
        _text("order_line_id", "the line rated"),
        _text("order_id", "its order"),
        *_PARTIES,
        Column(name="rating", kind=Kind.INTEGER, meaning="stars", unit="1 to 5", at_least=1, at_most=5),
        _text("text", "what the buyer wrote", nullable=True),
        _choice("moderation", "state of moderation", "published", "held", "removed"),
    ),
)

CASES = Table(
    name="cases",
    row="a version of an after-sales case",
    key=("case_id", "known_at"),
    columns=(
        _text("case_id", "the case"),
        *TIMES,
        _VERSION,
        _text("order_id", "the order"),
        _text("order_line_id", "the line; null for the whole order", nullable=True),
        *_PARTIES,
        _choice("kind", "what is asked for", "refund", "return", "cancellation", "dispute", "complaint"),
        _choice("opened_by", "who opened it", "buyer", "seller", "platform", "unknown"),
        _text("reason_code", "stated reason", nullable=True),
        _text("text", "what was written", nullable=True),
        _money("amount_minor", "amount asked for", nullable=True),
        *_CURRENCY,
        _time("respond_by", "the seller must answer by", nullable=True),
        _flag("return_required", "the goods must come back", nullable=True),
    ),
)

MESSAGES = Table(
    name="messages",
    row="a line of a case's conversation",
    key=("message_id",),
    columns=(
        _text("message_id", "the line"),
        *TIMES,
        _text("case_id", "the case"),
        _choice("author_role", "who wrote it", "buyer", "seller", "platform", "logistics"),
        _text("language", "language written in", nullable=True),
        _text("text", "what was written", nullable=True),
    ),
)

EVIDENCE = Table(
    name="evidence",
    row="a photo, video or receipt of a case",
    key=("evidence_id",),
    columns=(
        _text("evidence_id", "the piece of evidence"),
        *TIMES,
        _text("case_id", "the case"),
        _choice("submitted_by", "who handed it in", "buyer", "seller", "logistics"),
        _choice("kind", "what it is", "photo", "video", "receipt"),
        _text("perceptual_hash", "perceptual hash of the image, 16 hexadecimal digits", nullable=True),
        _time("captured_at", "when the image says that it was taken", nullable=True),
        _count("width_pixels", "width", nullable=True, unit="pixels"),
        _count("height_pixels", "height", nullable=True, unit="pixels"),
        _number("sharpness", "variance of the Laplacian of the grey image", 0, 1e9, nullable=True, unit="grey levels"),
        _number(
            "blockiness", "steps at edges of 8 x 8 blocks against those inside", 0, 1e6, nullable=True, unit="ratio"
        ),
    ),
)

OUTCOMES = Table(
    name="outcomes",
    row="a version of what was decided in a case",
    key=("case_id", "known_at"),
    columns=(
        _text("case_id", "the case"),
        *TIMES,
        _VERSION,
        _text("order_id", "the order"),
        _text("order_line_id", "the line; null for the whole order", nullable=True),
        *_PARTIES,
        _choice("action", "what was done", "refund", "partial_refund", "return_then_refund", "replace", "refuse"),
        _choice("responsible_party", "who is responsible", "buyer", "seller", "logistics", "platform", "undetermined"),
        _money("buyer_minor", "borne by the buyer"),
        _money("seller_minor", "borne by the seller"),
        _money("logistics_minor", "borne by logistics"),
        _money("platform_minor", "borne by the platform"),
        _money("total_minor", "sum of the four"),
        *_CURRENCY,
        _flag("automated", "decided without a person"),
        _text("decided_by", "team or rule that decided", nullable=True),
        _text("policy_version", "policy in force"),
        Column(
            name="satisfaction",
            kind=Kind.INTEGER,
            meaning="the buyer's answer",
            nullable=True,
            unit="1 to 5",
            at_least=1,
            at_most=5,
        ),
    ),
)

APPEALS = Table(
    name="appeals",
    row="a version of an appeal against an outcome or an enforcement",
    key=("appeal_id", "known_at"),
    columns=(
        _text("appeal_id", "the appeal"),
        *TIMES,
        _VERSION,
        _choice("against", "what is appealed", "outcome", "enforcement"),
        _text("against_id", "the case, or the enforcement"),
        _text("appellant_id", "account that appeals"),
        _text("grounds", "why", nullable=True),
        _choice("result", "how it ended", "open", "upheld", "overturned", "split", "withdrawn"),
    ),
)

ENFORCEMENTS = Table(
    name="enforcements",
    row="a warning, limit, hold, removal or ban",
    key=("enforcement_id",),
    columns=(
        _text("enforcement_id", "the enforcement"),
        *TIMES,
        _text("subject_id", "account or listing acted on"),
        _choice("subject_role", "what the subject is", "buyer", "seller", "creator", "staff", "product", "content"),
        _choice("action", "what was done", "warning", "limit", "hold", "removal", "ban"),
        _text("policy_clause", "clause of the policy"),
        _choice("decided_by", "who or what decided", "rule", "model", "person"),
        _text("decision_id", "decision that led to it", nullable=True),
        _time("expires_at", "when it ends; null for never", nullable=True),
    ),
)

PAYOUTS = Table(
    name="payouts",
    row="a version of a settlement to a seller or of a commission to a creator",
    key=("payout_id", "known_at"),
    columns=(
        _text("payout_id", "the payout"),
        *TIMES,
        _VERSION,
        _text("account_id", "account paid"),
        _choice("role", "what the account does", "seller", "creator"),
        _choice("status", "where it stands", "scheduled", "held", "paid", "cancelled"),
        _money("amount_minor", "amount"),
        _money("held_minor", "part held back"),
        _money("reserve_minor", "part kept as a reserve"),
        _money("released_minor", "part of older reserves released with it"),
        *_CURRENCY,
        _text("destination", "bank account paid to", nullable=True, personal=True),
        _time("period_from", "first moment that it settles"),
        _time("period_to", "first moment that it does not settle any more"),
    ),
)

DATA_ACCESSES = Table(
    name="data_accesses",
    row="a staff or seller account reading buyers' personal data",
    key=("access_id",),
    columns=(
        _text("access_id", "the access"),
        *TIMES,
        _text("account_id", "account that read"),
        _choice("role", "what the account does", "staff", "seller"),
        _choice("purpose", "stated purpose", "support", "fulfilment", "investigation", "export", "other"),
        _text("subject_ids", "buyers read about, separated by blanks; at most the first 50", nullable=True),
        _count("subjects", "number of buyers read about", at_least=1),
        _text("case_id", "case that it was for", nullable=True),
        _text("device", "device used", nullable=True, personal=True),
        _text("network", "network used", nullable=True, personal=True),
    ),
)

LABELS = Table(
    name="labels",
    row="what a labeler said of an entity; append-only, resolved by labeler priority at a cutoff",
    key=("label", "entity_id", "occurred_at", "labeler", "known_at"),
    columns=(
        _text("label", "name of the label definition"),
        _text("entity_id", "entity labelled"),
        *TIMES,
        _text("labeler", "who or what said so"),
        Column(name="value", kind=Kind.INTEGER, meaning="1 for yes, 0 for no", at_least=0, at_most=1),
        _text("reason", "why", nullable=True),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        ACCOUNT_CHANGES,
        PRODUCTS,
        CONTENTS,
        ENGAGEMENTS,
        SESSIONS,
        ORDERS,
        PAYMENTS,
        SHIPMENTS,
        REVIEWS,
        CASES,
        MESSAGES,
        EVIDENCE,
        OUTCOMES,
        APPEALS,
        ENFORCEMENTS,
        PAYOUTS,
        DATA_ACCESSES,
        LABELS,
    )
}
