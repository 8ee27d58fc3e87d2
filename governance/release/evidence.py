"""What the gates look at: numbers measured on one candidate, without the code that measured them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


NOTHING_KNOWN = Interval(0.0, -1.0, 1.0)
"""A difference of which no row can tell anything: average precision lies between 0 and 1, so this always holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything measured on a candidate that a gate judges.

    `ap_minus_champion` is the paired difference on rows after both training cutoffs; None where
    there is no champion. `slice_auc_drop` and `unseen_auc_drop` are the overall AUC minus that of the
    worst slice with enough positives, and minus that on entities which training never saw; None
    where too few positives are there to tell.
    """

    single_feature: str
    single_feature_auc: float
    time_shuffle_gain: float
    rows_from_the_future: int
    reload_difference: float
    personal_inputs: tuple[str, ...]
    schema_differences: tuple[str, ...]
    missing_share_shift: float
    missing_share_feature: str
    latency_p99_ms: float
    positives: int
    ap_minus_base_rate: Interval
    ap_minus_rules: Interval
    ap_minus_champion: Interval | None
    calibration_error: float
    calibration_ratio: float
    worst_slice: str | None
    slice_auc_drop: float | None
    unseen_auc_drop: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate said. `value` and `bound` are in the gate's own unit; `reason` is a sentence."""

    name: str
    kind: Literal["safety", "merit"]
    value: float | None
    bound: float | None
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gates said of one digest: `failed` (safety), `kept` (merit) or `passed`."""

    model: str
    digest: str
    status: Literal["passed", "kept", "failed"]
    gates: tuple[GateResult, ...]

    @property
    def passed(self) -> bool:
        """Whether the registry may promote this digest."""
        return self.status == "passed"
