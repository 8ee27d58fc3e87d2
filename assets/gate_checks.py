"""Gates as asset checks: what the UI shows of a verdict. The registry decides by the verdict, never by these."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from assets.metadata import rounded
from governance.release.evidence import GateResult
from governance.release.gates import GATES
from governance.retraining import Week

_MEANING = {
    "single_feature_leak": "No single feature tells the label almost alone.",
    "time_shuffle": "Training on shuffled time gains little over training on the past.",
    "future_features": "No feature became valid after its decision.",
    "reload_identical": "The stored files score exactly as the model did when it was trained.",
    "personal_data": "No input is personal data or an identifier.",
    "schema": "Every feature is there, once, as a number.",
    "missingness": "Features are missing about as often as in training.",
    "latency": "One row is scored in time.",
    "above_base_rate": "Better than knowing nothing.",
    "above_rules": "Better than the expert rules.",
    "not_worse_than_champion": "Not worse than the champion on rows that neither has seen.",
    "calibration": "Predicted probabilities are near the observed rates.",
    "calibration_in_the_large": "About as many positives are predicted as there are.",
    "slices": "No market or category is served much worse than the whole.",
    "unseen_entities": "Works on entities that training never saw.",
    "matured_positives": "Enough matured positives stand behind the figures.",
}

_SAID = {"no_champion": "There was no champion to compare it with."}
"""Reasons that verdicts hold as a single word."""


def gate_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """A check for each gate; those of safety block."""
    return [
        dg.AssetCheckSpec(
            gate.name,
            asset=asset,
            description=f"{_MEANING[gate.name]} ({gate.kind} gate)",
            blocking=gate.kind == "safety",
        )
        for gate in GATES
    ]


def gate_checks(week: Week, as_of: date) -> Sequence[dg.AssetCheckResult]:
    """The results of a judged week; a skipped week has nothing to judge and says so at every gate.

    Each names its week: a check has no partition, and what is shown is whatever run ended last.
    """
    if week.verdict is None:
        return [
            dg.AssetCheckResult(
                check_name=gate.name,
                passed=True,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"As of {as_of}: not judged, {week.reason}",
                metadata={"judged": False, "as_of": as_of.isoformat()},
            )
            for gate in GATES
        ]
    return [_result(gate, as_of) for gate in week.verdict.gates]


def _result(gate: GateResult, as_of: date) -> dg.AssetCheckResult:
    compared = {"value": gate.value, "bound": gate.bound}
    return dg.AssetCheckResult(
        check_name=gate.name,
        passed=gate.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"As of {as_of}: {_SAID.get(gate.reason, gate.reason)}",
        metadata={
            "kind": gate.kind,
            "as_of": as_of.isoformat(),
            **{name: rounded(float(value)) for name, value in compared.items() if value is not None},
        },
    )
