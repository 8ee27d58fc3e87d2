"""The report beside Olist: what it measures on rows whose answer is known, and that its plots are drawn."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from benchmarks.beside_olist import Side, figures, side, taken_by_largest
from benchmarks.calibration import draw, page
from benchmarks.drawing import HEIGHT, WIDTH, bars, curves
from governance.contracts.tables import TABLES
from governance.marketplaces.simulated.rows import as_rows

UNTIL = date(2026, 9, 1)
START = datetime(2026, 8, 1, tzinfo=UTC)


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return as_rows(TABLES[table].schema, pl.DataFrame(rows, infer_schema_length=None))


def made(*, slow: int = 1) -> Side:
    """Ten orders of one line: every second is late and disappoints, the third is cancelled."""
    orders, shipments, reviews, cases = [], [], [], []
    for number in range(10):
        at = START + timedelta(days=number)
        line = {"order_line_id": f"line-{number}", "order_id": f"order-{number}"}
        parties = {"buyer_id": f"buyer-{number % 5}", "seller_id": "big" if number < 8 else f"small-{number}"}
        orders.append(
            {
                **line,
                **parties,
                "occurred_at": at,
                "line_count": 1,
                "price_minor": 1000 + number,
                "shipping_minor": 250,
                "currency": "BRL",
                "deliver_by": at + timedelta(days=5),
                "weight": 2.0 if number else 1.0,
                "origin_latitude": 0.0,
                "origin_longitude": 0.0,
                "destination_latitude": 0.0,
                "destination_longitude": 1.0,
            }
        )
        if number == 2:
            cases.append({"case_id": "case", "order_id": line["order_id"], "kind": "cancellation", "occurred_at": at})
            continue
        delivered = at + timedelta(days=slow * (8 if number % 2 else 2))
        for kind, when in (("handed_over", at + timedelta(days=1)), ("delivered", delivered)):
            shipments.append({**line, "direction": "forward", "kind": kind, "occurred_at": when})
        reviews.append({**line, "rating": 1 if number % 2 else 5, "occurred_at": delivered + timedelta(days=1)})
    tables = {"orders": orders, "shipments": shipments, "reviews": reviews, "cases": cases}
    return side({name: frame(name, rows) for name, rows in tables.items()}, until=UNTIL)


def test_figures_are_those_of_rows_counted_by_hand() -> None:
    found = {one.name: one for one in figures(made(), made(slow=2))}
    assert found["lines that are delivered"].olist == pytest.approx(17 / 19)
    assert found["delivered lines that come late"].olist == pytest.approx(10 / 17)
    assert found["orders cancelled"].olist == pytest.approx(2 / 19)
    assert found["reviews of 1 or 2 stars"].olist == pytest.approx(10 / 17)
    assert (found["1 or 2 stars when late"].olist, found["1 or 2 stars when in time"].olist) == (1.0, 0.0)
    assert found["orders of buyers with an earlier one in the window"].olist == pytest.approx(10 / 19)
    assert found["kilometres from seller to buyer, median"].olist == pytest.approx(111.2, abs=0.1)
    assert found["shipping as a share of what is paid, median"].olist == pytest.approx(0.2, abs=0.01)
    delivery = found["days from order to delivery, 9 in 10 below"]
    assert (delivery.olist, delivery.simulated, delivery.alike) == (8.0, 16.0, False)
    assert found["orders cancelled"].alike


def test_the_largest_sellers_come_first() -> None:
    assert taken_by_largest(made().lines, 1 / 3) == pytest.approx(15 / 19)


def test_lines_outside_the_window_are_left_out() -> None:
    lines = made().lines
    assert lines.height == 10
    assert lines["occurred_at"].min() == START


def test_the_report_has_every_figure_and_plot(tmp_path: Path) -> None:
    olist, simulated = made(), made(slow=2)
    plots = draw(olist, simulated, tmp_path)
    said = page(olist, simulated, plots)
    assert sorted(path.stem for path in tmp_path.glob("*.png")) == sorted(plots)
    assert all(f"calibration/{name}.png" in said for name in plots)
    assert said.count("\n| ") == len(figures(olist, simulated)) + 2
    assert "| days from order to delivery, median | 8.0 | 16.0 | differs |" in said
    assert "Parcels are faster" not in said
    back = page(simulated, olist, plots)
    assert "- Parcels are faster (8.0 days against 16.0 in the middle)" in back


def test_plots_are_small_and_show_both_sides(tmp_path: Path) -> None:
    ones = np.ones(50)
    series = {"one": (np.linspace(0, 1, 50), ones), "other": (np.linspace(0.5, 1, 50), ones)}
    curves(tmp_path / "curves.png", "title", series, x="x", ticks=(0, 0.5, 1))
    bars(tmp_path / "bars.png", "title", {"one": [0.2, 0.8], "other": [0.5, 0.5]}, x="x", names=("a", "b"))
    for path in tmp_path.glob("*.png"):
        image = Image.open(path).convert("RGB")
        colours = {colour for _, colour in image.getcolors(1_000_000) or []}
        assert image.size == (WIDTH, HEIGHT)
        assert {(0xB5, 0x65, 0x1D), (0x1F, 0x5F, 0xA8)} <= colours
        assert path.stat().st_size < 20_000
