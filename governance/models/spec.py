"""A model as data: everything that training, judging and promoting it needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What an error costs, in minor units of the reference currency unless it says share.

    A false alarm costs `false_alarm_minor` plus `false_alarm_share` of the amount at stake; a miss
    costs `miss_minor` plus `miss_share` of the amount at stake; a review costs `review_minor`.
    """

    false_alarm_minor: float
    miss_minor: float
    false_alarm_share: float = 0.0
    miss_share: float = 0.0
    review_minor: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateBounds:
    """Bounds of the gates; a marketplace's TOML may override them by name."""

    single_feature_auc_at_most: float = 0.97
    time_shuffle_gain_at_most: float = 0.15
    reload_difference_at_most: float = 0.0
    missing_share_shift_at_most: float = 0.25
    latency_p99_ms_at_most: float = 50.0
    above_base_rate_at_least: float = 0.0
    above_rules_at_least: float = 0.0
    champion_margin: float = 0.02
    calibration_error_at_most: float = 0.05
    calibration_ratio_within: float = 2.0
    slice_auc_drop_at_most: float = 0.20
    unseen_auc_drop_at_most: float = 0.15
    matured_positives_at_least: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model. `entity` is what a decision is about, `group` the entity that bootstrap and unseen rows go by.

    `views` and `counters` are what it reads beside the request: profiles of whole days, and bursts within the day.
    """

    name: str
    family: Literal["risk", "after_sales"]
    meaning: str
    owner: str
    decision_point: str
    entity: str
    group: str
    label: str
    views: tuple[str, ...]
    order_context: bool
    costs: Costs
    slices: tuple[str, ...]
    action: str
    runbook: str
    review_capacity_share: float = 0.02
    false_positive_rate: float = 0.01
    test_days: int = 28
    calibration_days: int = 28
    test_from: date | None = None
    excluded_features: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    learner: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 7
    gates: GateBounds = field(default_factory=GateBounds)
