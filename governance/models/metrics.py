"""Figures of a ranking under many weightings at once: row r of a (R, n) array of weights is one resample."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from governance.models.rows import Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in order of falling score; `ends` are the last positions of runs of equal scores."""

    order: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, scores: Floats) -> "Ranking":
        """Rank (n,) scores."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(scores) - 1)
        return cls(order, ends)

    def accumulate(self, weights: Floats) -> Floats:
        """Weight (R, k + 1) at or above each of the k distinct scores, after a leading 0."""
        reached = np.cumsum(weights[:, self.order], axis=1)
        if len(self.ends) < len(self.order):
            reached = reached[:, self.ends]
        return np.concatenate([np.zeros((len(weights), 1)), reached], axis=1)


@dataclass(frozen=True, slots=True)
class Curve:
    """Weight of all rows, of positives, and the positives' money, at or above each distinct score; each (R, k + 1)."""

    acted: Floats
    caught: Floats
    money: Floats

    @classmethod
    def of(cls, ranking: Ranking, labels: Floats, weights: Floats, amounts: Floats) -> "Curve":
        """The curve of (n,) labels and amounts under (R, n) weights."""
        positive = weights * labels
        return cls(ranking.accumulate(weights), ranking.accumulate(positive), ranking.accumulate(positive * amounts))

    @property
    def false(self) -> Floats:
        """Weight of negatives at or above each distinct score."""
        return self.acted - self.caught


def auc(curve: Curve) -> Floats:
    """Area under the ROC curve (R,); NaN where one label is absent."""
    false = curve.false
    area = np.sum(np.diff(false) * (curve.caught[:, 1:] + curve.caught[:, :-1]), axis=1) / 2
    return ratio(area, false[:, -1] * curve.caught[:, -1])


def average_precision(curve: Curve) -> Floats:
    """Average precision (R,), the step-wise area under the precision-recall curve; NaN without positives."""
    precision = ratio(curve.caught[:, 1:], curve.acted[:, 1:], otherwise=0.0)
    return ratio(np.sum(np.diff(curve.caught) * precision, axis=1), curve.caught[:, -1])


def recall_at_false_positive_rate(curve: Curve, rate: float) -> Floats:
    """Share of positives above the score that `rate` of the negatives exceed (R,); tied rows count in part."""
    false = curve.false
    return ratio(_at(false, curve.caught, rate * false[:, -1]), curve.caught[:, -1])


def recall_at_capacity(curve: Curve, share: float) -> Floats:
    """Share of positives among the highest `share` of all rows (R,); tied rows count in part."""
    return ratio(_at(curve.acted, curve.caught, share * curve.acted[:, -1]), curve.caught[:, -1])


def money_recall_at_capacity(curve: Curve, share: float) -> Floats:
    """Share of the positives' money among the highest `share` of all rows (R,)."""
    return ratio(_at(curve.acted, curve.money, share * curve.acted[:, -1]), curve.money[:, -1])


def _at(reached: Floats, values: Floats, limits: Floats) -> Floats:
    """Read `values` where `reached` comes to each row's limit, on the line between neighbouring scores.

    Where several scores reach the same (positives alone lie between them) the last one counts.
    """
    found = np.empty(len(limits))
    for row, limit in enumerate(limits):
        after = int(np.searchsorted(reached[row], limit, side="right"))
        before = after - 1
        found[row] = values[row, before]
        if after < reached.shape[1]:
            part = (limit - reached[row, before]) / (reached[row, after] - reached[row, before])
            found[row] += part * (values[row, after] - values[row, before])
    return found


def equal_weight_bins(scores: Floats, weights: Floats, bins: int) -> npt.NDArray[np.int64]:
    """Number from 0, by rising score, the bins of about equal weight that (n,) scores fall in; equal scores share one.

    >>> equal_weight_bins(np.array([0.1, 0.9, 0.2, 0.2]), np.ones(4), 2).tolist()
    [0, 1, 1, 1]
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    edges = scores[order][np.searchsorted(reached, reached[-1] * np.arange(1, bins) / bins)]
    _, held = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
    return held.astype(np.int64)


def ratio(numerator: Floats, denominator: Floats, *, otherwise: float = np.nan) -> Floats:
    """Divide, with `otherwise` where the denominator is 0."""
    blank = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    np.divide(numerator, denominator, out=blank, where=denominator > 0)
    return blank
