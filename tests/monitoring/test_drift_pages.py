"""The page that Evidently draws shows our figures, whatever rows it is drawn from."""

import re

import numpy as np
import polars as pl
import pytest

from monitoring.drift import Proportion, judge
from monitoring.evidently_pages import snapshot, write_page
from monitoring.profiles import profile


@pytest.fixture(scope="module")
def sides(mixed_frame, plants):
    columns = [*plants, "normal_0", "normal_1", "heavy_0", "id_0", "boolean_0", "uniform_0"]
    reference, current = mixed_frame(0, 3_000).select(columns), mixed_frame(1, 2_000).select(columns)
    for plant in plants.values():
        current = plant(current, np.random.default_rng(2))
    extra = {"never <filled>": pl.lit(None, dtype=pl.Float64), "constant": pl.lit(1.0), "trend": pl.int_range(pl.len())}
    reference = reference.with_columns(**extra, emptied=pl.lit(1.0), score=pl.lit(0.2) + pl.col("normal_0") * 0.01)
    current = current.with_columns(**extra, emptied=pl.lit(None, dtype=pl.Float64), score=pl.lit(0.3))
    return reference, current.drop("heavy_0")


@pytest.fixture(scope="module")
def report(sides):
    reference, current = sides
    labels = (Proportion(30, 3_000), Proportion(60, 2_000))
    remembered = profile(reference, reference.columns)
    return judge(remembered, reference, current, seed=0, trending={"trend"}, score="score", labels=labels)


def test_evidently_shows_the_figures_and_flags_of_the_report_though_it_sees_a_sample(report, sides):
    metrics = snapshot(report, *sides, seed=0, rows_at_most=500).dict()["metrics"]
    shown = {metric["config"]["column"]: metric["value"] for metric in metrics if "column" in metric["config"]}
    ours = {verdict.column: verdict for verdict in [*report.features, report.score]}
    assert ours.keys() - shown.keys() == {"heavy_0", "never <filled>", "emptied"}
    assert shown == {column: ours[column].measured.effect for column in shown}
    assert metrics[0]["value"]["count"] == sum(ours[column].drifted for column in shown)


def test_a_page_is_one_file_that_loads_nothing_and_says_why_it_alarms(report, sides, tmp_path):
    path = write_page(report, *sides, tmp_path / "drift" / "claim.html", seed=0, rows_at_most=500)
    page = path.read_text(encoding="utf-8")
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(?:https?:)?//', page)
    for sentence in ("heavy_0 is absent from the current rows.", "The label rate went from 1.00% (30 of 3000)"):
        assert f"<li>{sentence}" in page
    assert "never <filled>" not in page
    assert f"of {len(report.judged)} features drifted</h1>" in page
    assert [file.name for file in path.parent.iterdir()] == ["claim.html"]


def test_writing_a_page_again_changes_nothing_until_the_report_does(report, sides, tmp_path):
    path = tmp_path / "page.html"
    write_page(report, *sides, path, seed=0, rows_at_most=200)
    before = path.read_bytes()
    write_page(report, *sides, path, seed=0, rows_at_most=200)
    assert path.read_bytes() == before
    reference, _ = sides
    calm = judge(profile(reference, ["normal_1"]), reference, reference.head(1_000), seed=0)
    write_page(calm, reference, reference.head(1_000), path, seed=0, rows_at_most=200)
    assert "No alarm: 0 of 1 features drifted" in path.read_text(encoding="utf-8")
    assert "Nothing drifted." in path.read_text(encoding="utf-8")
