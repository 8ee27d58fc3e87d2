"""Shipping: when the lines of a day will be handed over and delivered, and the carriers' scans."""

from typing import Literal

import numpy as np
import polars as pl

from governance.contracts.tables import SHIPMENTS
from governance.marketplaces.simulated.care import trouble
from governance.marketplaces.simulated.chance import DAY, Bools, Draw, Floats, Ints, Today, known_after, micros
from governance.marketplaces.simulated.plans import EMPTY, NO_PARCEL
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.merchant_fraud import faked, strained, withheld
from governance.marketplaces.simulated.shops.sellers import Sellers

LOST_SHARE = 0.003
LATE_SCANS = 0.035
HANDLING_LOG_MEAN, HANDLING_LOG_SPREAD = -0.75, 0.45
ROAD_LOG_SPREAD = 0.3
SLOWER_BY_STRIKE = 0.6

_GIVEN_UP_AFTER = 6 * DAY
_IN_TRANSIT = 0.6
_MISWEIGHED = 0.02
_STRAIN = 0.8
_PACKAGING_GRAMS = 60


def usual_handling(sellers: Sellers, seller: Ints) -> Floats:
    """Median days until each line's seller hands over when nothing is wrong."""
    slow = sellers.slowness[seller] + HANDLING_LOG_MEAN
    return np.asarray(sellers.promise_days[seller] * np.exp(slow), dtype=np.float64)


def usual_road(distance_km: Floats) -> Floats:
    """Median days on the road."""
    return 0.8 + distance_km / 480


def plan_shipping(today: Today, lines: pl.DataFrame, sellers: Sellers) -> pl.DataFrame:
    """Add what will happen to each line's parcel if nothing is cancelled.

    Adds `handed_over` and `delivered` (microseconds), `withheld` (never handed over), `faked` (withheld, yet with a
    hand-over scan), `lost`, `in_trouble` (the seller cannot ship today), `road_excess_days` (the carrier's strike or
    bad week), `excess_seen` (whether that shows already), `late_days` (of delivery), `grams` and `carrier`.
    """
    draw, key = today.draw("shipping"), lines["line_key"].to_numpy()
    seller, where = lines["seller"].to_numpy(), lines["where"].to_numpy()
    # A merchant that is about to turn gets slower first.
    strain = np.exp(_STRAIN * strained(sellers, today.index)[seller])
    usual = usual_handling(sellers, seller) * strain * draw.lognormal(key, 1.0, HANDLING_LOG_SPREAD)
    pause = trouble.in_trouble(today, sellers)[seller]
    handling = np.where(pause > 0, pause + draw.uniform(key, 0.2, 2.5), np.clip(usual, 0.05, 16.0))
    carrier = sellers.carrier[seller]
    excess, seen = _excess(today, lines, where, carrier)
    road = usual_road(lines["distance_km"].to_numpy()) * draw.lognormal(key, 1.0, ROAD_LOG_SPREAD) + excess
    handed_over = lines["occurred_at"].to_numpy() + micros(handling)
    delivered = handed_over + micros(road)
    never = withheld(sellers, seller, key, today) | (lines["parcel"] == NO_PARCEL).to_numpy()
    return lines.with_columns_seq(
        handed_over=pl.Series(handed_over),
        delivered=pl.Series(delivered),
        withheld=pl.Series(never),
        faked=pl.Series(never & faked(sellers, seller, key, today)),
        lost=pl.Series(~never & draw.happens(key, LOST_SHARE)),
        in_trouble=pl.Series(pause > 0),
        road_excess_days=pl.Series(excess),
        excess_seen=pl.Series(seen),
        late_days=pl.Series(np.maximum(delivered - lines["deliver_by"].to_numpy(), 0) / DAY),
        grams=pl.Series(_grams(lines, draw, key)),
        carrier=pl.format("{} carrier {}", "market", pl.Series(carrier + 1)),
    )


