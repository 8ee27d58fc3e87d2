"""Figures of models as Dagster metadata: flat numbers with stable names, so that the UI plots them over time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from governance.models.catalogue import Model
from governance.retraining import Week

SEVEN = (
    "cost_per_1000",
    "recall_at_capacity",
    "false_hit_rate",
    "action_rate",
    "positives",
    "mature_until",
    "days_since_promotion",
)
"""What every champion shows, in this order."""


def week_metadata(week: Week) -> dict[str, Any]:
    """Status, digest and every figure of a week's candidate; of a skipped week, its reason."""
    if week.status == "skipped":
        return {"status": week.status, "skipped": week.reason}
    facts = week.facts
    shown = {"status": week.status, "reason": week.reason, "digest": week.digest, "mature_until": facts["mature_until"]}
    pages = facts["pages"]
    links = {
        "card": dg.MetadataValue.md(Path(pages["card"]).read_text(encoding="utf-8")),
        "plots": dg.MetadataValue.url(Path(pages["plots"]).as_uri()),
    }
    counts = {"positives": facts["positives"], "prevalence": facts["prevalence"]}
    return {**shown, **counts, **_floats(facts["metrics"]), **links}


def champion_metadata(model: Model, facts: Mapping[str, Any], *, days_since_promotion: float) -> dict[str, Any]:
    """The seven figures of a champion, then where to read on."""
    known = {**facts["metrics"], **facts, "days_since_promotion": days_since_promotion}
    seven = {name: known[name] for name in SEVEN if known.get(name) is not None}
    return {**seven, "digest": facts["digest"], "runbook": model.spec.runbook}


def _floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures without their interval bounds, which the card shows; those of AUC and AP stay."""
    bounds = ("_low", "_high")
    kept = {"auc_low", "auc_high", "ap_low", "ap_high"}
    return {
        name: float(value)
        for name, value in metrics.items()
        if value is not None and (name in kept or not name.endswith(bounds))
    }
