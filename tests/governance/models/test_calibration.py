import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.models.calibration import ISOTONIC_POSITIVES_AT_LEAST, Calibrator, at_base_rate, calibrate


def draw(seed: int, rows: int, *, share: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that overstate: the true probability is the square of the score, times `share`."""
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    labels = (rng.random(rows) < share * scores**2).astype(float)
    return scores, labels, rng.choice([1.0, 3.0], rows)


@pytest.mark.parametrize(("rows", "share", "method"), [(20_000, 1.0, "isotonic"), (400, 0.1, "logistic")])
def test_probabilities_come_out_right_where_scores_overstate(rows: int, share: float, method: str) -> None:
    found = calibrate(*draw(1, rows, share=share))
    scores, labels, weights = draw(2, 50_000, share=share)
    probabilities = found(scores)
    assert found.method == method
    predicted, observed = np.average(probabilities, weights=weights), np.average(labels, weights=weights)
    assert predicted == pytest.approx(observed, rel=0.05 if method == "isotonic" else 0.5)
    before = np.average((scores - labels) ** 2, weights=weights)
    assert np.average((probabilities - labels) ** 2, weights=weights) < before


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(40, 3_000), share=st.sampled_from([0.05, 0.3, 1.0]))
def test_a_calibrator_always_rises_so_that_no_ranking_changes(seed: int, rows: int, share: float) -> None:
    scores, labels, weights = draw(seed, rows, share=share)
    labels[:2] = (0.0, 1.0)
    found = calibrate(scores, labels, weights)
    assert found.raw[0] == found.probability[0] == 0.0
    assert found.raw[-1] == found.probability[-1] == 1.0
    assert (np.diff(found.raw) > 0).all()
    assert (np.diff(found.probability) > 0).all()
    grid = np.linspace(0, 1, 501)
    assert (np.diff(found(grid)) > 0).all()


def test_weights_count_as_repeated_rows() -> None:
    rng = np.random.default_rng(5)
    scores = rng.random(2_000)
    labels = (rng.random(2_000) < scores).astype(float)
    times = rng.integers(1, 4, 2_000)
    weighted = calibrate(scores, labels, times.astype(float))
    repeated = calibrate(np.repeat(scores, times), np.repeat(labels, times), np.ones(times.sum()))
    grid = np.linspace(0, 1, 101)
    np.testing.assert_allclose(weighted(grid), repeated(grid), atol=0.03)


def test_all_equal_scores_give_the_base_rate() -> None:
    labels = np.array([0.0, 1.0] * ISOTONIC_POSITIVES_AT_LEAST)
    found = calibrate(np.full(len(labels), 0.3), labels, np.ones(len(labels)))
    assert found(np.array([0.3]))[0] == pytest.approx(0.5)


def test_scores_that_rank_the_wrong_way_round_are_not_turned_over() -> None:
    scores = np.linspace(0.1, 0.9, 100)
    labels = (scores < 0.2).astype(float)
    found = calibrate(scores, labels, np.ones(100))
    assert (np.diff(found(scores)) > 0).all()


def test_serving_is_a_straight_line_between_knots() -> None:
    served = Calibrator("isotonic", (0.0, 0.5, 1.0), (0.0, 0.2, 1.0))
    np.testing.assert_allclose(served(np.array([0.25, 0.75])), [0.1, 0.6])


def test_rows_weighed_to_another_base_rate_give_probabilities_around_it() -> None:
    scores, labels, weights = draw(3, 20_000)
    moved = at_base_rate(labels, weights, 0.05)
    assert np.average(labels, weights=moved) == pytest.approx(0.05)
    np.testing.assert_array_equal(moved[labels == 0], weights[labels == 0])
    assert np.average(calibrate(scores, labels, moved)(scores), weights=moved) == pytest.approx(0.05, rel=0.05)
