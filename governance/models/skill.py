"""How much of what can be known a model knows, where the truth is known: on synthetic marketplaces.

Skill is (AP - rules) / (oracle - rules) on the same test rows: 0 for the expert rules, 1 for an ideal observer that
knows how the world works and sees everything observable, but not the outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from governance.marketplaces.truth import Sampling, read_truth
from governance.models import metrics
from governance.models.bootstrap import interval
from governance.models.figures import Settings
from governance.models.rows import Floats
from governance.release.evidence import Interval

_FIGURES = ("rules_ap", "ap", "oracle_ap", "skill")

TRUE_ABOVE = 0.5
"""A decision of which only a share is true counts as true where that is most of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Average precision of the rules, the model and the oracle, and the skill that they make.

    Skill is None where the oracle is no better than the rules; its interval leaves out resamples where that is so.
    """

    rules_ap: Interval | None
    ap: Interval | None
    oracle_ap: Interval | None
    skill: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Skill on the test rows that the truth knows, `rows` of them (`rows_unknown` it does not).

    True positives are weighted by one over `oversampling`, so that the figures are those of a world with the natural
    prevalence: `natural` is what the world states, `prevalence` the truth's share among the weighted rows. `labels`
    holds the rankings against what was said, which is late, partly missing and sometimes wrong, `truth` against what
    was so.
    """

    rows: int
    rows_unknown: int
    positives: int
    true_positives: int
    natural: float | None
    oversampling: float
    prevalence: float
    labels: Reading
    truth: Reading

    @property
    def intervals(self) -> dict[str, Interval | None]:
        """The figures by name: those against the labels, and with `true_` before them those against the truth."""
        said, true = self.labels, self.truth
        return {
            "natural_rules_ap": said.rules_ap,
            "natural_ap": said.ap,
            "oracle_ap": said.oracle_ap,
            "skill": said.skill,
            "true_rules_ap": true.rules_ap,
            "true_ap": true.ap,
            "true_oracle_ap": true.oracle_ap,
            "true_skill": true.skill,
        }

    @property
    def shares(self) -> dict[str, float | None]:
        """The natural prevalence, the one among the weighted rows, and the factor between the world and nature."""
        return {
            "natural_prevalence": self.natural,
            "reweighted_prevalence": self.prevalence,
            "oversampling": self.oversampling,
        }


def skill_of(
    source_root: Path | None, test: pl.DataFrame, scores: Floats, *, rules: Floats, settings: Settings
) -> Skill | None:
    """The skill of a model on its test slice; None without a truth, or where it knows nothing of the model's label.

    Parameters
    ----------
    source_root
        Folder of the owner's files; the truth lies in it, if anywhere.
    test
        Test rows with the columns that `rows.RESERVED` names.
    scores, rules
        One number per test row: the model's probability and the rules' points.
    """
    truth = read_truth(source_root) if source_root is not None else None
    if truth is None:
        return None
    label = settings.spec.label
    known = truth.decisions(label).select("entity_id", "truth", "oracle", decided_at="occurred_at")
    rows = test.with_columns(model=pl.Series(scores), rules=pl.Series(rules))
    rows = rows.join(known, on=["entity_id", "decided_at"], how="left", maintain_order="left")
    return measure_skill(rows, truth.sampling(label), settings)


def measure_skill(rows: pl.DataFrame, sampling: Sampling, settings: Settings) -> Skill | None:
    """Measure rows that carry `model`, `rules`, `truth` and `oracle` beside what a training set has.

    Rows whose `truth` is null are left out; None where no row is left.
    """
    known = rows.filter(pl.col("truth").is_not_null() & pl.col("oracle").is_not_null())
    if known.is_empty():
        return None
    true = (known["truth"] > TRUE_ABOVE).cast(pl.Float64).to_numpy()
    # Members are what a world has too many of, whatever was said of them.
    weights = known["weight"].to_numpy() / np.where(true > 0, sampling.oversampling, 1.0)
    outcomes = {"labels": known["label"].cast(pl.Float64).to_numpy(), "truth": true}
    ruler = _Ruler(known, outcomes)
    exact = ruler(weights[None, :])
    drawn = [ruler(times * weights) for times in settings.resamples(known)]
    found = {
        key: interval(float(value[0]), np.concatenate([part[key] for part in drawn])) for key, value in exact.items()
    }
    return Skill(
        rows=known.height,
        rows_unknown=rows.height - known.height,
        positives=int(outcomes["labels"].sum()),
        true_positives=int(true.sum()),
        natural=sampling.natural,
        oversampling=sampling.oversampling,
        prevalence=float(true @ weights / weights.sum()),
        labels=Reading(**{name: found["labels", name] for name in _FIGURES}),
        truth=Reading(**{name: found["truth", name] for name in _FIGURES}),
    )


class _Ruler:
    """Measures the same rows under any (R, n) weights, against each outcome; sorting happens once."""

    def __init__(self, rows: pl.DataFrame, outcomes: Mapping[str, Floats]) -> None:
        self.outcomes = outcomes
        self.rankings = [metrics.Ranking.of(rows[name].to_numpy()) for name in ("rules", "model", "oracle")]

    def __call__(self, weights: Floats) -> dict[tuple[str, str], Floats]:
        found: dict[tuple[str, str], Floats] = {}
        for name, outcome in self.outcomes.items():
            curves = [metrics.Curve.of(ranking, outcome, weights, outcome) for ranking in self.rankings]
            rules, model, oracle = (metrics.average_precision(curve) for curve in curves)
            figures = (rules, model, oracle, metrics.ratio(model - rules, oracle - rules))
            found |= {(name, figure): values for figure, values in zip(_FIGURES, figures, strict=True)}
        return found
