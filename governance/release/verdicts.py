"""Verdicts: what status follows from gate results, and verdicts as JSON."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal

from governance.release.documents import Untrusted, checked, decode, encode
from governance.release.evidence import GateResult, Verdict

_VERDICT = {"model": (str,), "digest": (str,), "status": (str,), "gates": (list,)}
_NUMBER = (float, int, type(None))
_GATE = {"name": (str,), "kind": (str,), "value": _NUMBER, "bound": _NUMBER, "passed": (bool,), "reason": (str,)}


def status_of(gates: Iterable[GateResult]) -> Literal["passed", "kept", "failed"]:
    """`failed` if any safety gate failed, else `kept` if any merit gate failed, else `passed`."""
    failing = {gate.kind for gate in gates if not gate.passed}
    if "safety" in failing:
        return "failed"
    return "kept" if failing else "passed"


def to_json(verdict: Verdict) -> bytes:
    """The verdict as canonical JSON. JSON has no NaN and no infinity: such a number is null and the reason names it."""
    return encode(
        {
            "model": verdict.model,
            "digest": verdict.digest,
            "status": verdict.status,
            "gates": [_gate_document(gate) for gate in verdict.gates],
        }
    )


def from_json(data: bytes, *, what: str = "verdict") -> Verdict:
    """The verdict that `to_json` wrote.

    Parameters
    ----------
    what
        Where the bytes came from, for the message.

    Raises
    ------
    Untrusted
        It is not one, or it contradicts itself: a status that does not follow from its gates, no gates, or
        a gate twice.
    """
    document = decode(data, what=what, fields=_VERDICT)
    gates = tuple(_gate(entry, what=what) for entry in document["gates"])
    if not gates or len({gate.name for gate in gates}) < len(gates):
        raise Untrusted(f"{what} has no gates, or one of them twice")
    status = status_of(gates)
    if document["status"] != status:
        raise Untrusted(f"{what} says {document['status']!r:.20}, but its gates say {status}")
    return Verdict(model=document["model"], digest=document["digest"], status=status, gates=gates)


def _gate_document(gate: GateResult) -> dict[str, Any]:
    document = asdict(gate)
    for name in ("value", "bound"):
        number = document[name]
        if number is not None and not math.isfinite(number):
            document |= {name: None, "reason": f"{document['reason']} ({name}: {number})"}
    return document


def _gate(entry: Any, *, what: str) -> GateResult:
    fields = checked(entry, what=f"a gate of {what}", fields=_GATE)
    if fields["kind"] not in ("safety", "merit"):
        raise Untrusted(f"{what}: {fields['name']!r:.40} is neither a safety nor a merit gate")
    return GateResult(**{**fields, "value": _finite(fields["value"], what), "bound": _finite(fields["bound"], what)})


def _finite(number: float | None, what: str) -> float | None:
    if number is None:
        return None
    # Python reads 1e999 as infinity, and an integer may be too long for a float.
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise Untrusted(f"{what} holds a number beyond every float")
    return value
