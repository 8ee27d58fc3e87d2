"""Training rows recomputed in plain Python, and what a training set says differently."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from plain_context import context
from plain_counters import Counters
from plain_features import VIEWS, Features
from plain_labels import (
    Decision,
    Statements,
    active_sellers,
    label_of,
    order_lines,
    stated_by_cases,
    stated_by_labels,
)
from plain_rows import all_rows, day_number, landed

MATURITY_DAYS = {"merchant_fraud": 30, "claim": 21}
FRAUD_LABELERS = ("audit", "enforcement", "automatic_rule")
VIEWS_OF = {"merchant_fraud": ("seller",), "claim": ("buyer", "seller", "product", "category")}
_TABLES = ("orders", "cases", "shipments", "reviews", "enforcements", "labels")
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Oracle:
    """What the training set of each model must say, from the raw rows of one lake."""

    features: Features
    counters: Counters
    decisions: Mapping[str, Mapping[str, Decision]]
    statements: Mapping[str, Statements]

    @classmethod
    def of(cls, lake_root: Path) -> "Oracle":
        raw = {table: landed(lake_root, table) for table in _TABLES}
        return cls(
            features=Features({table: all_rows(days) for table, days in raw.items()}),
            counters=Counters(all_rows(raw["orders"]), all_rows(raw["cases"])),
            decisions={
                "merchant_fraud": active_sellers(raw["orders"], raw["enforcements"], MATURITY_DAYS["merchant_fraud"]),
                "claim": order_lines(raw["orders"], MATURITY_DAYS["claim"]),
            },
            statements={
                "merchant_fraud": stated_by_labels(all_rows(raw["labels"]), "merchant_fraud", FRAUD_LABELERS),
                "claim": stated_by_cases(all_rows(raw["cases"])),
            },
        )

    def row_ids(self, model: str, as_of: date) -> set[str]:
        """Decisions whose labels have matured before a midnight."""
        return {row_id for row_id, decision in self.decisions[model].items() if decision.matured_on < as_of}

    def row(self, model: str, row_id: str) -> dict[str, Any]:
        """One training row, features included."""
        decision, maturity = self.decisions[model][row_id], MATURITY_DAYS[model]
        label, reason = label_of(decision, self.statements[model], maturity)
        aside = {
            "row_id": row_id,
            "entity_id": decision.entities[0],
            "group_id": decision.group_id,
            "decided_at": decision.decided_at,
            "matured_at": decision.decided_at + timedelta(days=maturity),
            "label": label,
            "label_reason": reason,
            "market": decision.market,
            "category": decision.category,
            "amount_minor": decision.amount_minor,
            "weight": decision.weight,
        }
        about = decision.order or {"seller_id": decision.group_id}
        keys = {VIEWS[view].key: about[VIEWS[view].key] for view in VIEWS_OF[model]}
        return aside | keys | self._features(decision, keys, VIEWS_OF[model])

    def _features(self, decision: Decision, keys: Mapping[str, str], views: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for view in views:
            key = keys[VIEWS[view].key]
            found[f"feature_time:{view}"], values = self.features.at(view, key, decision.decided_at)
            last = values.pop(f"{view}_last_order_day")
            since = None if last is None else day_number(decision.decided_at) - int(last)
            found |= values | {f"{view}_days_since_last_order": since}
        if decision.order is None:
            return found
        counted = self.counters.at(decision.order, decision.decided_at)
        return found | counted | context(decision.order, found)


def differences(oracle: Oracle, model: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each value of the rows that the oracle finds otherwise; integers exactly, floats to 1e-9."""
    found = []
    for row in rows:
        wanted = oracle.row(model, row["row_id"])
        found += [f"{row['row_id']}: unexpected column {name}" for name in sorted(row.keys() - wanted.keys())]
        for name, value in wanted.items():
            given = row.get(name, "no such column")
            if not _same(value, given):
                found.append(f"{row['row_id']}: {name} is {given!r}, the oracle says {value!r}")
    return found


def _same(wanted: Any, given: Any) -> bool:
    if wanted is None:
        return given is None or (isinstance(given, float) and math.isnan(given))
    if isinstance(wanted, float) and isinstance(given, float):
        return math.isclose(wanted, given, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(given == wanted) and isinstance(given, datetime) == isinstance(wanted, datetime)
