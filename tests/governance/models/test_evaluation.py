import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from governance.models.comparison import Champion, ap_difference
from governance.models.evaluation import Evaluation, evaluate
from governance.models.figures import Settings, measure
from governance.models.rows import Floats
from governance.models.spec import ModelSpec
from governance.models.thresholds import acting_cost, waiting_cost
from governance.release.evidence import NOTHING_KNOWN


@pytest.fixture(scope="module")
def settings(spec: ModelSpec) -> Settings:
    return Settings(spec=spec, threshold=0.3, replicates=40, seed=5)


@pytest.fixture(scope="module")
def scores(training_set: pl.DataFrame) -> Floats:
    log_odds = training_set["seller_case_rate_30d"].fill_nan(0.0).to_numpy() - 1.5
    return 1 / (1 + np.exp(-log_odds))


@pytest.fixture(scope="module")
def evaluation(training_set: pl.DataFrame, scores: Floats, settings: Settings) -> Evaluation:
    start = training_set["decided_at"].min() + timedelta(days=120)
    return evaluate(
        training_set,
        scores,
        rules=np.zeros(len(scores)),
        champion=Champion(scores=1 - scores, compared_from=start),
        seen_groups=training_set["group_id"].filter(training_set["group_id"] < "seller-15"),
        settings=settings,
    )


def test_every_figure_equals_a_plain_computation(
    training_set: pl.DataFrame, scores: Floats, settings: Settings, spec: ModelSpec
) -> None:
    found = measure(training_set, scores, settings)
    labels, weights = training_set["label"].to_numpy(), training_set["weight"].to_numpy()
    amounts = training_set["amount_minor"].to_numpy().astype(float)
    acted = scores >= settings.threshold
    cost = np.where(acted, acting_cost(labels, amounts, spec.costs), waiting_cost(labels, amounts, spec.costs))
    expected = {
        "auc": roc_auc_score(labels, scores, sample_weight=weights),
        "ap": average_precision_score(labels, scores, sample_weight=weights),
        "calibration_ratio": np.average(scores, weights=weights) / np.average(labels, weights=weights),
        "cost_per_1000": 1000 * np.average(cost, weights=weights),
        "action_rate": np.average(acted, weights=weights),
        "false_hit_rate": np.average(1 - labels[acted], weights=weights[acted]),
    }
    for name, value in expected.items():
        interval = getattr(found.measured, name)
        assert interval.value == pytest.approx(value), name
        assert interval.low < interval.value < interval.high, name
    assert found.prevalence == pytest.approx(np.average(labels, weights=weights))
    assert (found.rows, found.positives) == (len(labels), labels.sum())


def test_calibration_error_is_the_gap_that_was_put_in(training_set: pl.DataFrame, settings: Settings) -> None:
    rate = float(np.average(training_set["label"].to_numpy(), weights=training_set["weight"].to_numpy()))
    right = measure(training_set, np.full(training_set.height, rate), settings).measured.calibration_error
    wrong = measure(training_set, np.full(training_set.height, rate + 0.2), settings).measured.calibration_error
    assert right is not None
    assert wrong is not None
    assert (right.value, wrong.value) == pytest.approx((0.0, 0.2), abs=1e-12)


def test_weighted_and_unweighted_figures_stand_side_by_side(
    evaluation: Evaluation, training_set: pl.DataFrame, scores: Floats
) -> None:
    assert evaluation.unweighted.auc is not None
    assert evaluation.unweighted.auc.value == pytest.approx(roc_auc_score(training_set["label"].to_numpy(), scores))
    assert evaluation.unweighted.prevalence == pytest.approx(training_set["label"].mean())
    assert evaluation.overall.prevalence != evaluation.unweighted.prevalence


def test_one_reason_alone_drops_the_positives_of_the_others(
    evaluation: Evaluation, training_set: pl.DataFrame, scores: Floats
) -> None:
    assert [entry.reason for entry in evaluation.reasons] == ["cancellation", "complaint"]
    keep = (training_set["label"] == 0) | (training_set["label_reason"] == "complaint").fill_null(False)
    expected = roc_auc_score(training_set.filter(keep)["label"].to_numpy(), scores[keep.to_numpy()])
    complaint = evaluation.reasons[1].unweighted
    assert complaint.auc is not None
    assert complaint.auc.value == pytest.approx(expected)


def test_a_rare_reason_is_measured_too_with_its_few_positives_beside_it(
    training_set: pl.DataFrame, scores: Floats, settings: Settings
) -> None:
    first = training_set["label"].arg_max()
    rare = training_set.with_columns(
        label_reason=pl.when(pl.row_index() == first).then(pl.lit("return")).otherwise("label_reason")
    )
    found = evaluate(
        rare,
        scores,
        rules=scores,
        champion=None,
        seen_groups=rare["group_id"],
        settings=replace(settings, replicates=9),
    )
    figures = {entry.reason: entry.weighted for entry in found.reasons}["return"]
    assert figures.positives == 1
    assert figures.auc is not None


