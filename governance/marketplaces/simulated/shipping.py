"""Shipping: when the lines of a day will be handed over and delivered, and the carriers' scans."""

from typing import Literal

import numpy as np
import polars as pl

from governance.contracts.tables import SHIPMENTS
from governance.marketplaces.simulated.campaign import faked, withheld
from governance.marketplaces.simulated.chance import DAY, Today, known_after, micros
from governance.marketplaces.simulated.people import Sellers
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.trouble import Strikes, in_trouble, slowness

LOST_SHARE = 0.003
LATE_SCANS = 0.035

_GIVEN_UP_AFTER = 6 * DAY


def plan_shipping(today: Today, lines: pl.DataFrame, sellers: Sellers, strikes: Strikes) -> pl.DataFrame:
    """Add what will happen to each line's parcel if nothing is cancelled.

    Adds `handed_over` and `delivered` (microseconds), `withheld` (never handed over), `faked` (withheld, yet with a
    hand-over scan), `lost`, `in_trouble` (the seller cannot ship today), `late_days` (of delivery) and `carrier`.
    """
    chance = today.chance("shipping")
    size = lines.height
    seller, where = lines["seller"].to_numpy(), lines["where"].to_numpy()
    at, deliver_by = lines["occurred_at"].to_numpy(), lines["deliver_by"].to_numpy()
    usual = sellers.promise_days[seller] * np.exp(slowness(today, sellers)[seller] + chance.normal(-0.75, 0.45, size))
    pause = in_trouble(today, sellers)[seller]
    handling = np.where(pause > 0, pause + chance.uniform(0.2, 2.5, size), np.clip(usual, 0.05, 16.0))
    striking = np.maximum(strikes.until[where, sellers.carrier[seller]] - today.index, 0.0)
    road = (0.8 + lines["distance_km"].to_numpy() / 480) * np.exp(chance.normal(0.0, 0.3, size)) + 0.6 * striking
    handed_over = at + micros(handling)
    delivered = handed_over + micros(road)
    never = withheld(sellers, seller, today, chance)
    return lines.with_columns(
        handed_over=pl.Series(handed_over),
        delivered=pl.Series(delivered),
        withheld=pl.Series(never),
        faked=pl.Series(never & faked(sellers, seller, chance)),
        lost=pl.Series(~never & (chance.random(size) < LOST_SHARE)),
        in_trouble=pl.Series(pause > 0),
        late_days=pl.Series(np.maximum(delivered - deliver_by, 0) / DAY),
        carrier=pl.format("{} carrier {}", "market", pl.Series(sellers.carrier[seller] + 1)),
    )


def put_scans(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """The scans of the way to the buyer; `cancelled` lines and withheld ones have none, but for the faked."""
    shipped = lines.filter(~pl.col("cancelled") & (~pl.col("withheld") | pl.col("faked")))
    arrived = shipped.filter(~pl.col("withheld") & ~pl.col("lost"))
    lost = shipped.filter(pl.col("lost")).with_columns(given_up=pl.col("deliver_by") + _GIVEN_UP_AFTER)
    _put(outbox, today, shipped, kind="handed_over", at="handed_over", due="ship_by")
    _put(outbox, today, arrived, kind="delivered", at="delivered", due="deliver_by")
    _put(outbox, today, lost, kind="lost", at="given_up", due="deliver_by")


def put_returns(outbox: Outbox, today: Today, cases: pl.DataFrame) -> None:
    """The scans of the way back, for cases with `return_handed_over` and `return_delivered` (microseconds)."""
    _put(outbox, today, cases, kind="handed_over", at="return_handed_over", due=None, direction="return")
    _put(outbox, today, cases, kind="delivered", at="return_delivered", due=None, direction="return")


def _put(
    outbox: Outbox,
    today: Today,
    lines: pl.DataFrame,
    *,
    kind: Literal["handed_over", "delivered", "lost"],
    at: str,
    due: str | None,
    direction: Literal["forward", "return"] = "forward",
) -> None:
    """Scans come within the hour; a few come days late, when a carrier sends what its devices had kept."""
    occurred = lines[at].to_numpy()
    chance = today.chance(f"scans {direction} {kind}")
    known = known_after(occurred, chance, minutes=20.0, late_share=LATE_SCANS, late_hours=(24, 120))
    outbox.put(
        SHIPMENTS,
        lines.with_columns(
            scan_id=pl.format("{}-{}-{}", "order_line_id", pl.lit(direction), pl.lit(kind)),
            occurred_at=pl.Series(occurred),
            known_at=pl.Series(known),
            direction=pl.lit(direction),
            kind=pl.lit(kind),
            due_at=pl.col(due) if due else pl.lit(None),
            weight_grams=pl.col("parcel_weight_grams"),
        ),
    )