def _excess(today: Today, lines: pl.DataFrame, where: Ints, carrier: Ints) -> tuple[Floats, Bools]:
    """Days that strikes and bad weeks add on the road, and whether it shows in the scans of others already."""
    latitude, longitude = (lines[f"destination_{name}"].to_numpy() for name in ("latitude", "longitude"))
    striking, strike_seen = trouble.on_strike(today, where, carrier)
    region = trouble.region(where, latitude, longitude)
    slower, week_seen = trouble.bad_week(today, where, carrier, region)
    return SLOWER_BY_STRIKE * striking + slower, strike_seen | week_seen


def _grams(lines: pl.DataFrame, draw: Draw, key: Ints) -> Ints:
    """Weight on the scale: what the listing says within some per cent; some scales are wrong, some parcels empty."""
    true = lines["parcel_weight_grams"].to_numpy() * draw.lognormal(key, 1.0, 0.05)
    wrong = draw.happens(key, _MISWEIGHED)
    shown = np.where(wrong, true * draw.uniform(key, 0.1, 1.6), true)
    empty = (lines["parcel"] == EMPTY).to_numpy()
    light = _PACKAGING_GRAMS * draw.lognormal(key, 1.0, 0.3)
    return np.maximum(np.rint(np.where(empty, np.minimum(light, shown), shown)), 10).astype(np.int64)


def put_scans(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """The scans of the way to the buyer; `cancelled` lines and withheld ones have none, but for the faked."""
    shipped = lines.filter(~pl.col("cancelled") & (~pl.col("withheld") | pl.col("faked")))
    moving = shipped.filter(~pl.col("withheld"))
    hub = pl.col("handed_over") + ((pl.col("delivered") - pl.col("handed_over")) * 0.45).cast(pl.Int64)
    on_the_way = moving.with_columns_seq(at_hub=hub).filter(
        pl.Series(today.draw("hubs").happens(moving["line_key"].to_numpy(), _IN_TRANSIT))
    )
    lost = moving.filter(pl.col("lost")).with_columns_seq(given_up=pl.col("deliver_by") + _GIVEN_UP_AFTER)
    scans = [
        _scans(today, shipped, kind="handed_over", at="handed_over", due="ship_by"),
        _scans(today, on_the_way, kind="in_transit", at="at_hub", due=None),
        _scans(today, moving.filter(~pl.col("lost")), kind="delivered", at="delivered", due="deliver_by"),
        _scans(today, lost, kind="lost", at="given_up", due="deliver_by"),
    ]
    outbox.put(SHIPMENTS, pl.concat(scans))


def put_returns(outbox: Outbox, today: Today, cases: pl.DataFrame) -> None:
    """The scans of the way back, for cases with `return_handed_over` and `return_delivered` (microseconds)."""
    there = {"kind": "handed_over", "at": "return_handed_over"}
    here = {"kind": "delivered", "at": "return_delivered"}
    scans = [_scans(today, cases, **way, due=None, direction="return") for way in (there, here)]  # type: ignore[arg-type]
    outbox.put(SHIPMENTS, pl.concat(scans))


_SCAN = ("order_line_id", "order_id", "buyer_id", "seller_id", "product_id", "category", "market", "carrier")


def _scans(
    today: Today,
    lines: pl.DataFrame,
    *,
    kind: Literal["handed_over", "in_transit", "delivered", "lost"],
    at: str,
    due: str | None,
    direction: Literal["forward", "return"] = "forward",
) -> pl.DataFrame:
    """Scans come within the hour; a few come days late, when a carrier sends what its devices had kept."""
    occurred, key = lines[at].to_numpy(), lines["line_key"].to_numpy()
    draw = today.draw(f"scans {direction} {kind}")
    known = known_after(occurred, key, draw, minutes=20.0, late_share=LATE_SCANS, late_hours=(24, 120))
    return lines.select_seq(
        *_SCAN,
        scan_id=pl.format("{}-{}-{}", "order_line_id", pl.lit(direction), pl.lit(kind)),
        occurred_at=pl.Series(occurred),
        known_at=pl.Series(known),
        direction=pl.lit(direction),
        kind=pl.lit(kind),
        due_at=pl.col(due) if due else pl.lit(None, pl.Int64),
        weight_grams=pl.col("grams"),
    )
