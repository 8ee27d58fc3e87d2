"""Figures of models as Dagster metadata: flat numbers with stable names, so that the UI plots them over time."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

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


def rounded(value: float) -> float:
    """A figure as people read it, in four digits and whole numbers as they are; the record keeps every digit.

    >>> rounded(0.6933333333333334), rounded(12345.678), rounded(0.0), rounded(0.000123456)
    (0.6933, 12346.0, 0.0, 0.0001235)
    """
    if not value or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))


def figures(known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known, with its fractions rounded."""
    return {name: rounded(value) if isinstance(value, float) else value for name, value in known.items()}


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
    # The card first: the figures are many, and a person reads from above.
    return {**shown, **links, **figures({**counts, **_floats(facts["metrics"])})}


def champion_metadata(facts: Mapping[str, Any], *, days_since_promotion: float, runbook: str) -> dict[str, Any]:
    """The seven figures of a champion, then where to read on (`runbook` is a link)."""
    known = {**facts["metrics"], **facts, "days_since_promotion": days_since_promotion}
    seven = {name: known[name] for name in SEVEN if known.get(name) is not None}
    return {**figures(seven), "digest": facts["digest"], "runbook": dg.MetadataValue.url(runbook)}


def _floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures without their interval bounds, which the card shows; those of AUC and AP stay."""
    bounds = ("_low", "_high")
    kept = {"auc_low", "auc_high", "ap_low", "ap_high"}
    return {
        name: float(value)
        for name, value in metrics.items()
        if value is not None and (name in kept or not name.endswith(bounds))
    }
