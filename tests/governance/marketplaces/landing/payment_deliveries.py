"""A small dated marketplace of payments: what its owner delivers, and how it lands."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.contracts.personal import PUBLISHED
from governance.contracts.tables import TABLES
from governance.marketplaces.landing import LandingReport, land, plan
from governance.marketplaces.marketplace import Marketplace
from governance.marketplaces.source import Source
from governance.storage.lake import Lake

FIRST = date(2026, 3, 1)
DAYS = days_between(FIRST, date(2026, 3, 5))
BAD = DAYS[2]
NOW = datetime(2026, 4, 1, tzinfo=UTC)
LINES_A_DAY = 10

TOML = """
name = "bazaar"
currency = "USD"
time_zone = "UTC"
first_day = 2026-03-01
quarantine_share_at_most = 0.2
synthetic = true
dated = true
[files]
payments = "payments/dt={day}/rows.parquet"
"""


def payments(day: date) -> pl.DataFrame:
    """Ten payments of a day, as the contract wants them."""
    known_at = [midnight(day) + timedelta(hours=hour) for hour in range(LINES_A_DAY)]
    rows = pl.DataFrame(
        {
            "payment_id": [f"{day}-{line}" for line in range(LINES_A_DAY)],
            "occurred_at": known_at,
            "known_at": known_at,
            "market": "US",
            "order_id": [f"order-{line}" for line in range(LINES_A_DAY)],
            "buyer_id": "buyer",
            "kind": "capture",
            "status": "succeeded",
            "method": "card",
            "instrument": "4111 1111 1111 1111",
            "reason_code": None,
            "amount_minor": list(range(LINES_A_DAY)),
            "currency": "USD",
            "reference_rate": 1.0,
        }
    )
    return rows.cast(dict(TABLES["payments"].schema))


def path_of(owner: Path, day: date) -> Path:
    return owner / f"payments/dt={day}/rows.parquet"


def deliver(owner: Path, day: date, rows: pl.DataFrame) -> None:
    path = path_of(owner, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)


def land_days(lake: Lake, bazaar: Marketplace, owner: Path, **options: Any) -> LandingReport:
    with Source(bazaar, owner) as source:
        return land(lake, bazaar, source, "payments", DAYS, **({"now": NOW, "keyed_hash": PUBLISHED} | options))


def plan_days(lake: Lake, bazaar: Marketplace, owner: Path) -> dict[str, list[date]]:
    with Source(bazaar, owner) as source:
        return plan(lake, bazaar, source, DAYS, key_id=PUBLISHED.key_id)


def digests(lake: Lake, dataset: str = "raw/payments") -> dict[date, str]:
    return {day: manifest.digest for day, manifest in lake.manifests(dataset).items()}


def first(value: Any, otherwise: str) -> pl.Expr:
    """The column `otherwise` with another value in its first row."""
    return pl.when(pl.int_range(pl.len()) == 0).then(value).otherwise(otherwise)
