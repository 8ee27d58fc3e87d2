"""Paired differences of average precision: the same rows, the same resamples, two ways of ranking."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from governance.models import metrics
from governance.models.bootstrap import interval
from governance.models.figures import Settings
from governance.models.rows import Floats
from governance.release.evidence import NOTHING_KNOWN, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The champion's probabilities of the test rows, and the time from which neither model knew a label."""

    scores: Floats
    compared_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """AP of the candidate minus AP of the base rate, the rules and the champion, on weighted rows.

    `champion` is None where there is no champion; it covers `champion_rows` rows.
    """

    base_rate: Interval
    rules: Interval
    champion: Interval | None
    champion_rows: int


def compare(
    test: pl.DataFrame, scores: Floats, *, rules: Floats, champion: Champion | None, settings: Settings
) -> Differences:
    """Compare a candidate's test scores with the base rate, the rules' points and the champion's scores."""
    against_champion, rows = None, 0
    if champion is not None:
        both = (test["decided_at"] >= champion.compared_from).to_numpy()
        rows = int(both.sum())
        against_champion = ap_difference(test.filter(both), scores[both], champion.scores[both], settings)
    return Differences(
        base_rate=ap_difference(test, scores, np.zeros(len(scores)), settings),
        rules=ap_difference(test, scores, rules, settings),
        champion=against_champion,
        champion_rows=rows,
    )


def ap_difference(rows: pl.DataFrame, first: Floats, second: Floats, settings: Settings) -> Interval:
    """AP of `first` minus AP of `second`; equal scores throughout have the prevalence for their AP.

    Without a positive row nothing is known: 0 within -1 and 1, which no gate that asks for a lower bound passes.
    """
    if not (rows["label"] == 1).any():
        return NOTHING_KNOWN
    labels = rows["label"].cast(pl.Float64).to_numpy()
    weights = rows["weight"].to_numpy()
    rankings = metrics.Ranking.of(first), metrics.Ranking.of(second)

    def difference(drawn: Floats) -> Floats:
        one, two = (metrics.average_precision(metrics.Curve.of(r, labels, drawn, labels)) for r in rankings)
        return one - two

    replicates = np.concatenate([difference(times * weights) for times in settings.resamples(rows)])
    return interval(float(difference(weights[None, :])[0]), replicates) or NOTHING_KNOWN
