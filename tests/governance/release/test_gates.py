"""The gates: each fails on its own figure and says so, and a worse figure never passes where a better one did not."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models.spec import GateBounds
from governance.release.evidence import NOTHING_KNOWN, Evidence, GateResult, Interval, Verdict
from governance.release.gates import GATES, judge
from governance.release.verdicts import from_json, to_json

DIGEST = "d" * 64
BOUNDS = GateBounds()
NAN = math.nan

SAFETY = [
    "single_feature_leak",
    "time_shuffle",
    "future_features",
    "reload_identical",
    "personal_data",
    "schema",
    "missingness",
    "latency",
]
MERIT = [
    "above_base_rate",
    "above_rules",
    "not_worse_than_champion",
    "calibration",
    "calibration_in_the_large",
    "slices",
    "unseen_entities",
    "matured_positives",
]


def judged(evidence: Evidence, bounds: GateBounds = BOUNDS) -> Verdict:
    return judge("claim", DIGEST, evidence, bounds)


def gate(verdict: Verdict, name: str) -> GateResult:
    return next(result for result in verdict.gates if result.name == name)


def failing(verdict: Verdict) -> list[str]:
    return [result.name for result in verdict.gates if not result.passed]


def test_the_gates_have_stable_names_kinds_and_order(good: Evidence) -> None:
    assert [(one.name, one.kind) for one in GATES] == [(name, "safety") for name in SAFETY] + [
        (name, "merit") for name in MERIT
    ]
    worst = replace(good, single_feature_auc=1.0, positives=0)
    for verdict in (judged(good), judged(worst)):
        assert [(one.name, one.kind) for one in verdict.gates] == [(one.name, one.kind) for one in GATES]


def test_good_evidence_passes_and_the_verdict_names_its_model_and_digest(good: Evidence) -> None:
    verdict = judged(good)
    assert (verdict.model, verdict.digest, verdict.status, failing(verdict)) == ("claim", DIGEST, "passed", [])


@pytest.mark.parametrize(
    ("name", "worse", "words"),
    [
        ("single_feature_leak", {"single_feature_auc": 0.98}, "Feature seller_orders_30d alone reaches AUC 0.98"),
        ("time_shuffle", {"time_shuffle_gain": 0.2}, "gains +0.2; at most +0.15"),
        ("future_features", {"rows_from_the_future": 1}, "1 rows have a feature from after their decision"),
        ("reload_identical", {"reload_difference": 1e-12}, "differ by up to 1e-12"),
        ("personal_data", {"personal_inputs": ("email", "iban")}, "2 inputs are personal data (email, iban)"),
        ("schema", {"schema_differences": ("buyer_age: absent",)}, "(buyer_age: absent)"),
        ("missingness", {"missing_share_shift": 0.3}, "missing share of seller_complaint_rate_90d moved by 0.3"),
        ("latency", {"latency_p99_ms": 51.0}, "51 ms at the 99th percentile; at most 50 ms"),
    ],
)
def test_one_bad_safety_figure_fails_the_candidate_in_a_sentence(
    good: Evidence, name: str, worse: dict[str, Any], words: str
) -> None:
    verdict = judged(replace(good, **worse))
    assert (verdict.status, failing(verdict)) == ("failed", [name])
    assert words in gate(verdict, name).reason


@pytest.mark.parametrize(
    ("name", "worse", "words"),
    [
        ("above_base_rate", {"ap_minus_base_rate": Interval(0.1, 0.0, 0.2)}, "its lower end must exceed +0."),
        ("above_rules", {"ap_minus_rules": Interval(0.1, -0.001, 0.2)}, "from -0.0010 to +0.2000"),
        ("not_worse_than_champion", {"ap_minus_champion": Interval(0.1, -0.021, 0.2)}, "must reach -0.02."),
        ("calibration", {"calibration_error": 0.06}, "calibration error is 0.06; at most 0.05"),
        ("calibration_in_the_large", {"calibration_ratio": 2.1}, "as 2.1 to 1; at most a factor of 2"),
        ("calibration_in_the_large", {"calibration_ratio": 0.4}, "as 0.4 to 1; at most a factor of 2"),
        ("calibration_in_the_large", {"calibration_ratio": 0.0}, "as 0 to 1"),
        ("slices", {"slice_auc_drop": 0.21}, "AUC on market=north is 0.21 below"),
        ("unseen_entities", {"unseen_auc_drop": 0.16}, "AUC on unseen entities is 0.16 below"),
        ("matured_positives", {"positives": 59}, "59 matured positives were judged on; at least 60"),
    ],
)
def test_one_bad_merit_figure_keeps_the_candidate_in_a_sentence(
    good: Evidence, name: str, worse: dict[str, Any], words: str
) -> None:
    verdict = judged(replace(good, **worse))
    assert (verdict.status, failing(verdict)) == ("kept", [name])
    assert words in gate(verdict, name).reason


def test_a_safety_failure_outweighs_a_merit_failure(good: Evidence) -> None:
    assert judged(replace(good, latency_p99_ms=51.0, positives=0)).status == "failed"


def test_figures_on_their_bounds_pass_where_the_bound_is_inclusive(good: Evidence) -> None:
    on_bounds = replace(
        good,
        single_feature_auc=0.97,
        time_shuffle_gain=0.15,
        missing_share_shift=0.25,
        latency_p99_ms=50.0,
        ap_minus_champion=Interval(0.0, -0.02, 0.02),
        calibration_error=0.05,
        calibration_ratio=0.5,
        slice_auc_drop=0.20,
        unseen_auc_drop=0.15,
        positives=60,
    )
    assert judged(on_bounds).status == "passed"


def test_intervals_are_judged_by_their_lower_end(good: Evidence) -> None:
    result = gate(judged(good), "above_rules")
    assert (result.value, result.bound, result.passed) == (0.01, 0.0, True)


def test_without_a_champion_the_comparison_passes_by_name(good: Evidence) -> None:
    verdict = judged(replace(good, ap_minus_champion=None))
    assert gate(verdict, "not_worse_than_champion") == GateResult(
        name="not_worse_than_champion", kind="merit", value=None, bound=-0.02, passed=True, reason="no_champion"
    )
    assert verdict.status == "passed"


def test_where_no_row_tells_it_from_the_champion_the_sentence_says_so(good: Evidence) -> None:
    found = gate(judged(replace(good, ap_minus_champion=NOTHING_KNOWN)), "not_worse_than_champion")
    assert (found.passed, found.value) == (False, -1.0)
    assert found.reason.startswith("Nothing tells it from the champion")


def test_without_a_champion_no_override_takes_the_base_rate_gate_below_zero(good: Evidence) -> None:
    lenient = replace(BOUNDS, above_base_rate_at_least=-1.0)
    poor = replace(good, ap_minus_base_rate=Interval(0.1, -0.01, 0.2))
    assert judged(poor, lenient).status == "passed"
    first = judged(replace(poor, ap_minus_champion=None), lenient)
    assert (first.status, failing(first), gate(first, "above_base_rate").bound) == ("kept", ["above_base_rate"], 0.0)


FIGURES = [
    ("single_feature_leak", "single_feature_auc"),
    ("time_shuffle", "time_shuffle_gain"),
    ("reload_identical", "reload_difference"),
    ("missingness", "missing_share_shift"),
    ("latency", "latency_p99_ms"),
    ("calibration", "calibration_error"),
    ("calibration_in_the_large", "calibration_ratio"),
    ("slices", "slice_auc_drop"),
    ("unseen_entities", "unseen_auc_drop"),
]


MAY_BE_UNTOLD = {"slices", "unseen_entities"}
"""Gates of merit whose figure may be absent because too few positives are there to tell."""


@pytest.mark.parametrize(("name", "field"), [pair for pair in FIGURES if pair[0] in MAY_BE_UNTOLD])
def test_too_few_positives_to_tell_pass_with_that_reason(good: Evidence, name: str, field: str) -> None:
    verdict = judged(replace(good, **{field: None}))
    assert (verdict.status, gate(verdict, name).value) == ("passed", None)
    assert "too few positives" in gate(verdict, name).reason


@pytest.mark.parametrize(
    ("name", "field", "absent"),
    [
        (name, field, absent)
        for name, field in FIGURES
        for absent in (NAN, math.inf, -math.inf, None)
        if absent is not None or name not in MAY_BE_UNTOLD
    ],
)
def test_an_absent_figure_never_passes(good: Evidence, name: str, field: str, absent: float | None) -> None:
    verdict = judged(replace(good, **{field: absent}))
    result = gate(verdict, name)
    assert (failing(verdict), result.value) == ([name], None)
    assert "an absent figure never passes" in result.reason


@pytest.mark.parametrize("absent", [Interval(NAN, 0.1, 0.2), Interval(0.1, NAN, 0.2), Interval(0.1, 0.05, math.inf)])
@pytest.mark.parametrize("field", ["ap_minus_base_rate", "ap_minus_rules", "ap_minus_champion"])
def test_an_interval_without_a_part_never_passes(good: Evidence, field: str, absent: Interval) -> None:
    assert judged(replace(good, **{field: absent})).status == "kept"


def test_a_bound_that_is_no_number_never_passes(good: Evidence) -> None:
    result = gate(judged(good, replace(BOUNDS, latency_p99_ms_at_most=NAN)), "latency")
    assert (result.passed, result.bound) == (False, None)


numbers = st.floats(-2, 2) | st.sampled_from([NAN, math.inf, -math.inf])
intervals = st.builds(Interval, numbers, numbers, numbers)
names = st.lists(st.text(max_size=5), max_size=2).map(tuple)
evidences = st.builds(
    Evidence,
    single_feature=st.text(max_size=9),
    single_feature_auc=numbers,
    time_shuffle_gain=numbers,
    rows_from_the_future=st.integers(0, 2),
    reload_difference=st.just(0.0) | numbers,
    personal_inputs=names,
    schema_differences=names,
    missing_share_shift=numbers,
    missing_share_feature=st.text(max_size=9),
    latency_p99_ms=st.floats(0, 100),
    positives=st.integers(0, 120),
    ap_minus_base_rate=intervals,
    ap_minus_rules=intervals,
    ap_minus_champion=st.none() | intervals,
    calibration_error=numbers,
    calibration_ratio=st.floats(0, 4),
    worst_slice=st.none() | st.text(max_size=9),
    slice_auc_drop=st.none() | numbers,
    unseen_auc_drop=st.none() | numbers,
)


def worse_number(number: float | None, by: float) -> float | None:
    return None if number is None else number + by


def worse_interval(interval: Interval | None, by: float) -> Interval | None:
    return interval and Interval(interval.value - by, interval.low - by, interval.high - by)


def worse_ratio(ratio: float, by: float) -> float:
    return ratio * (1 + by) if ratio >= 1 else ratio / (1 + by)


RISING = [field for _, field in FIGURES if field != "calibration_ratio"]
WORSE = {
    **dict.fromkeys(RISING, worse_number),
    "calibration_ratio": worse_ratio,
    "rows_from_the_future": lambda rows, by: rows + math.ceil(by),
    "personal_inputs": lambda inputs, _: (*inputs, "email"),
    "schema_differences": lambda differences, _: (*differences, "age: absent"),
    "positives": lambda positives, by: positives - math.ceil(by),
    "ap_minus_base_rate": worse_interval,
    "ap_minus_rules": worse_interval,
    "ap_minus_champion": worse_interval,
}
RANK = {"failed": 0, "kept": 1, "passed": 2}


@given(evidences, st.sampled_from(sorted(WORSE)), st.floats(0, 3))
def test_a_worse_figure_never_improves_the_verdict(evidence: Evidence, field: str, by: float) -> None:
    worse = replace(evidence, **{field: WORSE[field](getattr(evidence, field), by)})
    before, after = judged(evidence), judged(worse)
    assert RANK[after.status] <= RANK[before.status]
    assert set(failing(before)) <= set(failing(after))


@pytest.mark.parametrize("field", sorted(WORSE))
def test_each_figure_of_a_passing_candidate_fails_once_it_is_bad_enough(good: Evidence, field: str) -> None:
    assert judged(replace(good, **{field: WORSE[field](getattr(good, field), 500.0)})).status != "passed"


@given(evidences)
def test_every_verdict_survives_json_whole(evidence: Evidence) -> None:
    verdict = judged(evidence)
    assert from_json(to_json(verdict)) == verdict
