"""A model's week: its training set, its candidate, what the gates said, and what is kept of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.counters.catalogue import named
from governance.counters.offline import CODE_VERSION as COUNTERS_VERSION
from governance.errors import NotReady, ReleaseRefused
from governance.models import training_set
from governance.models.artifact import Scorer, load_scorer
from governance.models.candidate import Candidate, build_candidate
from governance.models.card import Setting, model_card
from governance.models.catalogue import Model
from governance.models.plots import model_plots
from governance.models.rules import RULES
from governance.models.scores import ScoreTable, score_day
from governance.models.training_set import PointInTimeJoin
from governance.release.evidence import Interval, Verdict
from governance.release.gates import judge
from governance.release.verdicts import to_json
from governance.storage.digests import fingerprint
from governance.storage.files import write_text
from governance.storage.lake import Lake, Manifest
from governance.workspace import Workspace

CODE_VERSION = "1"

Status = Literal["passed", "kept", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What became of a model in one week. `facts` are its figures as JSON values; a skipped week has a reason."""

    status: Status
    digest: str | None
    reason: str
    facts: Mapping[str, Any]
    verdict: Verdict | None
    candidate: Candidate | None


def dataset(name: str) -> str:
    """Where a model's weeks are remembered in the lake, by their `as_of`."""
    return f"candidates/{name}"


def training_fingerprint(workspace: Workspace, model: Model, as_of: date) -> str:
    """What a training set must have been made from: every matured label and every feature before `as_of`."""
    return training_fingerprints(workspace, model, [as_of])[as_of]


def training_fingerprints(workspace: Workspace, model: Model, weeks: Sequence[date]) -> dict[date, str]:
    """What the training sets of several weeks must have been made from; each partition is looked at once."""
    labels = workspace.lake.manifests(model.label.dataset) if weeks else {}
    return {as_of: _training_fingerprint(workspace, model, as_of, labels) for as_of in weeks}


def _training_fingerprint(workspace: Workspace, model: Model, as_of: date, labels: Mapping[date, Manifest]) -> str:
    views = [workspace.views[name] for name in model.spec.views if name in workspace.views]
    # The fingerprint of a view's last day chains all days before it.
    features = [workspace.lake.manifest(view.dataset, as_of - timedelta(days=1)) for view in views]
    return fingerprint(
        training_set.CODE_VERSION,
        [label.digest for day, label in labels.items() if day < as_of],
        [found.fingerprint if found else None for found in features],
        model.spec.views,
        _counted(workspace, model, as_of),
        model.spec.order_context,
        model.spec.excluded_features,
        workspace.marketplace.trains_from,
    )


def _counted(workspace: Workspace, model: Model, as_of: date) -> list[Any]:
    """What a model's counters are made from: their definitions, and those rows that no view of it chains already."""
    counters = named(model.spec.counters)
    if not counters:
        return []
    chained = {table for name in model.spec.views if name in workspace.views for table in workspace.views[name].tables}
    others = sorted({counter.table for counter in counters} - chained)
    rows = [workspace.lake.manifests(f"raw/{table}") for table in others]
    landed = [[found.digest for day, found in days.items() if day < as_of] for days in rows]
    return [COUNTERS_VERSION, [asdict(counter) for counter in counters], landed]


def build_training_set(workspace: Workspace, model: Model, as_of: date, *, join: PointInTimeJoin) -> Manifest:
    """Build and store a model's training set as of a UTC midnight.

    Raises
    ------
    NotReady
        No label has matured before `as_of`.
    """
    first = midnight(workspace.marketplace.trains_from)
    built = training_set.build(workspace.lake, model, workspace.views, as_of=as_of, join=join, decided_from=first)
    return workspace.lake.write(
        training_set.dataset(model.name),
        as_of,
        built.frame,
        key=["row_id"],
        fingerprint=training_fingerprint(workspace, model, as_of),
        facts={"features": list(built.features), "positives": int(built.frame["label"].sum())},
    )


def candidate_fingerprint(model: Model, training: Manifest) -> str:
    """What a candidate must have been made from."""
    return fingerprint(CODE_VERSION, training.digest, asdict(model.spec), model.label.digest)


def skipped_fingerprint(workspace: Workspace, model: Model, as_of: date) -> str:
    """What a week without a training set was made from: inputs that held no matured label."""
    return fingerprint(CODE_VERSION, "no training set", training_fingerprint(workspace, model, as_of))


