"""Orders that somebody means to place today, and visits: the frames that the parts of the world hand to each other."""

from functools import cache

import polars as pl

PLANS = pl.Schema(
    {
        "buyer": pl.Int64(),
        "nth": pl.Int64(),
        "at": pl.Int64(),
        "listing": pl.Int64(),
        "device": pl.String(),
        "network": pl.String(),
        "address": pl.String(),
        "instrument": pl.String(),
        "coupon": pl.String(),
        "content": pl.Int64(),
        "campaign": pl.Int64(),
        "parcel": pl.Int64(),
        "stars": pl.Int64(),
        "abuse": pl.Int64(),
    }
)
"""An order of one line each. `buyer` and `listing` are numbers; `nth` is unique for each buyer and day: ordinary
orders have 0 to 15, those of campaign number c have 16 * (c + 1) and up. `at` is in microseconds. Null `device`,
`network`, `address` or `instrument` means the buyer's own. `content` is the number of the content that led to it, -1
for none. `campaign` is -1 for ordinary orders. `parcel`: 0 ordinary, 1 an empty one, 2 none. `stars`: the review that
is agreed on, 0 for none. `abuse`: 0, or the campaign's number + 1 where the buyer means to claim money back."""

ORDINARY, EMPTY, NO_PARCEL = 0, 1, 2

VISITS = pl.Schema(
    {
        "buyer": pl.Int64(),
        "nth": pl.Int64(),
        "at": pl.Int64(),
        "device": pl.String(),
        "network": pl.String(),
        "campaign": pl.Int64(),
    }
)
"""A buyer's visit of the shop today; ordinary orders are placed in ordinary visits (`campaign` -1)."""


@cache
def no_plans() -> pl.DataFrame:
    """Nobody means to order anything."""
    return pl.DataFrame(schema=PLANS)


def planned(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame of plans with what it leaves out filled in: own device, network, address and instrument, no content."""
    defaults = {"content": -1, "campaign": -1, "parcel": ORDINARY, "stars": 0, "abuse": 0}
    columns = {name: pl.col(name) if name in frame.columns else pl.lit(defaults.get(name)) for name in PLANS}
    return frame.select_seq(columns[name].cast(kind).alias(name) for name, kind in PLANS.items())