def test_unseen_rows_are_those_of_groups_outside_training(evaluation: Evaluation, training_set: pl.DataFrame) -> None:
    assert evaluation.unseen is not None
    assert evaluation.unseen.rows == training_set.filter(pl.col("group_id") >= "seller-15").height
    drop = evaluation.auc_drop(evaluation.unseen)
    assert evaluation.overall.auc is not None
    assert evaluation.unseen.auc is not None
    assert drop == pytest.approx(evaluation.overall.auc.value - evaluation.unseen.auc.value)


def test_slices_part_the_rows_and_the_worst_one_has_the_lowest_auc(
    evaluation: Evaluation, training_set: pl.DataFrame
) -> None:
    assert {(entry.column, entry.value) for entry in evaluation.slices} == {
        ("market", "br"),
        ("market", "mx"),
        ("category", "books"),
        ("category", "shoes"),
        ("category", "toys"),
    }
    assert sum(entry.figures.rows for entry in evaluation.slices) == 2 * training_set.height
    worst = evaluation.worst_slice
    areas = [entry.figures.auc.value for entry in evaluation.slices if entry.figures.auc]
    assert worst is not None
    assert worst.figures.auc is not None
    assert worst.figures.auc.value == min(areas)


def test_a_slice_with_few_positives_gets_no_figures(
    training_set: pl.DataFrame, scores: Floats, settings: Settings
) -> None:
    thin = training_set.with_columns(market=pl.when(pl.row_index() < 40).then(pl.lit("us")).otherwise("market"))
    found = evaluate(
        thin,
        scores,
        rules=scores,
        champion=None,
        seen_groups=thin["group_id"],
        settings=replace(settings, replicates=5),
    )
    assert "us" not in {entry.value for entry in found.slices}
    assert found.unseen is None
    assert found.auc_drop(found.unseen) is None
    assert found.ap_minus.champion is None


def test_paired_differences_are_taken_on_the_same_rows_and_resamples(
    evaluation: Evaluation, training_set: pl.DataFrame, scores: Floats, settings: Settings
) -> None:
    labels, weights = training_set["label"].to_numpy(), training_set["weight"].to_numpy()
    ap = average_precision_score(labels, scores, sample_weight=weights)
    assert evaluation.ap_minus.base_rate.value == pytest.approx(ap - evaluation.overall.prevalence)
    assert evaluation.ap_minus.rules == evaluation.ap_minus.base_rate
    itself = ap_difference(training_set, scores, scores, settings)
    assert (itself.value, itself.low, itself.high) == (0.0, 0.0, 0.0)


def test_the_champion_is_compared_on_later_rows_only(
    evaluation: Evaluation, training_set: pl.DataFrame, scores: Floats
) -> None:
    later = (training_set["decided_at"] >= training_set["decided_at"].min() + timedelta(days=120)).to_numpy()
    labels, weights = training_set["label"].to_numpy()[later], training_set["weight"].to_numpy()[later]
    ours, theirs = (
        average_precision_score(labels, values[later], sample_weight=weights) for values in (scores, 1 - scores)
    )
    assert evaluation.ap_minus.champion_rows == later.sum()
    assert evaluation.ap_minus.champion is not None
    assert evaluation.ap_minus.champion.value == pytest.approx(ours - theirs)
    assert evaluation.ap_minus.champion.low > 0


def test_a_champion_without_a_common_positive_row_is_never_beaten(
    training_set: pl.DataFrame, scores: Floats, settings: Settings
) -> None:
    found = evaluate(
        training_set,
        scores,
        rules=scores,
        champion=Champion(scores=scores, compared_from=training_set["decided_at"].max() + timedelta(days=1)),
        seen_groups=training_set["group_id"],
        settings=replace(settings, replicates=5),
    )
    assert found.ap_minus.champion == NOTHING_KNOWN
    assert found.ap_minus.champion_rows == 0


def test_an_evaluation_survives_json(evaluation: Evaluation) -> None:
    packed = evaluation.to_json()
    assert json.loads(json.dumps(packed, allow_nan=False))["overall"]["rows"] == evaluation.overall.rows


def test_reliability_bins_hold_every_row_and_every_positive(evaluation: Evaluation, training_set: pl.DataFrame) -> None:
    assert sum(entry.rows for entry in evaluation.reliability) == training_set.height
    assert sum(entry.positives for entry in evaluation.reliability) == training_set["label"].sum()
    predicted = [entry.predicted for entry in evaluation.reliability]
    assert predicted == sorted(predicted)
