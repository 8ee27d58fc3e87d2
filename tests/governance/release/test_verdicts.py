"""Verdicts as JSON: nothing is lost, and nothing is believed that a verdict could not say."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models.spec import GateBounds
from governance.release.documents import Untrusted
from governance.release.evidence import Evidence, GateResult, Verdict
from governance.release.gates import judge
from governance.release.verdicts import from_json, status_of, to_json


def result(**changes: Any) -> GateResult:
    return replace(
        GateResult(name="latency", kind="safety", value=1.0, bound=2.0, passed=True, reason="1 ms of 2."), **changes
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_floats_and_words_come_back_exactly(number: float, words: str) -> None:
    words = words.encode(errors="ignore").decode()
    gate = result(value=number, bound=-number, reason=words)
    verdict = Verdict(model="claim", digest="d", status="passed", gates=(gate,))
    back = from_json(to_json(verdict))
    assert back == verdict
    assert str(back.gates[0].value) == str(number)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf], ids=str)
def test_what_json_has_no_number_for_is_null_and_named(number: float) -> None:
    verdict = Verdict(model="claim", digest="d", status="passed", gates=(result(value=number),))
    [back] = from_json(to_json(verdict)).gates
    assert (back.value, back.reason) == (None, f"1 ms of 2. (value: {number})")


def test_equal_verdicts_give_equal_bytes(good: Evidence) -> None:
    first, second = (judge("claim", "d" * 64, good, GateBounds()) for _ in range(2))
    assert to_json(first) == to_json(second)


def test_the_status_follows_from_the_gates() -> None:
    safety, merit = result(passed=False), result(name="slices", kind="merit", passed=False)
    assert status_of([result()]) == "passed"
    assert status_of([result(), merit]) == "kept"
    assert status_of([merit, safety]) == "failed"


def change_gate(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["gates"][0].update(fields)


def change(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(fields)


@pytest.mark.parametrize(
    "tamper",
    [
        change(status="passed"),
        change(status="released"),
        change(status=None),
        change(status="passed", gates=[]),
        change(gates=None),
        change(gates=["latency"]),
        change(extra=1),
        change(model=7),
        change_gate(passed=1),
        change_gate(passed="yes"),
        change_gate(value=True),
        change_gate(value="0.1"),
        change_gate(kind="advice"),
        change_gate(extra=1),
        lambda document: document.pop("digest"),
        lambda document: document["gates"][0].pop("reason"),
        lambda document: document["gates"].append(document["gates"][0]),
    ],
)
def test_a_verdict_that_this_program_did_not_write_is_not_believed(
    good: Evidence, tamper: Callable[[dict[str, Any]], object]
) -> None:
    document = json.loads(to_json(judge("claim", "d" * 64, replace(good, positives=1), GateBounds())))
    assert from_json(json.dumps(document).encode()).status == "kept"
    tamper(document)
    with pytest.raises(Untrusted):
        from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"model": NaN}', b'{"model": "a"}']
)
def test_what_is_no_document_is_not_believed(data: bytes) -> None:
    with pytest.raises(Untrusted, match="the verdict"):
        from_json(data, what="the verdict")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400, "NaN", "Infinity"])
def test_numbers_beyond_every_float_are_not_believed(number: str) -> None:
    verdict = Verdict(model="claim", digest="d", status="passed", gates=(result(value=123.5),))
    with pytest.raises(Untrusted):
        from_json(to_json(verdict).replace(b"123.5", number.encode()))
