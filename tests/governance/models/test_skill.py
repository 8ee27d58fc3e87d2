"""Skill against an oracle: reweighted to the natural prevalence, on the rows whose truth is known."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score

from governance.marketplaces.truth import Sampling
from governance.models.figures import Settings
from governance.models.skill import Skill, measure_skill, skill_of
from governance.models.spec import ModelSpec


@pytest.fixture(scope="module")
def settings(spec: ModelSpec) -> Settings:
    return Settings(spec=spec, threshold=0.3, replicates=40, seed=5)


@pytest.fixture(scope="module")
def rows(training_set: pl.DataFrame) -> pl.DataFrame:
    """Decisions whose label misses a third of what is true and is wrong about one in fifty of the rest."""
    rng = np.random.default_rng(11)
    odds = training_set["seller_case_rate_30d"].fill_nan(0.0).to_numpy() * 1.5 - 2
    oracle = 1 / (1 + np.exp(-odds))
    truth = rng.random(len(oracle)) < oracle
    said = np.where(truth, rng.random(len(oracle)) < 0.67, rng.random(len(oracle)) < 0.02)
    return training_set.with_columns(
        label=pl.Series(said.astype(np.int64)),
        truth=pl.Series(truth.astype(float)),
        oracle=pl.Series(oracle),
        model=pl.Series(1 / (1 + np.exp(-(odds + rng.normal(size=len(odds)))))),
        rules=pl.Series((odds > -1).astype(float)),
    )


def plain_ap(rows: pl.DataFrame, outcome: str, score: str, factor: float) -> float:
    weights = rows["weight"].to_numpy() / np.where(rows["truth"].to_numpy() > 0.5, factor, 1.0)
    found = average_precision_score(rows[outcome].to_numpy(), rows[score].to_numpy(), sample_weight=weights)
    return float(found)


def measured(rows: pl.DataFrame, settings: Settings, factor: float = 1.0) -> Skill:
    found = measure_skill(rows, Sampling(natural=0.01, oversampling=factor), settings)
    assert found is not None
    return found


@pytest.mark.parametrize("factor", [1.0, 8.0])
@pytest.mark.parametrize("outcome", ["label", "truth"])
def test_figures_equal_a_plain_computation_at_the_natural_prevalence(
    rows: pl.DataFrame, settings: Settings, outcome: str, factor: float
) -> None:
    found = measured(rows, settings, factor)
    reading = found.labels if outcome == "label" else found.truth
    rules, model, oracle = (plain_ap(rows, outcome, score, factor) for score in ("rules", "model", "oracle"))
    assert reading.skill is not None
    values = [one.value for one in (reading.rules_ap, reading.ap, reading.oracle_ap) if one]
    assert values == pytest.approx([rules, model, oracle])
    assert reading.skill.value == pytest.approx((model - rules) / (oracle - rules))
    assert reading.skill.low < reading.skill.value < reading.skill.high


def test_oversampled_positives_count_as_few_as_in_nature(rows: pl.DataFrame, settings: Settings) -> None:
    plain, natural = measured(rows, settings), measured(rows, settings, 10.0)
    odds = plain.prevalence / (1 - plain.prevalence)
    assert natural.prevalence / (1 - natural.prevalence) == pytest.approx(odds / 10)
    assert (natural.natural, natural.oversampling) == (0.01, 10.0)
    assert natural.positives == plain.positives == rows["label"].sum()
    assert natural.true_positives == rows["truth"].sum()


def test_the_rules_have_no_skill_and_the_oracle_has_all_of_it(rows: pl.DataFrame, settings: Settings) -> None:
    for score, expected in (("rules", 0.0), ("oracle", 1.0)):
        found = measured(rows.with_columns(model=score), settings).truth.skill
        assert found is not None
        assert (found.value, found.low, found.high) == pytest.approx((expected, expected, expected))


def test_no_skill_is_stated_where_the_oracle_is_no_better_than_the_rules(
    rows: pl.DataFrame, settings: Settings
) -> None:
    found = measured(rows.with_columns(oracle=1 - pl.col("oracle")), settings)
    assert found.labels.skill is None
    assert found.labels.oracle_ap is not None


def test_rows_of_which_the_truth_knows_nothing_are_left_out_and_counted(rows: pl.DataFrame, settings: Settings) -> None:
    unknown = pl.row_index() % 3 == 0
    partly = rows.with_columns(pl.when(~unknown).then("truth"), pl.when(~unknown).then("oracle"))
    found = measured(partly, settings)
    kept = rows.filter(~unknown)
    assert (found.rows, found.rows_unknown) == (kept.height, rows.height - kept.height)
    assert found.truth.ap is not None
    assert found.truth.ap.value == pytest.approx(plain_ap(kept, "truth", "model", 1.0))
    assert measure_skill(rows.with_columns(truth=pl.lit(None, pl.Float64)), Sampling(), settings) is None


def test_a_decision_counts_as_true_where_most_of_it_is(rows: pl.DataFrame, settings: Settings) -> None:
    shares = rows.with_columns(truth=pl.when(pl.col("truth") > 0).then(0.6).otherwise(0.4))
    assert measured(shares, settings) == measured(rows, settings)


@pytest.fixture
def world(rows: pl.DataFrame, tmp_path: Path) -> Path:
    """A source whose truth knows the rows, and a decision of each entity an hour earlier that was another."""
    known = rows.select(
        "entity_id",
        "truth",
        "oracle",
        label=pl.lit("claim"),
        occurred_at="decided_at",
        campaign=pl.lit(None, pl.String),
    )
    earlier = known.with_columns(pl.col("occurred_at") - timedelta(hours=1), truth=1 - pl.col("truth"), oracle=0.0)
    path = tmp_path / "truth" / "decisions" / "dt=2026-01-01" / "rows.parquet"
    path.parent.mkdir(parents=True)
    columns = ["label", "entity_id", "occurred_at", "truth", "oracle", "campaign"]
    pl.concat([known.select(columns), earlier.select(columns)]).write_parquet(path)
    facts = {"prevalence": {"claim": {"natural": 0.02, "oversampling": 4.0}}}
    (tmp_path / "world.json").write_text(json.dumps(facts))
    return tmp_path


def test_the_truth_is_matched_by_entity_and_time(
    rows: pl.DataFrame, settings: Settings, world: Path, training_set: pl.DataFrame
) -> None:
    test = training_set.with_columns(rows["label"])
    found = skill_of(world, test, rows["model"].to_numpy(), rules=rows["rules"].to_numpy(), settings=settings)
    assert found == replace(measured(rows, settings, 4.0), natural=0.02)


@pytest.mark.parametrize("change", ["no folder is named", "no truth", "another label"])
def test_a_marketplace_that_knows_no_truth_has_no_skill(
    rows: pl.DataFrame, settings: Settings, world: Path, spec: ModelSpec, change: str
) -> None:
    root: dict[str, Path | None] = {"no folder is named": None, "no truth": world / "truth", "another label": world}
    if change == "another label":
        settings = replace(settings, spec=replace(spec, label="merchant_fraud"))
    test = rows.drop("truth", "oracle", "model", "rules")
    assert skill_of(root[change], test, np.zeros(rows.height), rules=np.zeros(rows.height), settings=settings) is None


def test_every_figure_has_a_name_of_its_own(rows: pl.DataFrame, settings: Settings) -> None:
    found = measured(rows, settings, 2.0)
    assert found.intervals["skill"] == found.labels.skill
    assert found.intervals["oracle_ap"] == found.labels.oracle_ap
    assert found.intervals["true_skill"] == found.truth.skill
    assert len({id(one) for one in found.intervals.values()}) == len(found.intervals) == 8
    assert found.shares == {"natural_prevalence": 0.01, "reweighted_prevalence": found.prevalence, "oversampling": 2.0}
