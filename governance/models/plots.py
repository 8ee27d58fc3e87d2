"""The pictures of a model on its test slice, as one HTML page that needs nothing from the network."""

from html import escape

import numpy as np
import polars as pl

from governance.models import metrics
from governance.models.candidate import Candidate
from governance.models.charts import Series, line_chart
from governance.models.evaluation import Evaluation

_CURVE_POINTS = 200
_SCORE_BINS = 40


def model_plots(candidate: Candidate, *, title: str) -> str:
    """Reliability, precision against recall, and the distribution of scores, all on weighted test rows."""
    charts = (
        reliability_chart(candidate.evaluation),
        precision_recall_chart(candidate.test_scores),
        score_chart(candidate.test_scores),
    )
    words = escape(title)
    figures = "\n".join(f"<figure>{chart}</figure>" for chart in charts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{words}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em}figure{display:inline-block;margin:1em}</style></head>\n"
        f"<body><h1>{words}</h1>\n{figures}\n</body></html>\n"
    )


def reliability_chart(evaluation: Evaluation) -> str:
    """Observed rate against mean prediction in bins of equal weight, beside the diagonal."""
    points = [(entry.predicted, entry.observed) for entry in evaluation.reliability]
    end = max(max(point) for point in points)
    return line_chart(
        "Reliability",
        x="predicted probability",
        y="observed rate",
        series=[Series("model", points, marked=True), Series("perfect", [(0, 0), (end, end)])],
    )


def precision_recall_chart(scores: pl.DataFrame) -> str:
    """Precision against recall of scored rows (`score`, `label`, `weight`), beside the prevalence."""
    labels, weights = scores["label"].cast(pl.Float64).to_numpy(), scores["weight"].to_numpy()
    curve = metrics.Curve.of(metrics.Ranking.of(scores["score"].to_numpy()), labels, weights[None, :], labels)
    recall = curve.caught[0, 1:] / curve.caught[0, -1]
    precision = metrics.ratio(curve.caught[0, 1:], curve.acted[0, 1:])
    shown = np.unique(np.linspace(0, len(recall) - 1, _CURVE_POINTS).astype(int))
    prevalence = float(precision[-1])
    points = list(zip(recall[shown].tolist(), precision[shown].tolist(), strict=True))
    return line_chart(
        "Precision and recall",
        x="recall",
        y="precision",
        series=[Series("model", points), Series("prevalence", [(0, prevalence), (1, prevalence)])],
    )


def score_chart(scores: pl.DataFrame) -> str:
    """The share of positives' and of negatives' weight in bins of the score."""
    edges = np.linspace(0, scores["score"].to_numpy().max(), _SCORE_BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    series = []
    for value, name in ((0, "negatives"), (1, "positives")):
        rows = scores.filter(pl.col("label") == value)
        mass, _ = np.histogram(rows["score"].to_numpy(), edges, weights=rows["weight"].to_numpy())
        series.append(Series(name, list(zip(centres.tolist(), (mass / mass.sum()).tolist(), strict=True))))
    return line_chart("Scores", x="predicted probability", y="share of the rows of a label", series=series)
