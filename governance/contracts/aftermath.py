"""The tables of what comes after: cases and their outcomes, enforcements, payouts, reads of personal data, labels."""

from governance.contracts.columns import (
    CURRENCY,
    PARTIES,
    TIMES,
    VERSION,
    choice,
    count,
    flag,
    moment,
    money,
    number,
    text,
)
from governance.contracts.schema import Column, Kind, Table

CASES = Table(
    name="cases",
    row="a version of an after-sales case",
    key=("case_id", "known_at"),
    columns=(
        text("case_id", "the case"),
        *TIMES,
        VERSION,
        text("order_id", "the order"),
        text("order_line_id", "the line; null for the whole order", nullable=True),
        *PARTIES,
        choice("kind", "what is asked for", "refund", "return", "cancellation", "dispute", "complaint"),
        choice("opened_by", "who opened it", "buyer", "seller", "platform", "unknown"),
        text("reason_code", "stated reason", nullable=True),
        text("text", "what was written", nullable=True),
        money("amount_minor", "amount asked for", nullable=True),
        *CURRENCY,
        moment("respond_by", "the seller must answer by", nullable=True),
        flag("return_required", "the goods must come back", nullable=True),
    ),
)

MESSAGES = Table(
    name="messages",
    row="a line of a case's conversation",
    key=("message_id",),
    columns=(
        text("message_id", "the line"),
        *TIMES,
        text("case_id", "the case"),
        choice("author_role", "who wrote it", "buyer", "seller", "platform", "logistics"),
        text("language", "language written in", nullable=True),
        text("text", "what was written", nullable=True),
    ),
)

EVIDENCE = Table(
    name="evidence",
    row="a photo, video or receipt of a case",
    key=("evidence_id",),
    columns=(
        text("evidence_id", "the piece of evidence"),
        *TIMES,
        text("case_id", "the case"),
        choice("submitted_by", "who handed it in", "buyer", "seller", "logistics"),
        choice("kind", "what it is", "photo", "video", "receipt"),
        text("perceptual_hash", "perceptual hash of the image, 16 hexadecimal digits", nullable=True),
        moment("captured_at", "when the image says that it was taken", nullable=True),
        count("width_pixels", "width", nullable=True, unit="pixels"),
        count("height_pixels", "height", nullable=True, unit="pixels"),
        number("sharpness", "variance of the Laplacian of the grey image", 0, 1e9, nullable=True, unit="grey levels"),
        number(
            "blockiness", "steps at edges of 8 x 8 blocks against those inside", 0, 1e6, nullable=True, unit="ratio"
        ),
    ),
)

OUTCOMES = Table(
    name="outcomes",
    row="a version of what was decided in a case",
    key=("case_id", "known_at"),
    columns=(
        text("case_id", "the case"),
        *TIMES,
        VERSION,
        text("order_id", "the order"),
        text("order_line_id", "the line; null for the whole order", nullable=True),
        *PARTIES,
        choice("action", "what was done", "refund", "partial_refund", "return_then_refund", "replace", "refuse"),
        choice("responsible_party", "who is responsible", "buyer", "seller", "logistics", "platform", "undetermined"),
        money("buyer_minor", "borne by the buyer"),
        money("seller_minor", "borne by the seller"),
        money("logistics_minor", "borne by logistics"),
        money("platform_minor", "borne by the platform"),
        money("total_minor", "sum of the four"),
        *CURRENCY,
        flag("automated", "decided without a person"),
        text("decided_by", "team or rule that decided", nullable=True),
        text("policy_version", "policy in force"),
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
        text("appeal_id", "the appeal"),
        *TIMES,
        VERSION,
        choice("against", "what is appealed", "outcome", "enforcement"),
        text("against_id", "the case, or the enforcement"),
        text("appellant_id", "account that appeals"),
        text("grounds", "why", nullable=True),
        choice("result", "how it ended", "open", "upheld", "overturned", "split", "withdrawn"),
    ),
)

ENFORCEMENTS = Table(
    name="enforcements",
    row="a warning, limit, hold, removal or ban",
    key=("enforcement_id",),
    columns=(
        text("enforcement_id", "the enforcement"),
        *TIMES,
        text("subject_id", "account or listing acted on"),
        choice("subject_role", "what the subject is", "buyer", "seller", "creator", "staff", "product", "content"),
        choice("action", "what was done", "warning", "limit", "hold", "removal", "ban"),
        text("policy_clause", "clause of the policy"),
        choice("decided_by", "who or what decided", "rule", "model", "person"),
        text("decision_id", "decision that led to it", nullable=True),
        moment("expires_at", "when it ends; null for never", nullable=True),
    ),
)

PAYOUTS = Table(
    name="payouts",
    row="a version of a settlement to a seller or of a commission to a creator",
    key=("payout_id", "known_at"),
    columns=(
        text("payout_id", "the payout"),
        *TIMES,
        VERSION,
        text("account_id", "account paid"),
        choice("role", "what the account does", "seller", "creator"),
        choice("status", "where it stands", "scheduled", "held", "paid", "cancelled"),
        money("amount_minor", "amount"),
        money("held_minor", "part held back"),
        money("reserve_minor", "part kept as a reserve"),
        money("released_minor", "part of older reserves released with it"),
        *CURRENCY,
        text("destination", "bank account paid to", nullable=True, personal=True),
        moment("period_from", "first moment that it settles"),
        moment("period_to", "first moment that it does not settle any more"),
    ),
)

DATA_ACCESSES = Table(
    name="data_accesses",
    row="a staff or seller account reading buyers' personal data",
    key=("access_id",),
    columns=(
        text("access_id", "the access"),
        *TIMES,
        text("account_id", "account that read"),
        choice("role", "what the account does", "staff", "seller"),
        choice("purpose", "stated purpose", "support", "fulfilment", "investigation", "export", "other"),
        text("subject_ids", "buyers read about, separated by blanks; at most the first 50", nullable=True),
        count("subjects", "number of buyers read about", at_least=1),
        text("case_id", "case that it was for", nullable=True),
        text("device", "device used", nullable=True, personal=True),
        text("network", "network used", nullable=True, personal=True),
    ),
)

LABELS = Table(
    name="labels",
    row="what a labeler said of an entity; append-only, resolved by labeler priority at a cutoff",
    key=("label", "entity_id", "occurred_at", "labeler", "known_at"),
    columns=(
        text("label", "name of the label definition"),
        text("entity_id", "entity labelled"),
        *TIMES,
        text("labeler", "who or what said so"),
        Column(name="value", kind=Kind.INTEGER, meaning="1 for yes, 0 for no", at_least=0, at_most=1),
        text("reason", "why", nullable=True),
    ),
)
