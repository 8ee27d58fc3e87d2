"""The figures of one set of scored rows, each with its interval, and beside them what they rest on."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.models import metrics
from governance.models.bootstrap import Resamples, interval
from governance.models.rows import Floats, codes
from governance.models.spec import ModelSpec
from governance.models.thresholds import acting_cost, waiting_cost
from governance.release.evidence import Interval

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What turns scores into figures beside the scores themselves: costs and capacity of the spec, and a seed."""

    spec: ModelSpec
    threshold: float
    replicates: int
    seed: int

    def resamples(self, rows: pl.DataFrame) -> Resamples:
        """The draws of groups for these rows."""
        return Resamples(groups=codes(rows["group_id"]), replicates=self.replicates, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures with 95 % intervals; None where undefined (one label is absent, nothing was acted on).

    `recall_at_fpr`: share of positives caught when the spec's share of negatives is hit.
    `recall_at_capacity`, `money_recall_at_capacity`: share of positives, and of the money at stake in them, among the
    highest scores that the review capacity covers. `calibration_error`: mean gap between predicted and observed
    rate over ten bins of equal weight (its interval leans upwards, as resampling adds noise to each bin).
    `calibration_ratio`: predicted positives over observed. At the threshold: `cost_per_1000` decisions in minor
    units, `action_rate` the share acted on, `false_hit_rate` the share of actions that hit a negative.
    """

    auc: Interval | None = None
    ap: Interval | None = None
    recall_at_fpr: Interval | None = None
    recall_at_capacity: Interval | None = None
    money_recall_at_capacity: Interval | None = None
    calibration_error: Interval | None = None
    calibration_ratio: Interval | None = None
    cost_per_1000: Interval | None = None
    action_rate: Interval | None = None
    false_hit_rate: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of one set of rows; `prevalence` is the weighted share of positives, counts are unweighted."""

    rows: int
    groups: int
    positives: int
    positive_entities: int
    prevalence: float
    measured: Measured

    @property
    def auc(self) -> Interval | None:
        """Area under the ROC curve."""
        return self.measured.auc

    @property
    def ap(self) -> Interval | None:
        """Average precision; a model that knows nothing has the prevalence."""
        return self.measured.ap


def measure(rows: pl.DataFrame, scores: Floats, settings: Settings, *, probabilities: bool = True) -> Figures:
    """Measure rows of a training set with one score each.

    With `probabilities` the scores are also held against the labels' rates and the threshold;
    without, only what a ranking can tell is measured.
    """
    ruler = _Ruler(rows, scores, settings, probabilities=probabilities)
    weights = rows["weight"].to_numpy()
    exact = ruler(weights[None, :])
    drawn = [ruler(times * weights) for times in settings.resamples(rows)]
    found = {
        name: interval(float(value[0]), np.concatenate([part[name] for part in drawn])) for name, value in exact.items()
    }
    positive = rows.filter(pl.col("label") == 1)
    return Figures(
        rows=rows.height,
        groups=rows["group_id"].n_unique(),
        positives=positive.height,
        positive_entities=positive["entity_id"].n_unique(),
        prevalence=float(positive["weight"].sum() / weights.sum()),
        measured=Measured(**found),
    )


class _Ruler:
    """Measures the same rows and scores under any (R, n) weights; sorting and binning happen once."""

    def __init__(self, rows: pl.DataFrame, scores: Floats, settings: Settings, *, probabilities: bool) -> None:
        self.labels = rows["label"].cast(pl.Float64).to_numpy()
        self.amounts = rows["amount_minor"].cast(pl.Float64).fill_null(0.0).to_numpy()
        self.ranking = metrics.Ranking.of(scores)
        self.spec = settings.spec
        self.sums = self._sums(scores, rows["weight"].to_numpy(), settings.threshold) if probabilities else None

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        curve = metrics.Curve.of(self.ranking, self.labels, weights, self.amounts)
        capacity = self.spec.review_capacity_share
        found = {
            "auc": metrics.auc(curve),
            "ap": metrics.average_precision(curve),
            "recall_at_fpr": metrics.recall_at_false_positive_rate(curve, self.spec.false_positive_rate),
            "recall_at_capacity": metrics.recall_at_capacity(curve, capacity),
            "money_recall_at_capacity": metrics.money_recall_at_capacity(curve, capacity),
        }
        return found if self.sums is None else {**found, **_of_sums(weights @ self.sums)}

    def _sums(self, scores: Floats, weights: Floats, threshold: float) -> Floats:
        """Columns (n, 4 + 2 bins) whose weighted sums are all that the figures of probabilities need."""
        acted = scores >= threshold
        cost = np.where(
            acted,
            acting_cost(self.labels, self.amounts, self.spec.costs),
            waiting_cost(self.labels, self.amounts, self.spec.costs),
        )
        held = np.eye(CALIBRATION_BINS)[metrics.equal_weight_bins(scores, weights, CALIBRATION_BINS)]
        decisions = np.stack([np.ones(len(scores)), acted, acted * (1 - self.labels), cost], axis=1)
        return np.hstack([decisions, held * scores[:, None], held * self.labels[:, None]])


def _of_sums(sums: Floats) -> dict[str, Floats]:
    total, acted, false, cost = sums[:, :4].T
    predicted, observed = sums[:, 4 : 4 + CALIBRATION_BINS], sums[:, 4 + CALIBRATION_BINS :]
    return {
        "calibration_error": np.abs(predicted - observed).sum(axis=1) / total,
        "calibration_ratio": metrics.ratio(predicted.sum(axis=1), observed.sum(axis=1)),
        "cost_per_1000": 1000 * cost / total,
        "action_rate": acted / total,
        "false_hit_rate": metrics.ratio(false, acted),
    }
