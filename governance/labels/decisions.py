"""Which decisions a label is about: order lines at checkout, and active sellers day by day."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import days_between, midnight, valid_at
from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.labels.definition import LabelDefinition
from governance.storage.lake import Lake

ACTIVE_DAYS = 7
"""A seller is active while it took an order in the last so many UTC days."""

SAMPLED_ONE_DAY_IN = 7
"""A seller's labelled decisions are one day in so many: neighbouring days repeat each other."""

STOPPING_ACTIONS = ("hold", "removal", "ban")
"""Enforcements that leave nothing to decide about a seller until they expire."""

_STOP = ("subject_id", "known_at", "expires_at")

SCHEMA = pl.Schema(
    {
        "row_id": pl.String(),
        "entity_id": pl.String(),
        "alternative_id": pl.String(),
        "group_id": pl.String(),
        "decided_at": pl.Datetime("us", "UTC"),
        "market": pl.String(),
        "category": pl.String(),
        "amount_minor": pl.Int64(),
        "weight": pl.Float64(),
    }
)
"""A decision: its id, the entities whose labels it takes, its time, slices, money at stake, rows it stands for."""


def days_to_read(definition: LabelDefinition) -> int:
    """How many days up to the decision day are read for its decisions."""
    return ACTIVE_DAYS if definition.decisions == "active_sellers" else 1


def days_until_matured(definition: LabelDefinition) -> int:
    """Days from the raw partition of a decision to the day on which its label has matured for certain.

    An order of day D is decided before D ends; the sellers of day D are decided on D + 1.
    """
    return definition.maturity_days + (1 if definition.decisions == "active_sellers" else 0)


def stops(lake: Lake, last: date) -> pl.DataFrame:
    """Enforcements that stop their subject, known by the end of `last`: `subject_id`, `known_at`, `expires_at`."""
    paths = lake.paths("raw/enforcements", last=last)
    if not paths:
        return TABLES["enforcements"].empty().select(_STOP)
    rows = pl.scan_parquet(paths, hive_partitioning=False).filter(pl.col("action").is_in(STOPPING_ACTIONS))
    return rows.select(_STOP).collect()


def decisions_of(lake: Lake, definition: LabelDefinition, day: date, stopped: pl.DataFrame) -> pl.DataFrame:
    """The decisions whose raw partition is `day`, in the columns of `SCHEMA`.

    Parameters
    ----------
    stopped : as `stops` gives it, up to `day` or later.
    """
    try:
        return _DECISIONS[definition.decisions](lake, day, stopped)
    except KeyError:
        raise ConfigurationError(
            f"label {definition.name}: decisions = {definition.decisions!r} is not one of {sorted(_DECISIONS)}"
        ) from None


def _order_lines(lake: Lake, day: date, stopped: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG001 - one signature
    return lake.read("raw/orders", [day]).select(
        row_id="order_line_id",
        entity_id="order_line_id",
        alternative_id="order_id",
        group_id="seller_id",
        decided_at="occurred_at",
        market="market",
        category="category",
        amount_minor=_reference_minor(),
        weight="weight",
    )


def active_sellers(lake: Lake, day: date, stopped: pl.DataFrame) -> pl.DataFrame:
    """A decision for every seller that took an order in the last days and is not stopped, as of the end of `day`.

    Parameters
    ----------
    stopped : as `stops` gives it, up to `day` or later.

    Returns
    -------
    The columns of `SCHEMA`, one row a seller.
    """
    recent = lake.read("raw/orders", days_between(day - timedelta(days=ACTIVE_DAYS - 1), day))
    newest = pl.col("occurred_at", "order_line_id")
    sellers = (
        recent.sort(newest)
        .group_by("seller_id", maintain_order=True)
        .agg(
            market=pl.col("market").last(),
            category=pl.col("category").last(),
            amount_minor=_reference_minor().sum(),
        )
    )
    in_force = pl.col("expires_at").is_null() | (pl.col("expires_at") > valid_at(day))
    idle = stopped.filter((pl.col("known_at") < midnight(day + timedelta(days=1))) & in_force)
    sellers = sellers.join(idle, left_on="seller_id", right_on="subject_id", how="anti")
    return sellers.select(
        row_id=pl.col("seller_id") + f"@{day.isoformat()}",
        entity_id="seller_id",
        alternative_id=pl.lit(None, pl.String),
        group_id="seller_id",
        decided_at=pl.lit(valid_at(day)).dt.cast_time_unit("us"),
        market="market",
        category="category",
        amount_minor="amount_minor",
        weight=pl.lit(1.0),
    )


def _sampled_sellers(lake: Lake, day: date, stopped: pl.DataFrame) -> pl.DataFrame:
    everyone = active_sellers(lake, day, stopped)
    chosen = pl.col("entity_id").map_elements(lambda seller: sampled(seller, day), pl.Boolean)
    return everyone.filter(chosen)


def sampled(seller_id: str, day: date) -> bool:
    """Whether a seller's decision of this day is labelled: one day in seven, by a hash of the seller.

    >>> sum(sampled("s1", date(2026, 1, 1) + timedelta(days=offset)) for offset in range(28))
    4
    """
    offset = hashlib.sha256(seller_id.encode()).digest()[0]
    return (offset + day.toordinal()) % SAMPLED_ONE_DAY_IN == 0


def _reference_minor() -> pl.Expr:
    return (pl.col("price_minor") * pl.col("reference_rate") + 0.5).floor().cast(pl.Int64)


_DECISIONS: Mapping[str, Callable[[Lake, date, pl.DataFrame], pl.DataFrame]] = {
    "order_lines": _order_lines,
    "active_sellers": _sampled_sellers,
}
