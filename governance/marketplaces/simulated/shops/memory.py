"""The lines of the last weeks, with what has become known of their parcels: what ideal observers look back on."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Ints, Today, joint
from governance.marketplaces.simulated.ids import numbers

KEPT_DAYS = 40

LINES = pl.Schema(
    {
        "line_key": pl.Int64(),
        "day": pl.Int32(),
        "resolved": pl.Int32(),
        "buyer": pl.Int64(),
        "seller": pl.Int64(),
        "campaign": pl.Int32(),
        "odds": pl.Float32(),
        "words": pl.Float32(),
        "listed_grams": pl.Int32(),
        "grams": pl.Int32(),
    }
)
"""`resolved` is the day on which a line that has no hand-over scan counts as overdue, `odds` what the order itself
says of brushing (the logarithm of a likelihood ratio) and `words` what a good review of it says in words, `grams` the
weight of its hand-over scan, null before that."""

_DIGITS = 16


def no_lines() -> pl.DataFrame:
    """No line is remembered."""
    return pl.DataFrame(schema=LINES)


def line_keys(line_ids: pl.Series, *, seed: int) -> Ints:
    """The keys of order lines by their ids."""
    order = numbers(line_ids.str.slice(len("order-"), _DIGITS), seed=seed)
    line = line_ids.str.slice(len("order-") + _DIGITS + 1).cast(pl.Int64).to_numpy()
    return joint(order, line)


def with_today(remembered: pl.DataFrame, lines: pl.DataFrame, today: Today) -> pl.DataFrame:
    """The lines remembered, today's among them, those of long ago no more."""
    new = lines.select_seq(
        pl.col(name).cast(kind) if name in lines.columns else pl.lit(None, kind).alias(name)
        for name, kind in LINES.items()
    )
    return pl.concat([remembered.filter(pl.col("day") > today.index - KEPT_DAYS), new], rechunk=True)


def with_scans(remembered: pl.DataFrame, shipments: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The lines remembered, with the weights of the hand-over scans that became known today."""
    scans = shipments.filter((pl.col("direction") == "forward") & (pl.col("kind") == "handed_over"))
    if not scans.height:
        return remembered
    known = pl.DataFrame(
        {"line_key": line_keys(scans["order_line_id"], seed=seed), "scanned": scans["weight_grams"].cast(pl.Int32)}
    )
    joined = remembered.join(known, on="line_key", how="left", maintain_order="left")
    return joined.with_columns_seq(grams=pl.coalesce("grams", "scanned")).drop("scanned")


def overdue(remembered: pl.DataFrame, today: Today, *, sellers: int) -> tuple[Ints, Ints]:
    """For each seller, how many of its lines are to be judged today, and how many of them have no hand-over scan."""
    judged = remembered.filter(pl.col("resolved") == today.index)
    seller, unseen = judged["seller"].to_numpy(), judged["grams"].is_null().to_numpy()
    lines = np.bincount(seller, minlength=sellers).astype(np.int64)
    return lines, np.bincount(seller[unseen], minlength=sellers).astype(np.int64)
