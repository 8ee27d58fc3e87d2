"""One decision as it is remembered: what was asked, what was known, what was said, and by which versions."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from governance.models.explain import Reason

Role = Literal["champion", "canary", "shadow"]
Value = float | int | str | bool | None


class ModelScore(Struct, frozen=True, kw_only=True):
    """What one model said. A shadow's score is remembered and never acted on; `acts` says what it would have done."""

    model: str
    digest: str
    role: Role
    probability: float
    threshold: float
    acts: bool
    reasons: tuple[Reason, ...] = ()


class RuleHit(Struct, frozen=True, kw_only=True):
    """A rule whose conditions were met; one in mode `shadow` is remembered and never acted on."""

    rule: str
    version: int
    mode: Literal["active", "shadow"]
    action: str


class Decision(Struct, frozen=True, kw_only=True):
    """A row of the decision ledger.

    `features` holds every value that a model or rule saw, by name, and `features_digest` the SHA-256 of them in
    canonical JSON; `feature_times` when each view's values became valid (None: the entity was unknown there).
    `proposed` is what models and rules asked for, `action` what was answered: exploration, an open breaker or a
    degraded part may lie between. `propensity` is the probability with which `action` was chosen.
    """

    decision_id: str
    idempotency_key: str | None
    caller: str
    point: str
    entity_id: str
    market: str | None
    keys: Mapping[str, str]
    context: Mapping[str, Value]
    amount_minor: int | None
    decided_at: datetime
    recorded_at: datetime
    features: Mapping[str, Value]
    features_digest: str
    feature_times: Mapping[str, datetime | None]
    scores: tuple[ModelScore, ...]
    rules: tuple[RuleHit, ...]
    rules_version: str
    policy_version: str
    proposed: str
    action: str
    reasons: tuple[str, ...]
    explored: bool
    propensity: float
    arm: str | None
    degraded: tuple[str, ...]
    latency_us: int
    facts: Mapping[str, Any]


def encoded(decision: Decision) -> bytes:
    """A decision as JSON; missing numbers (NaN) become null."""
    return _ENCODER.encode(decision)


def decoded(packed: bytes | str) -> Decision:
    """The decision that was encoded."""
    return _DECODER.decode(packed)


def features_digest(features: Mapping[str, Value]) -> str:
    """SHA-256 of values by name in canonical JSON; a missing number counts as none.

    >>> features_digest({"a": 1, "b": None}) == features_digest({"b": float("nan"), "a": 1})
    True
    """
    return hashlib.sha256(_SORTED.encode(features)).hexdigest()


_ENCODER = msgspec.json.Encoder()
_SORTED = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Decision)
