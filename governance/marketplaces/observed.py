"""What lies open at a decision: the raw row that it is about, and the newest rows of those who take part in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from governance.contracts.schema import Column, Kind
from governance.contracts.tables import TABLES

IDENTIFIERS = ("invited_by", "image_hash", "perceptual_hash", "product_ids", "subject_ids")
"""Columns that name something, beside those that end in `_id` and personal ones."""

ROW, ROW_OF_DAY = "(row)", "(row of its day)"
"""Where the decision's own row stands among all delivered rows, and within its day as a share."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A table whose newest row by the time of the decision is seen, where its `key` equals the column `by`."""

    table: str
    key: str
    by: str = "entity_id"


@dataclass(frozen=True, slots=True)
class Observed:
    """What is seen at a label's decisions, the own row first.

    Rows that share a value in one of `groups` (columns) are alike: what is learnt of some is judged on others.
    """

    groups: tuple[str, ...]
    seen: tuple[Seen, ...]


_LINE = Seen("orders", "order_line_id")
_CASE = Seen("cases", "case_id")

OBSERVED: Mapping[str, Observed] = {
    "fake_account": Observed(("entity_id",), (Seen("accounts", "account_id"),)),
    "account_takeover": Observed(
        ("sessions.account_id",),
        (Seen("sessions", "session_id"), Seen("accounts", "account_id", "sessions.account_id")),
    ),
    "incentive_abuse": Observed(
        ("orders.buyer_id", "orders.seller_id"), (_LINE, Seen("accounts", "account_id", "orders.buyer_id"))
    ),
    "merchant_fraud": Observed(
        ("entity_id",), (Seen("accounts", "account_id"), Seen("products", "seller_id"), Seen("payouts", "account_id"))
    ),
    "brushing": Observed(
        ("orders.buyer_id", "orders.seller_id"),
        (_LINE, Seen("reviews", "order_line_id"), Seen("accounts", "account_id", "orders.buyer_id")),
    ),
    "listing_violation": Observed(
        ("products.seller_id",), (Seen("products", "product_id"), Seen("accounts", "account_id", "products.seller_id"))
    ),
    "creator_cheating": Observed(("entity_id",), (Seen("payouts", "account_id"), Seen("accounts", "account_id"))),
    "click_farm": Observed(
        ("entity_id", "engagements.creator_id"), (Seen("engagements", "account_id"), Seen("accounts", "account_id"))
    ),
    "content_violation": Observed(
        ("contents.creator_id",),
        (Seen("contents", "content_id"), Seen("accounts", "account_id", "contents.creator_id")),
    ),
    "claim": Observed(
        ("orders.buyer_id", "orders.seller_id"), (_LINE, Seen("products", "product_id", "orders.product_id"))
    ),
    "refund_abuse": Observed(
        ("cases.buyer_id", "cases.seller_id"),
        (
            _CASE,
            Seen("orders", "order_line_id", "cases.order_line_id"),
            Seen("accounts", "account_id", "cases.buyer_id"),
        ),
    ),
    "responsibility": Observed(
        ("cases.buyer_id", "cases.seller_id"),
        (
            _CASE,
            Seen("orders", "order_line_id", "cases.order_line_id"),
            Seen("accounts", "account_id", "cases.seller_id"),
        ),
    ),
}
"""For each label, what is seen at its decisions."""


def observe(source_root: Path, label: str, decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions (`entity_id`, `occurred_at`) with `<table>.<column>` of every row seen, where the table is there.

    `ROW` and `ROW_OF_DAY` say where the own row stands; a decision without an own row is left out.
    """
    rows = decisions
    for number, seen in enumerate(OBSERVED[label].seen):
        raw = _raw(source_root, seen, numbered=number == 0)
        if raw is not None and seen.by in rows.columns:
            rows = _joined(rows, raw, seen)
        if number == 0:
            own = f"{seen.table}.known_at"
            rows = rows.filter(pl.col(own).is_not_null()) if own in rows.columns else rows.clear()
    return rows


def column_of(name: str) -> Column:
    """The contract of an observed column."""
    table, _, column = name.partition(".")
    return {one.name: one for one in TABLES[table].columns}[column]


def is_identifier(column: Column) -> bool:
    """Whether values only name something, so that one of them tells nothing about any other."""
    return column.kind is Kind.STRING and (column.personal or column.name.endswith("_id") or column.name in IDENTIFIERS)


def _raw(source_root: Path, seen: Seen, *, numbered: bool) -> pl.DataFrame | None:
    """Every delivered row of a table in the order of delivery, its columns with the table's name before theirs."""
    paths = sorted(source_root.glob(f"{seen.table}/dt=*/rows.parquet"))
    if not paths:
        return None
    rows = pl.concat([pl.read_parquet(path) for path in paths])
    if numbered:
        day = pl.col("known_at").dt.date()
        within = pl.int_range(pl.len()).over(day) / pl.len().over(day)
        rows = rows.with_columns(within.alias(ROW_OF_DAY)).with_row_index(ROW)
    return rows.rename({name: f"{seen.table}.{name}" for name in rows.columns if name not in (ROW, ROW_OF_DAY)})


def _joined(rows: pl.DataFrame, raw: pl.DataFrame, seen: Seen) -> pl.DataFrame:
    at, key = f"{seen.table}.occurred_at", f"{seen.table}.{seen.key}"
    # The key would be lost in the join, and it is looked at like any other column.
    raw = raw.with_columns(pl.col(key).alias("(key)")).sort(at, maintain_order=True)
    ordered = rows.sort("occurred_at", maintain_order=True)
    found = ordered.join_asof(
        raw,
        left_on="occurred_at",
        right_on=at,
        by_left=seen.by,
        by_right="(key)",
        coalesce=False,
        check_sortedness=False,
    )
    return found.drop("(key)", strict=False)
