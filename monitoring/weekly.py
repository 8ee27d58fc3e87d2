"""A model's drift in one week: which rows are compared, what was found, and the page that shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from governance.contracts.calendar import midnight
from governance.errors import NotReady
from governance.features.view import View
from governance.models import training_set
from governance.models.artifact import Scorer, load_scorer
from governance.models.catalogue import Model
from governance.models.training_set import PointInTimeJoin
from governance.retraining import calibration_rows, dataset, recent_decisions
from governance.storage.digests import fingerprint
from governance.storage.lake import Manifest
from governance.workspace import Workspace
from monitoring.drift import DriftReport
from monitoring.evidently_pages import write_page
from monitoring.judging import Part, judge
from monitoring.profiles import profile
from monitoring.proportions import Proportion
from monitoring.summaries import part_figures

CODE_VERSION = "3"
_SCORE = "score"


@dataclass(frozen=True, slots=True)
class DriftWeek:
    """The report of a week and its page."""

    report: DriftReport
    page: Path


def drift_dataset(name: str) -> str:
    """Where a model's drift reports are remembered in the lake, by their `as_of`."""
    return f"drift/{name}"


def drift_fingerprint(workspace: Workspace, model: Model, as_of: date) -> str:
    """What a report must have been made from: the week's candidate, and all features and labels before `as_of`."""
    candidate = workspace.lake.manifest(dataset(model.name), as_of)
    training = workspace.lake.manifest(training_set.dataset(model.name), as_of)
    digest = candidate.facts.get("digest") if candidate else None
    return fingerprint(CODE_VERSION, digest, training.fingerprint if training else None, as_of)


def check_drift(workspace: Workspace, model: Model, as_of: date, *, join: PointInTimeJoin) -> DriftWeek:
    """Hold the newest decisions before `as_of` against the calibration slice of that week's candidate.

    Both windows are equally long, and of the decisions about one entity one counts on either side.

    Raises
    ------
    NotReady
        There is no candidate for this week, or too few rows on a side.
    """
    try:
        return _checked(workspace, model, as_of, join=join)
    except NotReady as reason:
        _remember(workspace, model, as_of, {"skipped": str(reason)})
        raise


def parts_of(model: Model, views: Mapping[str, View], reference: pl.DataFrame, current: pl.DataFrame) -> list[Part]:
    """The features of two windows of decisions, by the entity that they describe.

    Two things that are no drift are kept out. A sale: of two windows with a sale on a Wednesday and on a Thursday the
    weekdays alone would differ by an effect of 0.06, so every day of a window counts alike, however many decisions it
    had. And age: that a key was never seen, instead of not lately, gets rarer as a marketplace gets older (buyers:
    from 21 % to 14 % in three months), so that either counts as no event in the window.
    """
    sums = [name for view in views.values() for name in view.sums if name in reference and name in current]
    sides = [frame.with_columns(pl.col(sums).fill_null(0.0)) for frame in (reference, current)]
    groups = training_set.feature_groups(model, views)
    return [_part(group.name, group.features, group.key, *sides) for group in groups]


def _checked(workspace: Workspace, model: Model, as_of: date, *, join: PointInTimeJoin) -> DriftWeek:
    facts = _candidate(workspace, model, as_of).facts
    matured = workspace.lake.read(training_set.dataset(model.name), [as_of])
    reference = calibration_rows(matured, facts)
    current = recent_decisions(workspace, model, as_of=as_of, days=model.spec.calibration_days, join=join)
    scorer = load_scorer(workspace.registry.files(model.name, facts["digest"]))
    reference, current = (_scored(frame, scorer) for frame in (reference, current))
    parts = parts_of(model, workspace.views, reference, current)
    score = _part(_SCORE, [_SCORE], model.spec.group, reference, current)
    report = judge(
        parts,
        seed=model.spec.seed,
        trending=training_set.trending(model, workspace.views),
        score=score,
        labels=_label_rates(matured, reference, facts["test_from"]),
    )
    page = workspace.reports / f"drift_{model.name}_{as_of.isoformat()}.html"
    write_page(report, [*parts, score], page, seed=model.spec.seed)
    found = {"share_drifted": report.share_drifted, "alarm": report.alarm, "reasons": report.reasons, "page": str(page)}
    _remember(workspace, model, as_of, {**found, "parts": part_figures(report)}, report)
    return DriftWeek(report, page)


def _candidate(workspace: Workspace, model: Model, as_of: date) -> Manifest:
    candidate = workspace.lake.manifest(dataset(model.name), as_of)
    if candidate is None or not candidate.facts.get("digest"):
        raise NotReady(f"{model.name} has no candidate as of {as_of}, so there is nothing to compare with")
    return candidate


def _scored(decisions: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """Decisions with the model's score, in order of time as pages draw them."""
    return decisions.with_columns(pl.Series(_SCORE, scorer.score(decisions))).sort("decided_at", "row_id")


def _part(name: str, columns: Sequence[str], key: str, reference: pl.DataFrame, current: pl.DataFrame) -> Part:
    before, now = _each_day_alike(reference), _each_day_alike(current)
    return Part.of(profile(before, columns, group=key, weight="weight"), before, now, name=name)


def _each_day_alike(decisions: pl.DataFrame) -> pl.DataFrame:
    """Weights as rows of one day stand for, in total, as much as those of any other."""
    weight = pl.col("weight")
    return decisions.with_columns(weight / weight.sum().over(pl.col("decided_at").dt.date()))


def _label_rates(matured: pl.DataFrame, reference: pl.DataFrame, test_from: str) -> tuple[Proportion, Proportion]:
    newest = matured.filter(pl.col("decided_at") >= datetime.fromisoformat(test_from))
    return Proportion.of(reference, group="group_id"), Proportion.of(newest, group="group_id")


def _remember(
    workspace: Workspace, model: Model, as_of: date, facts: Mapping[str, Any], report: DriftReport | None = None
) -> None:
    figures = report.to_json() if report else None
    frame = pl.DataFrame({"as_of": [midnight(as_of)], "report": [figures]}, schema_overrides={"report": pl.String()})
    made_from = drift_fingerprint(workspace, model, as_of)
    workspace.lake.write(drift_dataset(model.name), as_of, frame, key=["as_of"], fingerprint=made_from, facts=facts)
