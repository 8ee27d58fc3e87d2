"""The page that Evidently draws shows our figures, whatever rows it is drawn from."""

import html
import re

import numpy as np
import polars as pl
import pytest

from monitoring.evidently_pages import snapshot, write_page
from monitoring.judging import Part, judge
from monitoring.profiles import profile
from monitoring.proportions import Proportion


@pytest.fixture(scope="module")
def parts(mixed_frame, plants) -> list[Part]:
    columns = [*plants, "normal_0", "normal_1", "heavy_0", "id_0", "boolean_0", "uniform_0"]
    reference, current = mixed_frame(0, 3_000).select(columns), mixed_frame(1, 2_000).select(columns)
    for plant in plants.values():
        current = plant(current, np.random.default_rng(2))
    extra = {"never <filled>": pl.lit(None, dtype=pl.Float64), "constant": pl.lit(1.0), "trend": pl.int_range(pl.len())}
    reference = reference.with_columns(**extra, emptied=pl.lit(1.0), score=pl.lit(0.2) + pl.col("normal_0") * 0.01)
    current = current.with_columns(**extra, emptied=pl.lit(None, dtype=pl.Float64), score=pl.lit(0.3))
    few = pl.DataFrame({"category": range(12), "sales": np.arange(12.0)})
    return [
        Part.of(profile(reference, reference.drop("score").columns), reference, current.drop("heavy_0"), name="order"),
        Part.of(profile(few, ["sales"], group="category"), few, few, name="category"),
        Part.of(profile(reference, ["score"]), reference, current, name="score"),
    ]


@pytest.fixture(scope="module")
def report(parts):
    labels = (Proportion(30, 3_000), Proportion(60, 2_000))
    return judge(parts[:2], seed=0, trending={"trend"}, score=parts[2], labels=labels)


def shown_on(drawn) -> dict[str, float]:
    metrics = drawn.dict()["metrics"]
    return {metric["config"]["column"]: metric["value"] for metric in metrics if "column" in metric["config"]}


def test_evidently_shows_the_figures_and_flags_of_the_report_though_it_sees_a_sample(report, parts):
    drawn = snapshot(report, parts, seed=0, rows_at_most=500)
    shown = shown_on(drawn)
    ours = {verdict.column: verdict for verdict in [*report.features, report.score]}
    assert ours.keys() - shown.keys() == {"heavy_0", "never <filled>", "emptied"}
    assert shown == {column: ours[column].measured.effect for column in shown}
    assert drawn.dict()["metrics"][0]["value"]["count"] == sum(ours[column].drifted for column in shown)


def test_where_there_are_too_many_columns_the_score_and_the_drifted_ones_are_drawn(report, parts, plants):
    shown = shown_on(snapshot(report, parts, seed=0, rows_at_most=500, columns_at_most=1 + len(plants)))
    assert shown.keys() == {"score", *plants}


def test_a_page_is_one_file_that_loads_nothing_and_says_why_it_alarms(report, parts, tmp_path):
    path = write_page(report, parts, tmp_path / "drift" / "claim.html", seed=0)
    page = path.read_text(encoding="utf-8")
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(?:https?:)?//', page)
    for sentence in ("heavy_0 is absent from the current rows.", "The label rate went from 1.00% (30 of 3000)"):
        assert f"<li>{sentence}" in page
    assert "never <filled>" not in page
    assert f"of {len(report.judged)} features drifted</h1>" in page
    assert [file.name for file in path.parent.iterdir()] == ["claim.html"]


def test_the_heading_has_every_column_and_says_which_ones_never_alarm(report, parts, tmp_path):
    page = write_page(report, parts, tmp_path / "claim.html", seed=0).read_text(encoding="utf-8")
    assert all(f"<tr><td>{html.escape(verdict.column)}</td>" in page for verdict in report.features)
    assert "1 columns grow with the age of the marketplace and 1 columns have too few rows" in page
    assert "Rows of category, one for each category: 12 before, 12 now; too few to judge." in page


def test_writing_a_page_again_changes_nothing_until_the_report_does(report, parts, tmp_path):
    path = tmp_path / "page.html"
    write_page(report, parts, path, seed=0)
    before = path.read_bytes()
    write_page(report, parts, path, seed=0)
    assert path.read_bytes() == before
    reference = parts[0].reference
    calm = [Part.of(profile(reference, ["normal_1"]), reference, reference.head(1_000))]
    write_page(judge(calm, seed=0), calm, path, seed=0)
    assert "No alarm: 0 of 1 features drifted" in path.read_text(encoding="utf-8")
    assert "Nothing drifted." in path.read_text(encoding="utf-8")
