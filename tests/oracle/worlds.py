"""Small simulated workspaces, brought up to date by the project's own code, with hard cases planted in the source.

Planted: rows that come days and months late, rows that tie to the microsecond, times on either side of
a midnight, statements on either side of a decision and of its maturity, and a day that is delivered twice.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from governance.contracts.calendar import days_between, midnight, valid_at
from governance.contracts.personal import PUBLISHED
from governance.contracts.tables import TABLES
from governance.features import build as features
from governance.labels import matured, statements
from governance.marketplaces.landing import land
from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.world import simulate
from governance.workspace import Workspace

FIRST_DAY = date(2024, 1, 1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CLAIM_DAYS, FRAUD_DAYS = timedelta(days=21), timedelta(days=30)

LATE_DAYS = (2, 8, 31, 33, 91, 95)
"""How late planted events become known: within and beyond every window."""


def workspace(root: Path, *, days: int, buyers: int, seed: int) -> Workspace:
    """A workspace whose source has been delivered, but not landed."""
    campaigns = load_campaigns().only("merchant_fraud", first_day=12, oversampling=60.0)
    simulate(root / "source", Settings(seed=seed, first_day=FIRST_DAY, buyers=buyers, campaigns=campaigns), days=days)
    return Workspace(
        root=root / "workspace",
        marketplace=load_marketplace("simulated"),
        source_root=root / "source",
        keyed_hash=PUBLISHED,
        objects_url=str(root / "objects"),
    )


def bring_up_to_date(of: Workspace) -> None:
    """Land what features and labels read, compute and label whatever is stale, as the daily run does."""
    days, labels = of.days(), [model.label for model in of.models.present.values()]
    read = {table for view in of.views.values() for table in view.tables} | {
        name for one in labels for name in one.needs
    }
    with of.source() as source:
        for table in sorted(read):
            report = land(of.lake, of.marketplace, source, table, days, now=NOW, keyed_hash=of.keyed_hash)
            assert not report.failures, report.failures
    for view in of.views.values():
        if stale := features.stale_days(of.lake, view, days):
            features.build(of.lake, view, first_day=days[0], first=stale[0], last=days[-1])
    if stale := statements.stale_days(of.lake, labels, days):
        statements.record_days(of.lake, of.ledger, labels, stale)
    for label in labels:
        if stale := matured.stale_days(of.lake, label, days):
            matured.build(of.lake, of.ledger, label, stale)


def change_day(source: Path, table: str, day: date, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Deliver one day of a table again."""
    path = source / table / f"dt={day.isoformat()}" / "rows.parquet"
    pl_rows = change(pl.read_parquet(path, hive_partitioning=False))
    pl_rows.select(TABLES[table].names).cast(dict(TABLES[table].schema)).write_parquet(path)


def add(source: Path, table: str, **values: Any) -> None:
    """Deliver one more row, like some other row of its table but for `values`, on the day of its `known_at`."""
    files = sorted((source / table).glob("dt=*/rows.parquet"))
    template = next(rows for file in files if not (rows := pl.read_parquet(file, hive_partitioning=False)).is_empty())
    row = template.head(1).with_columns(
        pl.lit(value, TABLES[table].schema[name]).alias(name) for name, value in values.items()
    )
    change_day(source, table, values["known_at"].date(), lambda rows: pl.concat([rows, row]))


def orders_of(source: Path, day: date) -> list[Mapping[str, Any]]:
    return pl.read_parquet(
        source / "orders" / f"dt={day.isoformat()}" / "rows.parquet", hive_partitioning=False
    ).to_dicts()


def plant(source: Path, *, day: date) -> None:
    """Plant every hard case around a day that has at least 34 days behind it."""
    lines = _quiet(source, orders_of(source, day) + orders_of(source, day + timedelta(days=1)))
    _plant_late_rows(source, lines[0], day)
    _plant_ties(source, lines[1], day)
    _plant_cases(source, lines[2:8])
    _plant_labels(source, lines, day)
    # A line that two days deliver is one decision: the first.
    again = {"price_minor": 2 * lines[0]["price_minor"], "known_at": midnight(day + timedelta(days=2))}
    add(source, "orders", **(dict(lines[0]) | again))


