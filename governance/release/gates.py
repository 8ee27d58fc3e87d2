"""The gates as data, and the pure function that judges one candidate's evidence by them."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from governance.models.spec import GateBounds
from governance.release.evidence import NOTHING_KNOWN, Evidence, GateResult, Interval, Verdict
from governance.release.verdicts import status_of

Figure = float | Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate: which figure is compared with which bound, and the sentence that says so.

    An interval is judged by its lower end. A figure that is absent, NaN or infinite never passes, but for an
    absent one where `absent_passes_as` names the reason for which it may.

    Attributes
    ----------
    sentence
        A format string over `value` (what is compared), `bound`, `figure` (as measured) and `subject`.
    subject
        The feature, slice or list that the sentence names.
    nothing_known_as
        The sentence instead, where no row can tell anything (`NOTHING_KNOWN`).
    """

    name: str
    kind: Literal["safety", "merit"]
    figure: Callable[[Evidence], Figure]
    bound: Callable[[Evidence, GateBounds], float]
    holds: Callable[[float, float], bool]
    sentence: str
    subject: Callable[[Evidence], str] = lambda _: ""
    absent_passes_as: str | None = None
    nothing_known_as: str | None = None

    def judge(self, evidence: Evidence, bounds: GateBounds) -> GateResult:
        """What this gate says of the evidence."""
        figure, bound = self.figure(evidence), float(self.bound(evidence, bounds))
        value = _compared(figure)
        if value is None:
            reason = f"{self.name} was not measured ({_named(figure)}), and an absent figure never passes."
            if figure is None and self.absent_passes_as:
                reason = self.absent_passes_as
            return self._result(None, bound, passed=figure is None and bool(self.absent_passes_as), reason=reason)
        sentence = (figure == NOTHING_KNOWN and self.nothing_known_as) or self.sentence
        reason = sentence.format(value=value, bound=bound, figure=figure, subject=self.subject(evidence))
        return self._result(value, bound, passed=bool(self.holds(value, bound)), reason=reason)

    def _result(self, value: float | None, bound: float, *, passed: bool, reason: str) -> GateResult:
        finite = bound if math.isfinite(bound) else None
        return GateResult(name=self.name, kind=self.kind, value=value, bound=finite, passed=passed, reason=reason)


def judge(model: str, digest: str, evidence: Evidence, bounds: GateBounds) -> Verdict:
    """Judge one candidate: `failed` by a safety gate, else `kept` by a merit gate, else `passed`.

    The gates come in the order of `GATES`, whatever they say. Nothing but the arguments decides.
    """
    results = tuple(gate.judge(evidence, bounds) for gate in GATES)
    return Verdict(model=model, digest=digest, status=status_of(results), gates=results)


def _compared(figure: Figure) -> float | None:
    if isinstance(figure, Interval):
        # An interval of which any part is missing was not measured.
        whole = all(math.isfinite(number) for number in (figure.value, figure.low, figure.high))
        return float(figure.low) if whole else None
    return float(figure) if figure is not None and math.isfinite(figure) else None


def _named(figure: Figure) -> str:
    return "nothing to measure it on" if figure is None else str(figure)


def _within_factor(ratio: float, factor: float) -> bool:
    return 0 < ratio <= factor and ratio * factor >= 1


def _above_base_rate_bound(evidence: Evidence, bounds: GateBounds) -> float:
    # Without a champion nothing else guards the first release, so that no override may go below zero.
    floor = 0.0 if evidence.ap_minus_champion is None else -math.inf
    return max(bounds.above_base_rate_at_least, floor)


_INTERVAL = "{figure.value:+.4f} (95 % interval from {figure.low:+.4f} to {figure.high:+.4f})"

