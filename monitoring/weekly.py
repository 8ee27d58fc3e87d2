"""A model's drift in one week: which rows are compared, what was found, and the page that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from governance.contracts.calendar import midnight
from governance.errors import NotReady
from governance.models import training_set
from governance.models.artifact import load_scorer
from governance.models.catalogue import Model
from governance.models.training_set import PointInTimeJoin
from governance.retraining import calibration_rows, dataset, recent_decisions
from governance.storage.digests import fingerprint
from governance.storage.lake import Manifest
from governance.workspace import Workspace
from monitoring.drift import DriftReport, Proportion, judge
from monitoring.evidently_pages import write_page
from monitoring.profiles import profile

CODE_VERSION = "1"
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
    """What a report must have been made from: the week's candidate, and the features up to `as_of`."""
    candidate = workspace.lake.manifest(dataset(model.name), as_of)
    return fingerprint(CODE_VERSION, candidate.facts.get("digest") if candidate else None, as_of)


def check_drift(workspace: Workspace, model: Model, as_of: date, *, join: PointInTimeJoin) -> DriftWeek:
    """Hold the newest decisions before `as_of` against the calibration slice of that week's candidate.

    Both windows are equally long, and of a seller's daily decisions only the newest counts on either side.

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


def _checked(workspace: Workspace, model: Model, as_of: date, *, join: PointInTimeJoin) -> DriftWeek:
    candidate, training = _week(workspace, model, as_of)
    facts = candidate.facts
    rows = workspace.lake.read(training_set.dataset(model.name), [as_of])
    reference = calibration_rows(rows, facts)
    current = recent_decisions(workspace, model, as_of=as_of, days=model.spec.calibration_days, join=join)
    scorer = load_scorer(workspace.registry.files(model.name, facts["digest"]))
    features = training_set.features_of(training)
    reference, current = (frame.with_columns(pl.Series(_SCORE, scorer.score(frame))) for frame in (reference, current))
    group = {"group": "group_id", "time": "decided_at"} if model.spec.entity == "seller" else {}
    profiled = profile(reference, [*features, _SCORE], **group, weight="weight")
    report = judge(
        profiled,
        reference,
        current,
        seed=model.spec.seed,
        trending=training_set.trending(model, workspace.views),
        score=_SCORE,
        labels=_label_rates(rows, reference, facts["test_from"], group),
    )
    shown = [*features, _SCORE]
    page = workspace.reports / f"drift_{model.name}_{as_of.isoformat()}.html"
    before, now = (profiled.reduced(frame).select(shown) for frame in (reference, current))
    write_page(report, before, now, page, seed=model.spec.seed)
    found = {"share_drifted": report.share_drifted, "alarm": report.alarm, "reasons": report.reasons, "page": str(page)}
    _remember(workspace, model, as_of, found, report)
    return DriftWeek(report, page)


def _week(workspace: Workspace, model: Model, as_of: date) -> tuple[Manifest, Manifest]:
    candidate = workspace.lake.manifest(dataset(model.name), as_of)
    training = workspace.lake.manifest(training_set.dataset(model.name), as_of)
    if candidate is None or training is None or not candidate.facts.get("digest"):
        raise NotReady(f"{model.name} has no candidate as of {as_of}, so there is nothing to compare with")
    return candidate, training


def _label_rates(
    rows: pl.DataFrame, reference: pl.DataFrame, test_from: str, group: dict[str, str]
) -> tuple[Proportion, Proportion]:
    newest = rows.filter(pl.col("decided_at") >= datetime.fromisoformat(test_from))
    return Proportion.of(reference, **group), Proportion.of(newest, **group)


def _remember(
    workspace: Workspace, model: Model, as_of: date, facts: Mapping[str, Any], report: DriftReport | None = None
) -> None:
    figures = report.to_json() if report else None
    frame = pl.DataFrame({"as_of": [midnight(as_of)], "report": [figures]}, schema_overrides={"report": pl.String()})
    made_from = drift_fingerprint(workspace, model, as_of)
    workspace.lake.write(drift_dataset(model.name), as_of, frame, key=["as_of"], fingerprint=made_from, facts=facts)
