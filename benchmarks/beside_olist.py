"""What is measured of a marketplace to set a simulated one beside a real one, both in the tables of the contracts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.contracts.tables import TABLES
from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.simulated.rows import as_rows
from governance.marketplaces.source import Source

Floats = npt.NDArray[np.float64]

WINDOW_DAYS = 210
"""Decisions of so many days are compared, the newest ones left out by `SETTLED_DAYS`."""

SETTLED_DAYS = 60
"""By then, what follows from an order has mostly followed."""

OLIST_UNTIL = date(2018, 8, 20)
"""Hardly any order of the sample is younger."""

ALIKE = 1.25
"""Figures whose ratio lies within this factor are called alike."""


@dataclass(frozen=True, slots=True)
class Side:
    """One marketplace's rows of the window: lines with what came of them, and orders."""

    lines: pl.DataFrame
    orders: pl.DataFrame

    def values(self, column: str) -> tuple[Floats, Floats]:
        """The values of the lines that have one, and their weights."""
        rows = self.lines.drop_nulls(column)
        return rows[column].cast(pl.Float64).to_numpy(), rows["weight"].to_numpy()

    def share(self, condition: pl.Expr) -> float:
        """The weighted share of lines, among those for which the condition is known."""
        rows = self.lines.select("weight", found=condition).drop_nulls()
        return float((rows["weight"] * rows["found"]).sum() / rows["weight"].sum())

    def quantile(self, column: str, share: float) -> float:
        """The value below which this share of the weight lies."""
        values, weights = self.values(column)
        order = np.argsort(values)
        reached = np.cumsum(weights[order]) / weights.sum()
        return float(values[order][min(np.searchsorted(reached, share), len(values) - 1)])

    def shares(self, column: str, kinds: Sequence[int]) -> list[float]:
        """The share of each value among the lines that have one."""
        return [self.share(pl.col(column) == kind) for kind in kinds]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of both marketplaces, and how to print it."""

    name: str
    olist: float
    simulated: float
    form: str

    @property
    def alike(self) -> bool:
        """Whether the two differ by less than `ALIKE`."""
        low, high = sorted((self.olist, self.simulated))
        return high <= low * ALIKE

    @property
    def row(self) -> str:
        """A row of the report's table."""
        said = "" if self.alike else "differs"
        return f"| {self.name} | {self.olist:{self.form}} | {self.simulated:{self.form}} | {said} |"


def read_world(root: Path) -> dict[str, pl.DataFrame]:
    """Every delivered row of the tables compared, of a simulated world."""
    return {name: _rows(sorted(root.glob(f"{name}/dt=*/rows.parquet"))) for name in _COMPARED}


def read_olist(root: Path) -> dict[str, pl.DataFrame]:
    """The same tables of Olist, through the SQL that lands them."""
    olist = load_marketplace("olist")
    days = days_between(olist.first_day, olist.last_day or OLIST_UNTIL)
    found = {}
    with Source(olist, root) as source:
        for name in _COMPARED:
            frames = [rows for _, rows in source.deliveries(name, days) if isinstance(rows, pl.DataFrame)]
            found[name] = pl.concat([as_rows(TABLES[name].schema, rows) for rows in frames])
    return found


def side(tables: dict[str, pl.DataFrame], *, until: date) -> Side:
    """The lines of the `WINDOW_DAYS` before `until`, with what came of each."""
    orders = tables["orders"].unique("order_line_id", keep="first", maintain_order=True)
    window = pl.col("occurred_at").is_between(midnight(until - timedelta(days=WINDOW_DAYS)), midnight(until), "left")
    lines = orders.filter(window).with_columns(weight=pl.col("weight").fill_null(1.0))
    for name, found in _outcomes(tables).items():
        lines = lines.join(found, on=_KEYS[name], how="left")
    lines = lines.with_columns(
        pl.col("cancelled").fill_null(False),
        delivery_days=_days("delivered_at", "occurred_at"),
        handover_days=_days("handed_over_at", "occurred_at"),
        transit_days=_days("delivered_at", "handed_over_at"),
        promised_days=_days("deliver_by", "occurred_at"),
        late_days=_days("delivered_at", "deliver_by"),
        review_days=_days("reviewed_at", "delivered_at"),
        low_review_days=pl.when(pl.col("rating") <= 2).then(_days("reviewed_at", "occurred_at")),
        case_days=_days("case_at", "occurred_at"),
        price=pl.col("price_minor") / pl.col("price_minor").median().over("currency"),
        log_price=(pl.col("price_minor") / pl.col("price_minor").median().over("currency")).log(10),
        shipping=pl.col("shipping_minor") / (pl.col("price_minor") + pl.col("shipping_minor")),
        weekday=pl.col("occurred_at").dt.weekday(),
        lines=pl.min_horizontal("line_count", pl.lit(3)),
        kilometres=_kilometres(),
    )
    first = lines.unique("order_id", keep="first", maintain_order=True)
    return Side(lines, first)


_COMPARED = ("orders", "shipments", "reviews", "cases")
_KEYS = {"scans": "order_line_id", "reviews": "order_line_id", "cancelled": "order_id", "cases": "order_id"}


def _rows(paths: Sequence[Path]) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in paths])


def _days(later: str, earlier: str) -> pl.Expr:
    return (pl.col(later) - pl.col(earlier)).dt.total_seconds() / 86_400