def judge_week(
    workspace: Workspace,
    model: Model,
    as_of: date,
    *,
    timer: Callable[[], float],
    provenance: Mapping[str, Any],
) -> Week:
    """Train the candidate of a week, judge it, record it with its verdict, and remember the week.

    A digest that was judged before keeps its verdict. Too few matured positives make the week skipped.
    """
    training = workspace.lake.manifest(training_set.dataset(model.name), as_of)
    if training is None:
        week = _skipped(f"{model.name} has no training set as of {as_of}: no label had matured by then")
        made_from = skipped_fingerprint(workspace, model, as_of)
        return _remember(workspace.lake, model, as_of, week, made_from=made_from)
    frame = workspace.lake.read(training_set.dataset(model.name), [as_of])
    try:
        candidate = _train(workspace, model, as_of, frame, training, timer=timer)
    except NotReady as reason:
        week = _skipped(f"{model.name} as of {as_of}: {reason}")
    else:
        week = _record(workspace, model, as_of, candidate, provenance)
    return _remember(workspace.lake, model, as_of, week, made_from=candidate_fingerprint(model, training))


def recorded_facts(workspace: Workspace, name: str, digest: str) -> Mapping[str, Any]:
    """The figures that a recorded candidate was recorded with.

    Raises
    ------
    ReleaseRefused
        No such digest is recorded.
    """
    record = workspace.registry.recorded(name, digest)
    if record is None:
        raise ReleaseRefused(f"{name} {digest[:12]} is not recorded")
    return record.facts


def champion_scorer(workspace: Workspace, name: str) -> tuple[Scorer, datetime] | None:
    """The champion and the time from which its test slice began; None where there is none."""
    pointer = workspace.registry.pointer(name)
    if pointer is None:
        return None
    cutoff = datetime.fromisoformat(recorded_facts(workspace, name, pointer.champion)["training_cutoff"])
    return load_scorer(workspace.registry.files(name, pointer.champion)), cutoff


def write_scores(workspace: Workspace, table: ScoreTable, day: date, *, join: PointInTimeJoin) -> pl.DataFrame:
    """Score every active entity with the champion as of the landing of `day`, and store the rows.

    Raises
    ------
    NotReady
        The model has no champion.
    """
    name = table.model.name
    champion = champion_scorer(workspace, name)
    if champion is None:
        raise NotReady(f"{name} has no champion, so there is nothing to score with")
    rows = score_day(workspace.lake, table, champion[0], day, join=join)
    workspace.lake.write(table.dataset, day, rows, key=[table.key], fingerprint="")
    return rows


def recent_decisions(
    workspace: Workspace, model: Model, *, as_of: date, days: int, join: PointInTimeJoin
) -> pl.DataFrame:
    """Model inputs of the decisions of the last `days` before `as_of`, whether or not their labels have matured."""
    wanted = days_between(as_of - timedelta(days=days), as_of - timedelta(days=1))
    return training_set.unlabelled(workspace.lake, model, workspace.views, days=wanted, join=join)


