"""A decision whose every field has a value, for tests that care about one or two of them."""

from datetime import UTC, datetime
from typing import Any

from governance.decisions.record import Decision, features_digest

NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)


def some_decision(decision_id: str, **fields: Any) -> Decision:
    """A decision of this id: a seller's order at checkout that was allowed, but for the fields that are given."""
    values: dict[str, Any] = {
        "idempotency_key": None,
        "caller": "shop",
        "point": "checkout",
        "entity_id": f"line-{decision_id}",
        "market": "de",
        "keys": {"buyer_id": "b1", "seller_id": "s1"},
        "context": {"price_minor": 1999},
        "amount_minor": 1999,
        "decided_at": NOON,
        "recorded_at": NOON,
        "features": {},
        "feature_times": {},
        "scores": (),
        "rules": (),
        "rules_version": "r",
        "policy_version": "p",
        "proposed": "allow",
        "action": "allow",
        "reasons": (),
        "explored": False,
        "propensity": 1.0,
        "arm": None,
        "degraded": (),
        "latency_us": 900,
        "facts": {},
        **fields,
    }
    return Decision(decision_id=decision_id, **{"features_digest": features_digest(values["features"]), **values})