def _quiet(source: Path, lines: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A line of each order that has no case, of sellers of whom nothing is said: what is planted there stands alone."""
    cases, labels = (pl.read_parquet(source / table / "*" / "rows.parquet") for table in ("cases", "labels"))
    troubled, said_of = set(cases["order_id"]), set(labels["entity_id"])
    of_orders = {line["order_id"]: line for line in lines}.values()
    return [line for line in of_orders if line["order_id"] not in troubled and line["seller_id"] not in said_of]


def _plant_late_rows(source: Path, line: Mapping[str, Any], day: date) -> None:
    of = {name: line[name] for name in ("buyer_id", "seller_id", "product_id", "category", "market")}
    for late in LATE_DAYS:
        times = {"known_at": midnight(day) + timedelta(hours=9), "occurred_at": midnight(day - timedelta(days=late))}
        halves = {"price_minor": 100 * late + 1, "reference_rate": 0.5}
        add(source, "orders", order_line_id=f"late-{late}", order_id=f"late-order-{late}", **of, **times, **halves)
        add(source, "reviews", review_id=f"late-{late}", order_line_id=f"late-{late}", rating=1, **of, **times)
        kind = {"kind": "handed_over", "direction": "forward"}
        add(source, "shipments", scan_id=f"late-{late}", due_at=times["occurred_at"], **kind, **of, **times)
        add(source, "cases", case_id=f"late-{late}", order_line_id=f"late-{late}", version=1, **of, **times)


def _plant_ties(source: Path, line: Mapping[str, Any], day: date) -> None:
    """Orders of one seller and buyer in the same microsecond, at the edges of the day and of its landing."""
    of = {name: line[name] for name in ("buyer_id", "seller_id", "product_id", "category", "market")}
    before, at = midnight(day) - MICROSECOND, midnight(day)
    landing = valid_at(day - timedelta(days=1))
    moments = [before, before, at, at, landing, landing, landing - MICROSECOND]
    for number, moment in enumerate(moments):
        ids = {"order_line_id": f"tie-{number}", "order_id": f"tie-order-{number // 2}"}
        add(source, "orders", occurred_at=moment, known_at=moment, **ids, **of)
        about = {"order_line_id": f"tie-{number}", "rating": 1 + number % 5}
        add(source, "reviews", review_id=f"tie-{number}", occurred_at=at, known_at=at, **about, **of)


def _plant_cases(source: Path, lines: list[Mapping[str, Any]]) -> None:
    """Cases at a decision and at its maturity and a microsecond beside, of lines and of whole orders."""
    first, second, third, fourth, fifth, sixth = lines
    for number, (line, after) in enumerate(
        [
            (first, timedelta(0)),
            (second, MICROSECOND),
            (third, CLAIM_DAYS),
            (fourth, CLAIM_DAYS + MICROSECOND),
        ]
    ):
        known_at = line["occurred_at"] + after
        _add_case(source, line, number, known_at=known_at, order_line_id=line["order_line_id"])
    _add_case(source, fifth, 4, known_at=fifth["occurred_at"] + timedelta(days=1), order_line_id=None)
    # The case of the line and that of its order began at once; the first to become known gives the reason.
    began = sixth["occurred_at"] + timedelta(hours=1)
    for number, (kind, line_id, days) in enumerate([("dispute", sixth["order_line_id"], 2), ("return", None, 3)]):
        known_at = began + timedelta(days=days)
        _add_case(source, sixth, 5 + number, known_at=known_at, order_line_id=line_id, kind=kind, occurred_at=began)


def _add_case(source: Path, line: Mapping[str, Any], number: int, *, known_at: datetime, **values: Any) -> None:
    of = {name: line[name] for name in ("order_id", "buyer_id", "seller_id", "product_id", "category", "market")}
    case = {"case_id": f"planted-{number}", "version": 1, "occurred_at": known_at, "kind": "complaint"}
    add(source, "cases", **(of | case | {"known_at": known_at} | values))


def _plant_labels(source: Path, lines: list[Mapping[str, Any]], day: date) -> None:
    """Statements about four sellers: at a decision, at its maturity and just after it, and two that contradict."""
    rule, audit = ("automatic_rule", 1), ("audit", 0)
    soon = timedelta(days=3)
    planted = [
        [(FRAUD_DAYS, "enforcement", 1)],
        [(timedelta(0), "enforcement", 1)],
        [(FRAUD_DAYS + MICROSECOND, "audit", 1)],
        [(soon, *rule), (soon, *audit)],
    ]
    sellers = {line["seller_id"]: line for line in reversed(lines)}
    for said, (seller, line) in zip(planted, sellers.items(), strict=False):
        decided = next(one for one in days_between(day, day + timedelta(days=6)) if _sampled(seller, one))
        moment = midnight(decided) + timedelta(hours=5)
        ids = {"order_line_id": f"active-{seller}", "order_id": f"active-order-{seller}"}
        add(source, "orders", **(dict(line) | ids | {"occurred_at": moment, "known_at": moment}))
        for after, labeler, value in said:
            known_at = valid_at(decided) + after
            _add_label(source, seller, labeler, value, known_at=known_at, occurred_at=moment)


def _add_label(source: Path, seller: str, labeler: str, value: int, **times: datetime) -> None:
    said = {"label": "merchant_fraud", "entity_id": seller, "labeler": labeler, "value": value}
    add(source, "labels", reason=f"planted by {labeler}", **said, **times)


def _sampled(seller: str, day: date) -> bool:
    return (hashlib.sha256(seller.encode()).digest()[0] + day.toordinal()) % 7 == 0


def deliver_again(source: Path, *, day: date) -> None:
    """Deliver a day once more: rows corrected, rows gone, rows added."""
    number = pl.int_range(pl.len())
    dearer = pl.when(number % 3 == 0).then(pl.col("price_minor") * 3).otherwise("price_minor").alias("price_minor")
    change_day(source, "orders", day, lambda rows: rows.slice(2).with_columns(dearer))
    stars = pl.when(number % 2 == 0).then(1).otherwise("rating").alias("rating")
    change_day(source, "reviews", day, lambda rows: rows.with_columns(stars))
    change_day(source, "cases", day, lambda rows: rows.slice(1).with_columns(kind=pl.lit("dispute")))
    change_day(source, "labels", day, lambda rows: rows.slice(1))
    line = orders_of(source, day)[0]
    known_at = midnight(day) + timedelta(hours=12)
    _add_case(source, line, 100, known_at=known_at, order_line_id=line["order_line_id"])
    _add_label(source, line["seller_id"], "enforcement", 1, known_at=known_at, occurred_at=known_at)
