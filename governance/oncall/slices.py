"""Where it is worst: the market and category that most of the money of some sellers belongs to."""

from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import days_between
from governance.storage.lake import Lake

_SELLING_DAYS = 28


def worst_slice(lake: Lake, last: date, amounts: pl.DataFrame) -> str | None:
    """The `market/category` with the largest sum of `amount_minor` over sellers; None where nobody of them sold.

    Parameters
    ----------
    amounts : columns `seller_id` and `amount_minor`.
    """
    placed = amounts.join(_slices(lake, last), on="seller_id", how="inner")
    sums = placed.group_by("slice").agg(pl.col("amount_minor").sum()).sort("amount_minor", "slice", descending=True)
    return str(sums["slice"][0]) if sums.height and sums["amount_minor"][0] > 0 else None


def _slices(lake: Lake, last: date) -> pl.DataFrame:
    """The slice in which each seller sold last."""
    days = days_between(last - timedelta(days=_SELLING_DAYS - 1), last)
    landed = [day for day in days if lake.path("raw/orders", day).exists()]
    if not landed:
        return pl.DataFrame(schema={"seller_id": pl.String(), "slice": pl.String()})
    newest = lake.read("raw/orders", landed).sort("occurred_at", "order_line_id")
    where = pl.concat_str("market", "category", separator="/", ignore_nulls=True)
    return newest.group_by("seller_id").agg(slice=where.last())
