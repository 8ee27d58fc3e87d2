"""The report that sets a simulated world beside Olist's sample: a table, plots, and what differs and why.

`python -m benchmarks.calibration --world var/world --olist <folder of Olist's Parquet files>` writes
`docs/world/calibration.md` and its plots. Olist's files are not ours to ship.
"""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.beside_olist import (
    ALIKE,
    OLIST_UNTIL,
    SETTLED_DAYS,
    WINDOW_DAYS,
    Figure,
    Side,
    concentration,
    figures,
    read_olist,
    read_world,
    side,
)
from benchmarks.drawing import bars, curves

NAMES = ("Olist", "simulated")

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SCORES = ("1", "2", "3", "4", "5")
_LINES = ("1", "2", "3 and more")


def draw(olist: Side, simulated: Side, folder: Path) -> list[str]:
    """Write the plots and return their names."""
    sides = dict(zip(NAMES, (olist, simulated), strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, x, column, ticks in _CURVES:
        series = {key: of.values(column) for key, of in sides.items()}
        curves(folder / f"{name}.png", title, series, x=x, ticks=ticks)
    for name, title, x, column, kinds, names in _BARS:
        shares = {key: of.shares(column, kinds) for key, of in sides.items()}
        bars(folder / f"{name}.png", title, shares, x=x, names=names)
    sellers = {}
    for key, of in sides.items():
        places, taken = concentration(of.lines)
        sellers[key] = (places, np.diff(taken, prepend=0.0))
    ticks = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    curves(folder / "sellers.png", "Lines sold by the largest sellers", sellers, x="share of sellers", ticks=ticks)
    return [*(entry[0] for entry in _CURVES), *(entry[0] for entry in _BARS), "sellers"]


_CURVES = (
    ("delivery", "Days from order to delivery", "days", "delivery_days", (0, 10, 20, 30, 40)),
    ("lateness", "Days past the promised delivery", "days", "late_days", (-30, -20, -10, 0, 10, 20)),
    ("price", "Price against the currency's median", "power of ten", "log_price", (-1.5, -1, -0.5, 0, 0.5, 1, 1.5)),
    ("review", "Days from order to a low review", "days", "low_review_days", (0, 15, 30, 45, 60)),
    ("case", "Days from order to a case, cancellations apart", "days", "case_days", (0, 15, 30, 45, 60)),
)
_BARS = (
    ("ratings", "Reviews by stars", "stars", "rating", (1, 2, 3, 4, 5), _SCORES),
    ("lines", "Order lines by the size of their order", "lines in the order", "lines", (1, 2, 3), _LINES),
    ("week", "Lines by weekday", "UTC weekday", "weekday", (1, 2, 3, 4, 5, 6, 7), _WEEK),
)

_REASONS = {
    ("lower", "days from order to delivery, median"): (
        "Parcels are faster ({simulated} days against {olist} in the middle): the simulation assumes domestic carriers "
        "of today, not those of Brazil in 2017. Complaints, low reviews and labels follow sooner in proportion."
    ),
    ("lower", "days promised, median"): (
        "Promises are tighter ({simulated} days against {olist}). Olist promises nearly twice what it needs; here a "
        "promise is close to what is usual, so that parcels come late without that margin."
    ),
    ("lower", "reviews of 1 or 2 stars"): (
        "Fewer reviews are low ({simulated} against {olist}). Olist's survey is where the disappointed speak; here "
        "many of them open a case instead, which Olist does not have."
    ),
    ("lower", "delivered lines with a review"): (
        "Fewer lines have a review ({simulated} against {olist}): nobody is surveyed."
    ),
    ("higher", "orders cancelled"): ("More orders are cancelled ({simulated} against {olist})."),
    ("higher", "orders of buyers with an earlier one in the window"): (
        "Buyers come back ({simulated} of the orders are not the buyer's first of the window, against {olist}): "
        "several models live on buyers' histories, and Olist's buyers hardly have any."
    ),
    ("lower", "lines sold by the largest tenth of sellers"): (
        "Sales are less concentrated ({simulated} of the lines with the largest tenth of sellers, against {olist}): a "
        "small world has few sellers, and one with a fifth of all sales would decide every figure."
    ),
    ("higher", "lines bought on Saturday or Sunday"): (
        "Weekends sell most ({simulated} of the lines, against {olist}); Olist sells on working days."
    ),
    ("lower", "orders of one line"): "Orders are larger (one line: {simulated} against {olist}).",
    ("lower", "shipping as a share of what is paid, median"): (
        "Shipping is a smaller part of what is paid ({simulated} against {olist}): part of the lines ship free."
    ),
}
"""Why figures differ that do, each for one direction; the others of their kind follow from the same reasons."""

_HEAD = """# The simulated marketplace beside Olist

Written by `python -m benchmarks.calibration`. Compared are {simulated:,} lines of a simulated world with
{olist:,} of the public Olist sample (Brazil, 2016 to 2018), both in the tables of our contracts: the lines of
{days} days, the newest {settled} days left out so that what follows from an order could follow. Olist's lines carry the
sample's weights (delivered orders are a sample, all others are there). A figure *differs* where one is more than
{alike:g} times the other.

| figure | Olist | simulated | |
| --- | ---: | ---: | --- |
"""

_TAIL = """
## Where the simulation differs

{differences}

## How to read it

- **Olist is one country; the simulation is several markets** with their own distances, carriers and prices, put
  together here. Prices are compared with the median of their currency.
- **Reviews**: a quarter of the delivered orders has none in this sample of Olist, which asks every buyer for one.
  In the simulated marketplace people review when they feel like it.
- **The window of Olist** holds months in which unusually many deliveries came late, one in ten; over the whole sample
  it is one in twelve.
- **Olist has no cases.** Its low reviews (1 or 2 stars) stand for complaints, and cancellations have no time of their
  own. The simulated marketplace has both reviews and cases, so that days to a low review compare like with like and
  days to a case do not.
- **Seller concentration** in Olist is that of a sample of orders, which thins out small sellers: the real one is
  somewhat higher.
- **Weekdays** are UTC in both; a Brazilian evening counts as the next day.

## What is assumed, since no public data says it

Responsibility for cases and what evidence shows of it; how often, how late and how wrongly labels arrive; every
campaign, its size and its tactics; the share of visits that end in an order, engagements and creators' part in sales;
how buyers share devices and addresses; conversations.
"""


def page(olist: Side, simulated: Side, plots: Sequence[str]) -> str:
    """The report as Markdown."""
    counts = {"olist": olist.lines.height, "simulated": simulated.lines.height}
    head = _HEAD.format(**counts, days=WINDOW_DAYS, settled=SETTLED_DAYS, alike=ALIKE)
    found = figures(olist, simulated)
    pictures = "\n".join(f"![{name}](calibration/{name}.png)" for name in plots)
    return head + "\n".join(one.row for one in found) + f"\n\n{pictures}\n" + _TAIL.format(differences=_reasons(found))


def _reasons(found: Sequence[Figure]) -> str:
    """A point for each figure that differs and has its reason."""
    points = []
    for one in found:
        direction = "higher" if one.simulated > one.olist else "lower"
        reason = _REASONS.get((direction, one.name))
        if reason and not one.alike:
            points.append(
                "- " + reason.format(olist=f"{one.olist:{one.form}}", simulated=f"{one.simulated:{one.form}}")
            )
    return "\n".join(points)


def main() -> None:
    """Entry point of `python -m benchmarks.calibration`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--olist", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/world"))
    chosen = parser.parse_args()
    tables = read_world(chosen.world)
    last = tables["orders"]["occurred_at"].dt.date().max()
    simulated = side(tables, until=last - timedelta(days=SETTLED_DAYS))  # type: ignore[operator]
    olist = side(read_olist(chosen.olist), until=OLIST_UNTIL - timedelta(days=SETTLED_DAYS))
    plots = draw(olist, simulated, chosen.out / "calibration")
    (chosen.out / "calibration.md").write_text(page(olist, simulated, plots), encoding="utf-8")


if __name__ == "__main__":
    main()
