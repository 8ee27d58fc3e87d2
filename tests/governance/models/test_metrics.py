import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from governance.models import metrics

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 1), st.sampled_from([0.5, 1.0, 2.5]), st.integers(0, 900)),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({label for _, label, _, _ in rows}) == 2)


def columns(rows: list[tuple[int, int, float, int]]) -> list[np.ndarray]:
    return [np.array(column, dtype=float) for column in zip(*rows, strict=True)]


def curve_of(rows: list[tuple[int, int, float, int]]) -> metrics.Curve:
    scores, labels, weights, amounts = columns(rows)
    return metrics.Curve.of(metrics.Ranking.of(scores), labels, weights[None, :], amounts)


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_auc_and_average_precision_equal_those_of_scikit_learn_with_weights_and_ties(
    rows: list[tuple[int, int, float, int]],
) -> None:
    scores, labels, weights, _ = columns(rows)
    curve = curve_of(rows)
    assert metrics.auc(curve)[0] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert metrics.average_precision(curve)[0] == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(0, 1_000))
def test_many_weightings_at_once_equal_one_after_the_other(rows: list[tuple[int, int, float, int]], seed: int) -> None:
    scores, labels, weights, amounts = columns(rows)
    times = np.random.default_rng(seed).integers(0, 3, (4, len(rows))) + np.array([[1], [0], [0], [0]])
    ranking = metrics.Ranking.of(scores)
    together = metrics.Curve.of(ranking, labels, times * weights, amounts)
    for row in range(4):
        alone = metrics.Curve.of(ranking, labels, (times * weights)[row : row + 1], amounts)
        for figure in (metrics.auc, metrics.average_precision):
            np.testing.assert_allclose(figure(together)[row], figure(alone)[0])


@settings(max_examples=100, deadline=None)
@given(ROWS, st.floats(0.01, 1.0))
def test_recalls_at_a_limit_equal_a_walk_down_the_ranking(
    rows: list[tuple[int, int, float, int]], share: float
) -> None:
    curve = curve_of(rows)

    def walk(spent: "int", gained: "int") -> float:
        """Fill a budget with whole runs of equal scores from the top, and the last one in part."""
        budget = share * sum(row[2] * (1 if spent == 2 else 1 - row[1]) for row in rows)
        got = 0.0
        for score in sorted({row[0] for row in rows}, reverse=True):
            run = [row for row in rows if row[0] == score]
            price = sum(row[2] * (1 if spent == 2 else 1 - row[1]) for row in run)
            part = 1.0 if price <= budget + 1e-12 else budget / price
            got += part * sum(row[2] * row[1] * (row[3] if gained == 3 else 1) for row in run)
            budget -= part * price
            if part < 1:
                break
        whole = sum(row[2] * row[1] * (row[3] if gained == 3 else 1) for row in rows)
        return got / whole if whole else np.nan

    assert metrics.recall_at_capacity(curve, share)[0] == pytest.approx(walk(2, 1), abs=1e-6)
    assert metrics.recall_at_false_positive_rate(curve, share)[0] == pytest.approx(walk(1, 1), abs=1e-6)
    money = metrics.money_recall_at_capacity(curve, share)[0]
    assert money == pytest.approx(walk(2, 3), abs=1e-6, nan_ok=True)


def test_figures_without_positives_are_undefined_and_never_zero() -> None:
    curve = curve_of([(1, 0, 1.0, 5), (2, 0, 1.0, 5)])
    assert np.isnan(metrics.auc(curve)).all()
    assert np.isnan(metrics.average_precision(curve)).all()
    assert np.isnan(metrics.recall_at_capacity(curve, 0.5)).all()


def test_bins_have_about_equal_weight_and_hold_equal_scores_together() -> None:
    rng = np.random.default_rng(1)
    scores, weights = rng.random(5_000), rng.choice([1.0, 2.5], 5_000)
    mass = np.bincount(metrics.equal_weight_bins(scores, weights, 10), weights)
    assert len(mass) == 10
    assert np.ptp(mass) < 0.01 * weights.sum()
    assert set(metrics.equal_weight_bins(np.full(9, 0.4), np.ones(9), 10)) == {0}
