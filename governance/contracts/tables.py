"""The tables that a marketplace delivers, as data. Facts that change are versions: a correction is a new row.

Rows about an order line repeat its buyer, seller, product and category, so that a day's features
need that day's rows only and never a search through all earlier orders.
"""

from governance.contracts.aftermath import (
    APPEALS,
    CASES,
    DATA_ACCESSES,
    ENFORCEMENTS,
    EVIDENCE,
    LABELS,
    MESSAGES,
    OUTCOMES,
    PAYOUTS,
)
from governance.contracts.columns import TIMES
from governance.contracts.schema import Table
from governance.contracts.trade import (
    ACCOUNT_CHANGES,
    ACCOUNTS,
    CONTENTS,
    ENGAGEMENTS,
    ORDERS,
    PAYMENTS,
    PRODUCTS,
    REVIEWS,
    SESSIONS,
    SHIPMENTS,
)

__all__ = [
    "ACCOUNTS",
    "ACCOUNT_CHANGES",
    "APPEALS",
    "CASES",
    "CONTENTS",
    "DATA_ACCESSES",
    "ENFORCEMENTS",
    "ENGAGEMENTS",
    "EVIDENCE",
    "LABELS",
    "MESSAGES",
    "ORDERS",
    "OUTCOMES",
    "PAYMENTS",
    "PAYOUTS",
    "PRODUCTS",
    "REVIEWS",
    "SESSIONS",
    "SHIPMENTS",
    "TABLES",
    "TIMES",
]

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
