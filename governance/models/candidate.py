"""From a training set to a candidate that gates can judge: split, fit, measure, collect evidence."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from governance.errors import InputError
from governance.models import leakage
from governance.models.artifact import Artifact, Scorer, load_scorer
from governance.models.comparison import Champion
from governance.models.evaluation import Evaluation, evaluate
from governance.models.figures import Settings
from governance.models.fitting import Fitted, fit
from governance.models.rows import Floats
from governance.models.spec import ModelSpec
from governance.models.split import Bounds, Slices, SliceSummary, split, summarise
from governance.release.evidence import Evidence, Interval

REPLICATES = 200
LATENCY_ROWS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A fitted model with everything that its gates, drift checks and card need.

    `reference` holds the training rows (what a row is, and the features). `reference_scores` and
    `test_scores` hold the probabilities of the calibration and the test rows (`row_id`, `decided_at`,
    `label`, `weight`, `score`): the trees learnt from neither, so later scores may be held against both.
    `importance` is each reason code's share of the trees' gain.
    """

    artifact: Artifact
    scorer: Scorer
    evaluation: Evaluation
    evidence: Evidence
    summaries: tuple[SliceSummary, ...]
    bounds: Bounds
    left_out: int
    reference: pl.DataFrame
    reference_scores: pl.DataFrame
    test_scores: pl.DataFrame
    importance: tuple[tuple[str, float], ...]

    @property
    def training_cutoff(self) -> datetime:
        """No label learnt after this time had a part in the model; comparisons with a later one start here."""
        return self.bounds.test_from


def build_candidate(
    frame: pl.DataFrame,
    *,
    spec: ModelSpec,
    features: Sequence[str],
    as_of: date,
    maturity_days: int,
    training_set_digest: str,
    rules: Callable[[pl.DataFrame], Floats],
    timer: Callable[[], float],
    champion: Scorer | None = None,
    champion_training_cutoff: datetime | None = None,
    trending: Collection[str] = (),
    seed: int | None = None,
    replicates: int = REPLICATES,
    source_root: Path | None = None,
) -> Candidate:
    """Fit and measure a candidate; the same frame gives the same digest and figures, latency apart.

    Parameters
    ----------
    frame
        A training set: one row per matured decision, with the columns that `rows.RESERVED` names, the
        slice columns, `feature_time:<view>` columns and the features.
    features
        Names of the feature columns, in the order in which the model reads them.
    rules
        Gives the expert rules' points (rows,) of a frame like this one.
    timer
        Seconds on a clock that never runs backwards, such as `time.perf_counter`.
    champion, champion_training_cutoff
        The model to compare with and its `training_cutoff`; both or neither.
    trending
        Features that grow with the age of the marketplace, so that they are missing less and less often.
    seed
        For trees, resamples and shuffles; the spec's where not given.
    source_root
        Folder of the owner's files: where it holds the truth, the evaluation says how much of it the model found.
        Nothing else of the candidate depends on it.

    Raises
    ------
    NotReady
        There are not enough matured positives yet.
    InputError
        A column is absent, or a champion comes without its cutoff.
    """
    _require_columns(frame, [*features, *spec.slices])
    seed = spec.seed if seed is None else seed
    slices = split(
        frame,
        as_of=as_of,
        maturity_days=maturity_days,
        test_days=spec.test_days,
        calibration_days=spec.calibration_days,
        test_from=spec.test_from,
        positives_at_least=spec.gates.matured_positives_at_least,
    )
    fitted = fit(slices, spec=spec, features=features, training_set_digest=training_set_digest, seed=seed)
    scores = fitted.scorer.score(fitted.test.matrix)
    evaluation = evaluate(
        slices.test,
        scores,
        rules=rules(slices.test),
        champion=_rival(champion, champion_training_cutoff, slices),
        seen_groups=pl.concat([fitted.training.groups, fitted.calibration.groups]),
        settings=Settings(spec=spec, threshold=fitted.scorer.threshold.value, replicates=replicates, seed=seed),
        source_root=source_root,
    )
    evidence = collect_evidence(frame, slices, fitted, evaluation, spec=spec, seed=seed, timer=timer, trending=trending)
    return _candidate(slices, fitted, scores, evaluation, evidence)


