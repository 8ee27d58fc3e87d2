"""What stands now, as one object: champions, feature views, drift, what is skipped and which reports there are."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from feature_repo.online_state import last_online
from governance.contracts.calendar import valid_at
from governance.features.view import FeatureTable
from governance.models.catalogue import Model
from governance.release.documents import Untrusted
from governance.release.overrides import Override
from governance.release.traffic_documents import traffic_document
from governance.release.traffic_words import traffic_lines
from governance.release.verdicts import to_json
from governance.retraining import dataset, recorded_facts
from governance.superseded import superseded
from governance.workspace import Workspace
from monitoring.weekly import drift_dataset
from orchestration.alerting import red
from orchestration.reports import disk_of


def collect_status(workspace: Workspace) -> dict[str, Any]:
    """The status of a workspace as JSON values.

    Returns
    -------
    dict with `marketplace`, `models`, `feature_views`, `drift`, `skipped`, `disk`, `reports` and `red` (what is not as
    it should be: `line`, `why`, `first_action`, ...); figures that nobody has measured are null.
    """
    models = workspace.models.present.values()
    return {
        "marketplace": workspace.marketplace.name,
        "models": [_model(workspace, model) for model in models],
        "feature_views": [_view(workspace, table) for table in _tables(workspace)],
        "drift": [found for model in models if (found := _drift(workspace, model))],
        "skipped": _skipped(workspace),
        "disk": _disk(workspace),
        "red": red(workspace, wall=datetime.now(UTC), environ=os.environ),
        "reports": sorted(str(path) for path in workspace.reports.glob("[!.]*")),
    }


def exit_status(status: Mapping[str, Any]) -> int:
    """0 when every model has a champion or a stated skip, 3 when one has neither."""
    skipped = {entry["name"] for entry in status["skipped"]}
    return 0 if all(model["champion"] or model["name"] in skipped for model in status["models"]) else 3


def _model(workspace: Workspace, model: Model) -> dict[str, Any]:
    serving = workspace.registry.serving(model.name)
    pointer = serving.champion
    newest = _newest_week(workspace, model)
    facts = recorded_facts(workspace, model.name, pointer.champion) if pointer else newest
    verdict = workspace.registry.verdict(model.name, pointer.champion) if pointer else None
    return {
        "name": model.name,
        "family": model.spec.family,
        "decision_point": model.spec.decision_point,
        "champion": pointer.champion if pointer else None,
        "generation": serving.generation,
        "promoted_at": pointer.promotion.at.isoformat() if pointer else None,
        "promoted_by": pointer.promotion.who if pointer else None,
        "traffic": traffic_document(serving.traffic),
        "in_traffic": traffic_lines(serving.traffic),
        **{name: facts.get(name) for name in ("as_of", "mature_until", "prevalence", "positives", "metrics")},
        "verdict": _verdict(json.loads(to_json(verdict))) if verdict else _verdict(newest.get("verdict")),
        **_override(workspace, model.name),
        "newest": {name: newest.get(name) for name in ("as_of", "status", "digest", "reason")},
        "candidates": _candidates(workspace, model),
    }


def _override(workspace: Workspace, name: str) -> dict[str, Any]:
    """The consent by which the champion serves, every one there was, and why what serves cannot be trusted if so."""
    try:
        standing, every = workspace.registry.standing_override(name), workspace.registry.overrides(name)
    except Untrusted as error:
        return {"override": None, "overrides": [], "untrusted": str(error)}
    shown = [_consent(one) for one in every]
    return {"override": _consent(standing) if standing else None, "overrides": shown, "untrusted": None}


def _consent(override: Override) -> dict[str, Any]:
    times = {"at": override.at.isoformat(), "until": override.until.isoformat()}
    return {name: getattr(override, name) for name in ("digest", "who", "second", "reason")} | times


def _candidates(workspace: Workspace, model: Model) -> list[dict[str, Any]]:
    """Every recorded candidate, newest first.

    `refused` holds a person's reason where there is one, `superseded` why its training data is no longer true.
    """
    found = sorted(workspace.registry.candidates(model.name), key=lambda one: (one.as_of, one.digest), reverse=True)
    refusals = {one.digest: workspace.registry.refusal(model.name, one.digest) for one in found}
    outdated = {one.digest: one.why for one in superseded(workspace, model)}
    return [
        {
            "digest": one.digest,
            "as_of": one.as_of.isoformat(),
            "superseded": outdated.get(one.digest),
            "status": one.status,
            "refused": refusal.reason if (refusal := refusals[one.digest]) else None,
        }
        for one in found
    ]


def _verdict(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if document is None:
        return None
    return {"status": document["status"], "passed": document["status"] == "passed", "gates": document["gates"]}


def _newest_week(workspace: Workspace, model: Model) -> Mapping[str, Any]:
    days = workspace.lake.days(dataset(model.name))
    manifest = workspace.lake.manifest(dataset(model.name), days[-1]) if days else None
    return {"as_of": days[-1].isoformat(), **manifest.facts} if manifest else {}


def _tables(workspace: Workspace) -> list[FeatureTable]:
    return [*workspace.views.values(), *workspace.score_tables.values()]


def _view(workspace: Workspace, view: FeatureTable) -> dict[str, Any]:
    online = last_online(workspace, view)
    days = workspace.lake.days(view.dataset)
    return {
        "name": view.name,
        "online_rows": online.facts["online_rows"] if online else None,
        "newest_event_time": valid_at(days[-1]).isoformat() if days else None,
    }


def _drift(workspace: Workspace, model: Model) -> dict[str, Any] | None:
    days = workspace.lake.days(drift_dataset(model.name))
    manifest = workspace.lake.manifest(drift_dataset(model.name), days[-1]) if days else None
    if manifest is None:
        return None
    facts = manifest.facts
    return {
        "model": model.name,
        "as_of": days[-1].isoformat(),
        "share_drifted": facts.get("share_drifted"),
        "alarm": facts.get("alarm"),
        "reasons": facts.get("reasons", []),
        "report": facts.get("page"),
        "skipped": facts.get("skipped"),
    }


def _disk(workspace: Workspace) -> dict[str, int]:
    """Bytes of the workspace's volume, and what a day takes; 0 before anything has landed."""
    found = disk_of(workspace)
    return {"free_bytes": found.free, "size_bytes": found.size, "day_bytes": found.a_day}


def _skipped(workspace: Workspace) -> list[dict[str, str]]:
    skipped = [{"name": name, "reason": reason} for name, reason in workspace.models.skipped.items()]
    for model in workspace.models.present.values():
        newest = _newest_week(workspace, model)
        if newest.get("status") == "skipped" and workspace.registry.pointer(model.name) is None:
            skipped.append({"name": model.name, "reason": newest["reason"]})
    return skipped