def calibration_rows(frame: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """The newest rows that a candidate was fitted on: what later rows are held against."""
    first, last = (datetime.fromisoformat(facts[name]) for name in ("calibration_from", "gap_from"))
    return frame.filter(pl.col("decided_at").is_between(first, last, closed="left"))


def _train(
    workspace: Workspace,
    model: Model,
    as_of: date,
    frame: pl.DataFrame,
    training: Manifest,
    *,
    timer: Callable[[], float],
) -> Candidate:
    champion = champion_scorer(workspace, model.name)
    return build_candidate(
        frame,
        spec=model.spec,
        features=training_set.features_of(training),
        as_of=as_of,
        maturity_days=model.label.maturity_days,
        training_set_digest=training.digest,
        rules=RULES[model.name],
        timer=timer,
        champion=champion[0] if champion else None,
        champion_training_cutoff=champion[1] if champion else None,
        trending=training_set.trending(model, workspace.views),
        source_root=workspace.source_root,
    )


def _record(
    workspace: Workspace, model: Model, as_of: date, candidate: Candidate, provenance: Mapping[str, Any]
) -> Week:
    registry, digest = workspace.registry, candidate.artifact.digest
    facts = {**facts_of(model, as_of, candidate), "digest": digest, "provenance": dict(provenance)}
    registry.record(model.name, digest, candidate.artifact.files, facts)
    verdict = registry.verdict(model.name, digest)
    if verdict is None:
        verdict = judge(model.name, digest, candidate.evidence, model.spec.gates)
        registry.attach(verdict)
    failing = [f"{gate.name}: {gate.reason}" for gate in verdict.gates if not gate.passed]
    facts["verdict"] = json.loads(to_json(verdict))
    facts["pages"] = _write_pages(workspace, model, as_of, candidate, verdict)
    return Week(
        status=verdict.status,
        digest=digest,
        reason="; ".join(failing) or "every gate passed",
        facts=facts,
        verdict=verdict,
        candidate=candidate,
    )


def _write_pages(
    workspace: Workspace, model: Model, as_of: date, candidate: Candidate, verdict: Verdict
) -> dict[str, str]:
    """The model card and its plots, as files that people open."""
    marketplace = workspace.marketplace
    setting = Setting(
        marketplace=marketplace.name,
        currency=marketplace.currency,
        maturity_days=model.label.maturity_days,
        synthetic=workspace.generator() if marketplace.synthetic else None,
    )
    card = workspace.reports / f"card_{model.name}_{as_of.isoformat()}.md"
    plots = workspace.reports / f"plots_{model.name}_{as_of.isoformat()}.html"
    write_text(card, model_card(candidate, spec=model.spec, verdict=verdict, setting=setting))
    write_text(plots, model_plots(candidate, title=f"{model.name} as of {as_of.isoformat()}"))
    return {"card": str(card), "plots": str(plots)}


def facts_of(model: Model, as_of: date, candidate: Candidate) -> dict[str, Any]:
    """What status, reports and later comparisons need to know of a candidate, as JSON values."""
    overall, bounds = candidate.evaluation.overall, candidate.bounds
    return {
        "as_of": as_of.isoformat(),
        "mature_until": bounds.test_until.isoformat(),
        "training_cutoff": candidate.training_cutoff.isoformat(),
        "calibration_from": bounds.calibration_from.isoformat(),
        "gap_from": bounds.gap_from.isoformat(),
        "test_from": bounds.test_from.isoformat(),
        "maturity_days": model.label.maturity_days,
        "prevalence": overall.prevalence,
        "positives": overall.positives,
        "metrics": metrics_of(candidate),
    }


def metrics_of(candidate: Candidate) -> dict[str, Any]:
    """Flat figures by name; `<name>_low` and `<name>_high` bound the 95 % interval; undefined ones are null."""
    evaluation = candidate.evaluation
    overall = evaluation.overall
    intervals = {
        **{name: getattr(overall.measured, name) for name in overall.measured.__dataclass_fields__},
        "rules_ap": evaluation.rules.ap,
        "rules_auc": evaluation.rules.auc,
        "unweighted_auc": evaluation.unweighted.auc,
        "unweighted_ap": evaluation.unweighted.ap,
        "unseen_auc": evaluation.unseen.auc if evaluation.unseen else None,
    }
    skill = evaluation.skill
    intervals |= skill.intervals if skill is not None else {"skill": None, "oracle_ap": None}
    for entry in evaluation.reasons:
        intervals |= {
            f"{entry.reason}_auc": entry.weighted.auc,
            f"{entry.reason}_unweighted_auc": entry.unweighted.auc,
        }
    figures: dict[str, Any] = {}
    for name, found in intervals.items():
        figures |= _flat(name, found)
    if skill is not None:
        figures |= skill.shares
    return {**figures, "test_rows": overall.rows, "test_groups": overall.groups}


def _flat(name: str, found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {name: None}
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _skipped(reason: str) -> Week:
    return Week(status="skipped", digest=None, reason=reason, facts={}, verdict=None, candidate=None)


def _remember(lake: Lake, model: Model, as_of: date, week: Week, *, made_from: str) -> Week:
    frame = pl.DataFrame({"as_of": [midnight(as_of)], "status": [week.status], "digest": [week.digest or ""]})
    facts = {"status": week.status, "digest": week.digest, "reason": week.reason, **week.facts}
    lake.write(dataset(model.name), as_of, frame, key=["as_of"], fingerprint=made_from, facts=facts)
    return week
