"""Measuring a candidate on its test slice: as a whole, by slice, by reason of the label, and on unseen groups."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.models.comparison import Champion, Differences, compare
from governance.models.figures import CALIBRATION_BINS, Figures, Settings, measure
from governance.models.metrics import equal_weight_bins
from governance.models.rows import RESERVED, Floats
from governance.models.skill import Skill, skill_of

POSITIVE_ENTITIES_AT_LEAST = 30
"""A slice, or the unseen groups, with fewer positive entities get no figures of their own: a gate would judge noise."""


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """Figures of the test rows whose `column` has this `value`."""

    column: str
    value: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Figures with the positives of one label reason only and all negatives, weighted and unweighted."""

    reason: str
    weighted: Figures
    unweighted: Figures


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """A tenth of the weight by predicted probability: mean prediction, observed rate, rows and positives."""

    predicted: float
    observed: float
    rows: int
    positives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything measured on the test slice.

    `overall`, `rules`, `unseen` and `slices` are weighted; `unseen` holds the groups that neither
    training nor calibration saw, None with too few positives. Slices with too few are left out; every reason is there.
    `skill` is None where nobody knows the truth.
    """

    overall: Figures
    unweighted: Figures
    rules: Figures
    rules_unweighted: Figures
    unseen: Figures | None
    slices: tuple[SliceFigures, ...]
    reasons: tuple[ReasonFigures, ...]
    ap_minus: Differences
    reliability: tuple[ReliabilityBin, ...]
    skill: Skill | None = None

    def to_json(self) -> dict[str, Any]:
        """The same as nested dicts, lists and numbers, for `json.dumps`."""
        return asdict(self)

    @property
    def worst_slice(self) -> SliceFigures | None:
        """The slice with the lowest AUC, None where there is no slice."""
        ranked = [(entry.figures.auc.value, entry) for entry in self.slices if entry.figures.auc is not None]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def auc_drop(self, figures: Figures | None) -> float | None:
        """The overall AUC minus that of some of the rows; None where either is undefined."""
        if figures is None or figures.auc is None or self.overall.auc is None:
            return None
        return self.overall.auc.value - figures.auc.value


def evaluate(
    test: pl.DataFrame,
    scores: Floats,
    *,
    rules: Floats,
    champion: Champion | None,
    seen_groups: pl.Series,
    settings: Settings,
    source_root: Path | None = None,
) -> Evaluation:
    """Measure a candidate on its test slice.

    Parameters
    ----------
    test
        Test rows of a training set, with the spec's slice columns.
    scores, rules
        One number per test row: the candidate's probability and the rules' points.
    seen_groups
        Groups of the training and calibration rows.
    source_root
        Folder of the owner's files, for the truth about them; of real ones there is none.
    """
    kept = test.select(*RESERVED, *settings.spec.slices)
    plain = kept.with_columns(weight=pl.lit(1.0))
    unseen = ~kept["group_id"].is_in(seen_groups.unique().to_list()).to_numpy()
    return Evaluation(
        overall=measure(kept, scores, settings),
        unweighted=measure(plain, scores, settings),
        rules=measure(kept, rules, settings, probabilities=False),
        rules_unweighted=measure(plain, rules, settings, probabilities=False),
        unseen=_measure_if_enough(kept, scores, unseen, settings),
        slices=tuple(_by_slice(kept, scores, settings)),
        reasons=tuple(_by_reason((kept, plain), scores, settings)),
        ap_minus=compare(kept, scores, rules=rules, champion=champion, settings=settings),
        reliability=_reliability(kept, scores),
        skill=skill_of(source_root, kept, scores, rules=rules, settings=settings),
    )


def _measure_if_enough(
    rows: pl.DataFrame, scores: Floats, keep: npt.NDArray[np.bool_], settings: Settings
) -> Figures | None:
    chosen = rows.filter(keep)
    labels = chosen["label"]
    enough = chosen.filter(labels == 1)["entity_id"].n_unique() >= POSITIVE_ENTITIES_AT_LEAST
    return measure(chosen, scores[keep], settings) if enough and (labels == 0).any() else None


def _by_slice(rows: pl.DataFrame, scores: Floats, settings: Settings) -> Iterator[SliceFigures]:
    for column in settings.spec.slices:
        for value in rows[column].drop_nulls().unique().sort():
            keep = (rows[column] == value).fill_null(False).to_numpy()
            found = None if keep.all() else _measure_if_enough(rows, scores, keep, settings)
            if found is not None:
                yield SliceFigures(column, str(value), found)


def _by_reason(weightings: Sequence[pl.DataFrame], scores: Floats, settings: Settings) -> Iterator[ReasonFigures]:
    negative = weightings[0]["label"] == 0
    reasons = weightings[0]["label_reason"]
    for reason in reasons.filter(~negative).drop_nulls().unique().sort():
        keep = (negative | (reasons == reason).fill_null(False)).to_numpy()
        weighted, unweighted = (measure(rows.filter(keep), scores[keep], settings) for rows in weightings)
        yield ReasonFigures(reason, weighted, unweighted)


def _reliability(rows: pl.DataFrame, scores: Floats) -> tuple[ReliabilityBin, ...]:
    weights = rows["weight"].to_numpy()
    table = (
        rows.select(
            "label",
            "weight",
            bin=pl.Series(equal_weight_bins(scores, weights, CALIBRATION_BINS)),
            predicted=pl.Series(scores) * pl.col("weight"),
        )
        .group_by("bin")
        .agg(
            pl.col("predicted").sum() / pl.col("weight").sum(),
            observed=(pl.col("label") * pl.col("weight")).sum() / pl.col("weight").sum(),
            rows=pl.len(),
            positives=pl.col("label").sum(),
        )
        .sort("bin")
    )
    return tuple(ReliabilityBin(**row) for row in table.drop("bin").iter_rows(named=True))