def _require_columns(frame: pl.DataFrame, needed: Sequence[str]) -> None:
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise InputError(f"the training set lacks {', '.join(absent)}; build it again with the views of the spec")


def _rival(champion: Scorer | None, cutoff: datetime | None, slices: Slices) -> Champion | None:
    if champion is None:
        return None
    if cutoff is None:
        raise InputError("a champion can only be compared with when its training cutoff is given")
    _require_columns(slices.test, champion.features)
    return Champion(scores=champion.score(slices.test), compared_from=max(cutoff, slices.bounds.test_from))


def collect_evidence(
    frame: pl.DataFrame,
    slices: Slices,
    fitted: Fitted,
    evaluation: Evaluation,
    *,
    spec: ModelSpec,
    seed: int,
    timer: Callable[[], float],
    trending: Collection[str] = (),
) -> Evidence:
    """Everything that the gates judge: signs of leakage, a reload of the files, and what the evaluation found.

    `positives` counts the distinct positive entities of all slices, each matured by its slice's cutoff.
    """
    features = fitted.scorer.features
    everything = (fitted.training, fitted.calibration, fitted.test)
    reloaded = load_scorer(fitted.artifact.files)
    difference = np.abs(reloaded.score(fitted.test.matrix) - fitted.scorer.score(fitted.test.matrix))
    strongest = leakage.single_feature_auc(everything, features)
    missing = leakage.missing_share_shift(slices.training, slices.test, features, trending=trending)
    measured = evaluation.overall.measured
    worst = evaluation.worst_slice
    return Evidence(
        single_feature=strongest.feature,
        single_feature_auc=strongest.value,
        time_shuffle_gain=leakage.time_shuffle_gain(*everything, features=features, learner=spec.learner, seed=seed),
        rows_from_the_future=leakage.rows_from_the_future(frame),
        reload_difference=float(difference.max()),
        personal_inputs=leakage.personal_inputs(features),
        schema_differences=leakage.schema_differences(frame, features),
        missing_share_shift=missing.value,
        missing_share_feature=missing.feature,
        latency_p99_ms=latency_p99_ms(reloaded, fitted.test.matrix[:LATENCY_ROWS], timer),
        positives=pl.concat([part.positive_entities for part in everything]).n_unique(),
        ap_minus_base_rate=evaluation.ap_minus.base_rate,
        ap_minus_rules=evaluation.ap_minus.rules,
        ap_minus_champion=evaluation.ap_minus.champion,
        calibration_error=_value(measured.calibration_error),
        calibration_ratio=_value(measured.calibration_ratio),
        worst_slice=f"{worst.column} {worst.value}" if worst else None,
        slice_auc_drop=evaluation.auc_drop(worst.figures if worst else None),
        unseen_auc_drop=evaluation.auc_drop(evaluation.unseen),
    )


def _value(found: Interval | None) -> float:
    # Calibration is undefined only without positives, and the split does not let such a test slice through.
    return found.value if found is not None else float("inf")


def latency_p99_ms(scorer: Scorer, matrix: Floats, timer: Callable[[], float]) -> float:
    """Milliseconds within which 99 % of single rows of a (rows, features) matrix are scored."""
    taken = []
    for row in range(len(matrix)):
        started = timer()
        scorer.score(matrix[row : row + 1])
        taken.append(timer() - started)
    return float(1000 * np.quantile(taken, 0.99))


def _candidate(slices: Slices, fitted: Fitted, scores: Floats, evaluation: Evaluation, evidence: Evidence) -> Candidate:
    calibrated = fitted.scorer.score(fitted.calibration.matrix)
    named = {"training": slices.training, "calibration": slices.calibration, "test": slices.test}
    return Candidate(
        artifact=fitted.artifact,
        scorer=fitted.scorer,
        evaluation=evaluation,
        evidence=evidence,
        summaries=tuple(summarise(name, rows) for name, rows in named.items()),
        bounds=slices.bounds,
        left_out=slices.left_out,
        reference=slices.training,
        reference_scores=_scored(slices.calibration, calibrated),
        test_scores=_scored(slices.test, scores),
        importance=fitted.importance,
    )


def _scored(rows: pl.DataFrame, scores: Floats) -> pl.DataFrame:
    return rows.select("row_id", "decided_at", "label", "weight", score=pl.Series(scores))
