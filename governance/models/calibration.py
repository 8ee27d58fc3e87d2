"""From a booster's raw score to a probability: a rising line through a few knots, served by `numpy.interp`."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from governance.models.metrics import equal_weight_bins
from governance.models.rows import Floats

ISOTONIC_POSITIVES_AT_LEAST = 30
"""With fewer positives a free-form curve fits noise; two parameters of a logistic curve must do."""

_BINS_AT_MOST = 50
_POSITIVES_PER_BIN = 5
_CURVE_POINTS = 65
_EDGE = 1e-6
_RISE_AT_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A strictly rising line through knots from (0, 0) to (1, 1): calibrating never changes a ranking."""

    method: Literal["isotonic", "logistic"]
    raw: tuple[float, ...]
    probability: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of raw scores in [0, 1]."""
        return np.interp(scores, self.raw, self.probability)


def calibrate(scores: Floats, labels: Floats, weights: Floats) -> Calibrator:
    """Fit a calibrator on rows that the booster has not seen.

    Isotonic regression (Zadrozny and Elkan 2002) over bins of equal weight, each blended with one row at the
    base rate so that no bin says never or always. Each level sets becomes one knot at its mean score and the
    line between knots keeps rising, so ties stay ties and nothing else becomes one. With fewer than
    `ISOTONIC_POSITIVES_AT_LEAST` positives: Platt's logistic curve (1999) on the score's log-odds.

    Parameters
    ----------
    scores, labels, weights
        Arrays of equal length: raw scores in [0, 1], labels 0 or 1 (both present), weights above 0.
    """
    relative = weights / weights.mean()
    if labels.sum() < ISOTONIC_POSITIVES_AT_LEAST:
        return _logistic(scores, labels, relative)
    return _isotonic(scores, labels, relative)


def at_base_rate(labels: Floats, weights: Floats, rate: float) -> Floats:
    """Weights (rows,) under which the share of positives is `rate`; the order within each label stays.

    >>> at_base_rate(np.array([1.0, 0.0]), np.array([1.0, 1.0]), 0.2).tolist()
    [0.25, 1.0]
    """
    positive, negative = weights[labels > 0].sum(), weights[labels == 0].sum()
    return np.where(labels > 0, weights * rate / (1 - rate) * negative / positive, weights)


def _isotonic(scores: Floats, labels: Floats, weights: Floats) -> Calibrator:
    from sklearn.isotonic import isotonic_regression

    bins = int(np.clip(labels.sum() // _POSITIVES_PER_BIN, 2, _BINS_AT_MOST))
    held = equal_weight_bins(scores, weights, bins)
    mass: Floats = np.bincount(held, weights).astype(np.float64)
    centre = np.bincount(held, weights * scores) / mass
    rate = (np.bincount(held, weights * labels) + np.average(labels, weights=weights)) / (mass + 1)
    level: Floats = np.asarray(isotonic_regression(rate, sample_weight=mass))
    _, block = np.unique(level.round(9), return_inverse=True)
    return _through("isotonic", _mean_by(block, centre, mass), _mean_by(block, level, mass))


def _mean_by(block: npt.NDArray[np.integer], values: Floats, mass: Floats) -> Floats:
    return np.bincount(block, values * mass) / np.bincount(block, mass)


def _logistic(scores: Floats, labels: Floats, weights: Floats) -> Calibrator:
    from scipy.special import expit, logit
    from sklearn.linear_model import LogisticRegression

    log_odds = logit(np.clip(scores, _EDGE, 1 - _EDGE))
    fitted = LogisticRegression(C=100.0).fit(log_odds[:, None], labels, sample_weight=weights)
    # A falling curve would turn the ranking round; a few positives are no reason to do that.
    slope = max(float(fitted.coef_[0, 0]), 0.05)
    grid = np.linspace(log_odds.min(), log_odds.max(), _CURVE_POINTS)
    return _through("logistic", expit(grid), expit(slope * grid + float(fitted.intercept_[0])))


def _through(method: Literal["isotonic", "logistic"], raw: Floats, probability: Floats) -> Calibrator:
    """A calibrator through these points and both corners, without those that hardly rise above the one before."""
    least, points = _RISE_AT_LEAST, [(0.0, 0.0)]
    for x, y in sorted(zip(raw.tolist(), probability.tolist(), strict=True)):
        if points[-1][0] + least < x < 1 - least and points[-1][1] + least < y < 1 - least:
            points.append((x, y))
    points.append((1.0, 1.0))
    return Calibrator(method, tuple(x for x, _ in points), tuple(y for _, y in points))