SAFETY_GATES = (
    Gate(
        name="single_feature_leak",
        kind="safety",
        figure=lambda evidence: evidence.single_feature_auc,
        bound=lambda _, bounds: bounds.single_feature_auc_at_most,
        holds=operator.le,
        subject=lambda evidence: evidence.single_feature,
        sentence="Feature {subject} alone reaches AUC {value:.5g}; above {bound:.5g} it is taken for a leak.",
    ),
    Gate(
        name="time_shuffle",
        kind="safety",
        figure=lambda evidence: evidence.time_shuffle_gain,
        bound=lambda _, bounds: bounds.time_shuffle_gain_at_most,
        holds=operator.le,
        sentence="Training on shuffled time gains {value:+.5g}; at most {bound:+.5g} is plausible without a leak.",
    ),
    Gate(
        name="future_features",
        kind="safety",
        figure=lambda evidence: float(evidence.rows_from_the_future),
        bound=lambda _, __: 0.0,
        holds=operator.le,
        sentence="{value:.0f} rows have a feature from after their decision; {bound:.0f} are allowed.",
    ),
    Gate(
        name="reload_identical",
        kind="safety",
        figure=lambda evidence: evidence.reload_difference,
        bound=lambda _, bounds: bounds.reload_difference_at_most,
        holds=operator.le,
        sentence="Scores of the reloaded artifact differ by up to {value:.5g}; at most {bound:.5g} is allowed.",
    ),
    Gate(
        name="personal_data",
        kind="safety",
        figure=lambda evidence: float(len(evidence.personal_inputs)),
        bound=lambda _, __: 0.0,
        holds=operator.le,
        subject=lambda evidence: ", ".join(evidence.personal_inputs) or "none",
        sentence="{value:.0f} inputs are personal data ({subject}); {bound:.0f} are allowed.",
    ),
    Gate(
        name="schema",
        kind="safety",
        figure=lambda evidence: float(len(evidence.schema_differences)),
        bound=lambda _, __: 0.0,
        holds=operator.le,
        subject=lambda evidence: ", ".join(evidence.schema_differences) or "none",
        sentence="{value:.0f} inputs differ from the schema of training ({subject}); {bound:.0f} are allowed.",
    ),
    Gate(
        name="missingness",
        kind="safety",
        figure=lambda evidence: evidence.missing_share_shift,
        bound=lambda _, bounds: bounds.missing_share_shift_at_most,
        holds=operator.le,
        subject=lambda evidence: evidence.missing_share_feature,
        sentence="The missing share of {subject} moved by {value:.5g} since training; at most {bound:.5g} is allowed.",
    ),
    Gate(
        name="latency",
        kind="safety",
        figure=lambda evidence: evidence.latency_p99_ms,
        bound=lambda _, bounds: bounds.latency_p99_ms_at_most,
        holds=operator.le,
        sentence="Scoring one row takes {value:.5g} ms at the 99th percentile; at most {bound:.5g} ms is allowed.",
    ),
)

MERIT_GATES = (
    Gate(
        name="above_base_rate",
        kind="merit",
        figure=lambda evidence: evidence.ap_minus_base_rate,
        bound=_above_base_rate_bound,
        holds=operator.gt,
        sentence=f"Average precision minus the base rate is {_INTERVAL}; its lower end must exceed {{bound:+.5g}}.",
    ),
    Gate(
        name="above_rules",
        kind="merit",
        figure=lambda evidence: evidence.ap_minus_rules,
        bound=lambda _, bounds: bounds.above_rules_at_least,
        holds=operator.gt,
        sentence=f"Average precision minus that of the rules is {_INTERVAL}; its lower end must exceed {{bound:+.5g}}.",
    ),
    Gate(
        name="not_worse_than_champion",
        kind="merit",
        figure=lambda evidence: evidence.ap_minus_champion,
        bound=lambda _, bounds: -bounds.champion_margin,
        holds=operator.ge,
        absent_passes_as="no_champion",
        nothing_known_as=(
            "Nothing tells it from the champion: of the rows that neither was trained on none is positive, as in weeks "
            "before the champion's own; the difference could be anything, and its lower end must reach {bound:+.5g}."
        ),
        sentence=f"Average precision minus the champion's is {_INTERVAL}; its lower end must reach {{bound:+.5g}}.",
    ),
    Gate(
        name="calibration",
        kind="merit",
        figure=lambda evidence: evidence.calibration_error,
        bound=lambda _, bounds: bounds.calibration_error_at_most,
        holds=operator.le,
        sentence="The expected calibration error is {value:.5g}; at most {bound:.5g} is allowed.",
    ),
    Gate(
        name="calibration_in_the_large",
        kind="merit",
        figure=lambda evidence: evidence.calibration_ratio,
        bound=lambda _, bounds: bounds.calibration_ratio_within,
        holds=_within_factor,
        sentence="Predicted to observed positives are as {value:.5g} to 1; at most a factor of {bound:.5g} is allowed.",
    ),
    Gate(
        name="slices",
        kind="merit",
        figure=lambda evidence: evidence.slice_auc_drop,
        bound=lambda _, bounds: bounds.slice_auc_drop_at_most,
        holds=operator.le,
        subject=lambda evidence: evidence.worst_slice or "the worst slice",
        absent_passes_as="too few positives in every slice to tell",
        sentence="AUC on {subject} is {value:.5g} below the overall one; at most {bound:.5g} is allowed.",
    ),
    Gate(
        name="unseen_entities",
        kind="merit",
        figure=lambda evidence: evidence.unseen_auc_drop,
        bound=lambda _, bounds: bounds.unseen_auc_drop_at_most,
        holds=operator.le,
        absent_passes_as="too few positives among unseen entities to tell",
        sentence="AUC on unseen entities is {value:.5g} below the overall one; at most {bound:.5g} is allowed.",
    ),
    Gate(
        name="matured_positives",
        kind="merit",
        figure=lambda evidence: float(evidence.positives),
        bound=lambda _, bounds: float(bounds.matured_positives_at_least),
        holds=operator.ge,
        sentence="{value:.0f} matured positives were judged on; at least {bound:.0f} are needed.",
    ),
)

GATES = SAFETY_GATES + MERIT_GATES
"""Every gate, in the order in which verdicts list them. Names are stable: verdicts are kept for ever."""
