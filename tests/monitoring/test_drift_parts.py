"""Reports of several parts: sellers, buyers and a dozen categories are each judged by their own number."""

import numpy as np
import polars as pl

from monitoring.judging import Part, judge
from monitoring.profiles import profile
from monitoring.summaries import flat_metadata, part_figures


def decisions(seed, rows=6_000, *, dearer=1.0):
    """Lines of 400 sellers in 12 categories, both of which move a little from one window to the next."""
    world, window = np.random.default_rng(99), np.random.default_rng(seed)
    prices, volume = world.lognormal(3, 1, 400), world.lognormal(3, 1, 12)
    seller, category = window.integers(0, 400, rows), window.integers(0, 12, rows)
    return pl.DataFrame(
        {
            "row_id": np.arange(rows) + seed * rows,
            "seller_id": seller,
            "category": category,
            "seller_price": (prices * window.lognormal(0, 0.02, 400) * dearer)[seller],
            "category_volume": (volume * window.lognormal(0, 0.05, 12))[category],
            "order_hour": window.integers(0, 24, rows).astype(float),
        }
    )


def parts_of(reference, current):
    keys = {"seller_price": "seller_id", "category_volume": "category", "order_hour": None}
    return [
        Part.of(profile(reference, [column], group=key), reference, current, name=column.split("_")[0])
        for column, key in keys.items()
    ]


def test_the_few_values_of_a_dozen_categories_are_no_drift_though_thousands_of_rows_repeat_them():
    reference, current = decisions(0), decisions(1)
    as_rows = judge([Part.of(profile(reference, ["category_volume"]), reference, current)], seed=0)
    assert [verdict.column for verdict in as_rows.drifted] == ["category_volume"]
    report = judge(parts_of(reference, current), seed=0)
    assert not report.alarm
    (volume,) = (verdict for verdict in report.features if verdict.column == "category_volume")
    assert volume.aside == "too few rows"
    assert len(report.judged) == 2


def test_sellers_that_raise_their_prices_alarm_in_their_part_and_no_other():
    report = judge(parts_of(decisions(0), decisions(1, dearer=1.8)), seed=0)
    assert [verdict.column for verdict in report.drifted] == ["seller_price"]
    assert [part.name for part in report.parts if part.joint_drifted] == ["seller"]
    assert "tells current seller rows from reference rows" in report.reasons[-1]


def test_an_absent_column_alarms_even_where_nothing_could_be_judged():
    reference, current = decisions(0), decisions(1).drop("category_volume")
    report = judge(parts_of(reference, current), seed=0, trending={"seller_price"})
    assert report.reasons == ["category_volume is absent from the current rows."]


def test_figures_of_each_part_stand_beside_those_of_the_whole():
    report = judge(parts_of(decisions(0), decisions(1)), seed=0)
    found = part_figures(report)
    assert found["category"] == {"rows_reference": 12, "rows_current": 12, "judged_columns": 0, "drifted_columns": 0}
    assert found["seller"]["rows_current"] == 400
    figures = flat_metadata(report)
    assert figures["seller_joint_auc"] == found["seller"]["joint_auc"]
    assert figures["rows_current"] == 6_000
    assert figures["joint_auc"] == max(found[name]["joint_auc"] for name in ("seller", "order"))


def test_the_order_of_rows_makes_no_difference_to_any_part():
    reference, current = decisions(0), decisions(1)
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in (reference, current)]
    assert judge(parts_of(*shuffled), seed=0).digest == judge(parts_of(reference, current), seed=0).digest
