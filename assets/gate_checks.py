"""Gates as asset checks: what the UI shows of a verdict. The registry decides by the verdict, never by these."""

from collections.abc import Sequence

import dagster as dg

from governance.release.evidence import GateResult
from governance.release.gates import GATES
from governance.retraining import Week


def gate_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """A check for each gate; those of safety block."""
    return [
        dg.AssetCheckSpec(gate.name, asset=asset, description=f"{gate.kind} gate", blocking=gate.kind == "safety")
        for gate in GATES
    ]


def gate_checks(week: Week) -> Sequence[dg.AssetCheckResult]:
    """The results of a judged week; a skipped week has nothing to judge and says so at every gate."""
    if week.verdict is None:
        return [
            dg.AssetCheckResult(
                check_name=gate.name,
                passed=True,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"not judged: {week.reason}",
                metadata={"judged": False},
            )
            for gate in GATES
        ]
    return [_result(gate) for gate in week.verdict.gates]


def _result(gate: GateResult) -> dg.AssetCheckResult:
    figures = {"value": gate.value, "bound": gate.bound}
    return dg.AssetCheckResult(
        check_name=gate.name,
        passed=gate.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=gate.reason,
        metadata={"kind": gate.kind, **{name: float(value) for name, value in figures.items() if value is not None}},
    )
