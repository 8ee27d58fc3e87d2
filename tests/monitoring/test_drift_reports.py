"""Reports: what alarms, what is only shown, and the words and figures that people and plots get."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from governance.errors import NotReady
from monitoring.drift import DriftReport, Limits
from monitoring.judging import Part, judge
from monitoring.profiles import Profile, profile
from monitoring.proportions import Proportion
from monitoring.summaries import flat_metadata, summary_markdown


def side(seed, rows=1_000, *, shift=0.0, age=0.0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "amount": rng.lognormal(size=rows) * np.exp(shift),
            "orders_lifetime": rng.normal(age, 1, size=rows),
            "market": rng.choice(["n|orth", "south"], size=rows),
            "score": rng.beta(1, 9, size=rows),
        }
    )


@pytest.fixture(scope="module")
def reference():
    return side(0, 5_000)


@pytest.fixture(scope="module")
def remembered(reference) -> Profile:
    return profile(reference, ["amount", "orders_lifetime", "market"])


def report_on(remembered, reference, current, **options) -> DriftReport:
    score = Part.of(profile(reference, ["score"]), reference, current, name="score")
    parts = [Part.of(remembered, reference, current)]
    return judge(parts, seed=1, trending={"orders_lifetime"}, score=score, **options)


def plain_report(reference, columns, current, **options) -> DriftReport:
    return judge([Part.of(profile(reference, columns), reference, current)], seed=0, **options)


def test_nothing_alarms_where_nothing_changed(remembered, reference):
    report = report_on(remembered, reference, side(1), labels=(Proportion(50, 5_000), Proportion(11, 1_000)))
    assert not report.alarm
    assert report.reasons == []
    assert report.share_drifted == 0.0
    assert report.joint is not None
    assert "No alarm: 0 of 2 features drifted" in summary_markdown(report)


def test_a_drifted_column_alarms_by_name_and_a_trending_one_is_only_shown(remembered, reference):
    report = report_on(remembered, reference, side(2, shift=0.6, age=2.0))
    assert [verdict.column for verdict in report.drifted] == ["amount"]
    assert report.share_drifted == 0.5
    trending = next(verdict for verdict in report.features if verdict.aside == "trending")
    assert trending.column == "orders_lifetime"
    assert trending.measured.effect > 1
    assert not trending.drifted
    (part,) = report.parts
    assert part.joint is not None
    assert all("orders_lifetime" not in separator.columns for separator in part.joint.separators)


def test_a_significant_but_tiny_change_does_not_alarm(reference):
    large, shifted = side(3, 100_000), side(4, 100_000, shift=0.05)
    report = report_on(profile(large, ["amount", "market"]), reference, shifted)
    amount = next(verdict for verdict in report.features if verdict.column == "amount")
    assert amount.adjusted_p < 1e-9
    assert amount.measured.effect < Limits().effect_at_least
    assert not report.alarm


def test_a_large_but_insignificant_change_does_not_alarm():
    few = pl.DataFrame({"amount": [0.2] * 6 + [1.0] * 24})
    report = plain_report(few, ["amount"], few.with_columns(amount=pl.Series([0.2] * 9 + [1.0] * 21)))
    assert not report.alarm
    assert report.joint is None


def test_a_column_that_is_absent_now_alarms_and_kills_nothing(remembered, reference):
    report = report_on(remembered, reference, side(5).drop("market"))
    assert report.reasons == ["market is absent from the current rows."]
    assert flat_metadata(report)["absent_columns"] == 1


def test_scores_and_labels_are_sections_of_their_own(remembered, reference):
    current = side(6).with_columns(score=pl.col("score") ** 0.7)
    report = report_on(remembered, reference, current, labels=(Proportion(50, 5_000), Proportion(40, 1_000)))
    assert report.score is not None
    assert report.label is not None
    assert "score" not in {verdict.column for verdict in report.features}
    assert [bool(reasons) for reasons in report.reasons_by_section.values()] == [False, True, True]
    assert report.label.shift == pytest.approx(0.03)
    assert report.reasons[-1].startswith("The label rate went from 1.00% (50 of 5000) to 4.00% (40 of 1000)")


@pytest.mark.parametrize(
    ("before", "after", "drifted"),
    [
        (Proportion(500, 50_000), Proportion(550, 50_000), False),
        (Proportion(500, 50_000), Proportion(750, 50_000), True),
        (Proportion(0, 50_000), Proportion(0, 50_000), False),
        (Proportion(0, 5_000), Proportion(20, 5_000), True),
        (Proportion(2, 100), Proportion(5, 100), False),
    ],
    ids=["a tenth more", "half more", "none at all", "none before", "too few to tell"],
)
def test_label_rates_alarm_when_they_change_by_a_quarter_and_not_by_chance(
    remembered, reference, before, after, drifted
):
    report = report_on(remembered, reference, side(7), labels=(before, after))
    assert report.label is not None
    assert report.label.drifted is drifted


def test_too_few_rows_are_not_judged(remembered, reference):
    with pytest.raises(NotReady, match="at least 30 rows in the reference and now; there are: all 5000 and 29"):
        report_on(remembered, reference, side(8, 29))


def test_rows_are_reduced_to_entities_on_both_sides():
    daily = pl.concat([side(9, 300).with_row_index("seller").with_columns(day=pl.lit(day)) for day in range(5)])
    report = judge([Part.of(profile(daily, ["amount"], group="seller"), daily, daily, name="seller")], seed=0)
    (part,) = report.parts
    assert (part.key, part.rows_reference, part.rows_current) == ("seller", 300, 300)
    assert part.joint is not None
    assert part.joint.rows_current == 300


def test_the_same_rows_in_another_order_give_the_same_digest_and_others_do_not(remembered, reference):
    current = side(10)
    digest = report_on(remembered, reference, current).digest
    assert report_on(Profile.from_json(remembered.to_json()), reference, current.reverse()).digest == digest
    assert report_on(remembered, reference, side(11)).digest != digest
    assert report_on(remembered, reference, current, limits=Limits(fdr=0.05)).digest != digest


def test_a_report_is_json_that_says_why(remembered, reference):
    content = json.loads(report_on(remembered, reference, side(12, shift=0.6)).to_json())
    assert content["alarm"] is True
    assert content["reasons"]["features"][0].startswith("amount drifted: effect 0.")
    assert content["features"][0]["measured"]["column"] == "amount"


def test_metadata_is_flat_finite_and_leaves_out_what_was_not_measured(remembered, reference):
    full = flat_metadata(report_on(remembered, reference, side(13), labels=(Proportion(9, 900), Proportion(9, 900))))
    assert {"share_drifted", "drifted_columns", "joint_auc", "score_effect", "label_shift"} <= full.keys()
    assert all(np.isfinite(value) for value in full.values())
    bare = flat_metadata(judge([Part.of(profile(reference, ["amount"]), reference.head(0), side(13))], seed=0))
    assert not {"joint_auc", "score_effect", "label_shift"} & bare.keys()


def test_the_summary_has_the_worst_columns_first_and_survives_a_pipe_in_a_name(reference):
    renamed = {"market": "mar|ket"}
    report = plain_report(reference.rename(renamed), ["amount", "mar|ket"], side(14, shift=0.6).rename(renamed))
    rows = [line for line in summary_markdown(report, worst=2).splitlines() if line.startswith("| ")]
    assert [row.split(" ")[1] for row in rows] == ["column", "amount", "mar\\|ket"]


def test_importing_monitoring_leaves_heavy_libraries_alone():
    program = (
        "import sys, monitoring.weekly, monitoring.judging, monitoring.summaries, monitoring.evidently_pages\n"
        "print({'evidently', 'lightgbm', 'pandas', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"