def _kilometres() -> pl.Expr:
    """Great-circle distance of the line (haversine)."""
    names = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")
    from_lat, from_lon, to_lat, to_lon = (pl.col(name).radians() for name in names)
    chord = ((to_lat - from_lat) / 2).sin() ** 2 + from_lat.cos() * to_lat.cos() * ((to_lon - from_lon) / 2).sin() ** 2
    return 2 * 6371 * chord.sqrt().arcsin()


def _outcomes(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """What came of each line, and of each order whether it was cancelled."""
    forward = tables["shipments"].filter(pl.col("direction") == "forward").group_by("order_line_id")
    scans = forward.agg(
        handed_over_at=pl.col("occurred_at").filter(pl.col("kind") == "handed_over").min(),
        delivered_at=pl.col("occurred_at").filter(pl.col("kind") == "delivered").min(),
    )
    reviews = (
        tables["reviews"]
        .group_by("order_line_id")
        .agg(reviewed_at=pl.col("occurred_at").min(), rating=pl.col("rating").sort_by("occurred_at").first())
    )
    cancelled = pl.col("kind") == "cancellation"
    cancellations = tables["cases"].filter(cancelled).select("order_id", cancelled=pl.lit(True)).unique("order_id")
    opened = tables["cases"].filter(~cancelled).group_by("order_id").agg(case_at=pl.col("occurred_at").min())
    return {"scans": scans, "reviews": reviews, "cancelled": cancellations, "cases": opened}


def concentration(lines: pl.DataFrame) -> tuple[Floats, Floats]:
    """Sellers from the largest to the smallest as shares of all, and the share of lines that they took together."""
    sold = lines.group_by("seller_id").agg(pl.col("weight").sum())["weight"].sort(descending=True).to_numpy()
    return np.arange(1, len(sold) + 1) / len(sold), np.cumsum(sold) / sold.sum()


def taken_by_largest(lines: pl.DataFrame, share: float) -> float:
    """The share of lines that the largest sellers took."""
    sellers, taken = concentration(lines)
    return float(np.interp(share, sellers, taken))


def figures(olist: Side, simulated: Side) -> list[Figure]:
    """Every number compared."""

    def both(name: str, form: str, measure: Callable[[Side], float]) -> Figure:
        return Figure(name, measure(olist), measure(simulated), form)

    quantiles = [
        both(f"{name}, {label}", form, lambda of, column=column, share=share: of.quantile(column, share))
        for name, column, form in _QUANTILES
        for label, share in (("1 in 10 below", 0.1), ("median", 0.5), ("9 in 10 below", 0.9))
    ]
    return [
        both("lines that are delivered", ".1%", lambda of: of.share(pl.col("delivered_at").is_not_null())),
        both("delivered lines that come late", ".1%", lambda of: of.share(pl.col("late_days") > 0)),
        both("orders cancelled", ".2%", lambda of: _weighted(of.orders, pl.col("cancelled"))),
        both("orders of one line", ".1%", lambda of: _weighted(of.orders, pl.col("line_count") == 1)),
        both("delivered lines with a review", ".1%", _reviewed),
        both("reviews of 1 or 2 stars", ".1%", lambda of: of.share(pl.col("rating") <= 2)),
        both("reviews of 5 stars", ".1%", lambda of: of.share(pl.col("rating") == 5)),
        both("1 or 2 stars when late", ".1%", lambda of: _low_when(of, pl.col("late_days") > 0)),
        both("1 or 2 stars when in time", ".1%", lambda of: _low_when(of, pl.col("late_days") <= 0)),
        both("lines sold by the largest tenth of sellers", ".1%", lambda of: taken_by_largest(of.lines, 0.1)),
        both("lines sold by the largest hundredth", ".1%", lambda of: taken_by_largest(of.lines, 0.01)),
        both("lines bought on Saturday or Sunday", ".1%", lambda of: of.share(pl.col("weekday") >= 6)),
        both("orders of buyers with an earlier one in the window", ".1%", _repeated),
        *quantiles,
    ]


_QUANTILES = (
    ("days from order to delivery", "delivery_days", ".1f"),
    ("days from order to handover", "handover_days", ".1f"),
    ("days from handover to delivery", "transit_days", ".1f"),
    ("days promised", "promised_days", ".1f"),
    ("days from order to a review of 1 or 2 stars", "low_review_days", ".1f"),
    ("price over the median of its currency", "price", ".2f"),
    ("shipping as a share of what is paid", "shipping", ".2f"),
    ("kilometres from seller to buyer", "kilometres", ".0f"),
)


def _weighted(rows: pl.DataFrame, condition: pl.Expr) -> float:
    found = rows.select("weight", found=condition)
    return float((found["weight"] * found["found"]).sum() / found["weight"].sum())


def _reviewed(of: Side) -> float:
    return _weighted(of.lines.drop_nulls("delivered_at"), pl.col("rating").is_not_null())


def _low_when(of: Side, condition: pl.Expr) -> float:
    return _weighted(of.lines.drop_nulls(["rating", "late_days"]).filter(condition), pl.col("rating") <= 2)


def _repeated(of: Side) -> float:
    return _weighted(of.orders.sort("occurred_at"), ~pl.col("buyer_id").is_first_distinct())
