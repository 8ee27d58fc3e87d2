"""A small seeded training set with a known signal, in the columns that a real one has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from governance.models.spec import Costs, ModelSpec

FEATURES = ("seller_case_rate_30d", "seller_case_rate_90d", "seller_orders_30d", "order_distance_km")
MATURITY_DAYS = 21
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def make_training_set(rows: int = 6_000, *, days: int = 240, seed: int = 3, groups: int = 200) -> pl.DataFrame:
    """Decisions spread evenly over `days`; the first and last features raise the chance of a positive label."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(FEATURES)))
    values[rng.random(values.shape) < 0.1] = np.nan
    group = rng.integers(0, groups, rows)
    log_odds = np.nan_to_num(values[:, 0]) + 0.7 * np.nan_to_num(values[:, 3]) + rng.normal(size=groups)[group] / 3 - 2
    label = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    decided = [FIRST + timedelta(days=days * (row + 0.5) / rows) for row in range(rows)]
    reason = np.where(rng.random(rows) < 0.7, "complaint", "cancellation")
    frame = pl.DataFrame(
        {
            "row_id": [f"line-{row}" for row in range(rows)],
            "entity_id": [f"line-{row}" for row in range(rows)],
            "group_id": [f"seller-{number}" for number in group],
            "decided_at": pl.Series(decided, dtype=pl.Datetime("us", "UTC")),
            "label": label,
            "label_reason": pl.Series(reason.tolist()),
            "weight": rng.choice([1.0, 2.5], rows),
            "amount_minor": rng.integers(500, 20_000, rows),
            "market": rng.choice(["br", "mx"], rows).tolist(),
            "category": rng.choice(["books", "toys", "shoes"], rows).tolist(),
        }
    )
    return frame.with_columns(
        pl.when(pl.col("label") == 1).then("label_reason"),
        (pl.col("decided_at") + timedelta(days=MATURITY_DAYS)).alias("matured_at"),
        (pl.col("decided_at") - timedelta(hours=1)).alias("feature_time:seller"),
        *(pl.Series(name, values[:, column]) for column, name in enumerate(FEATURES)),
    )


@pytest.fixture(scope="session")
def training_set() -> pl.DataFrame:
    return make_training_set()


@pytest.fixture(scope="session")
def training_set_of() -> Callable[..., pl.DataFrame]:
    return make_training_set


@pytest.fixture(scope="session")
def features() -> tuple[str, ...]:
    return FEATURES


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    return ModelSpec(
        name="claim",
        family="after_sales",
        meaning="Will this order line end in a case?",
        owner="after-sales",
        decision_point="checkout",
        entity="order_line",
        group="seller_id",
        label="claim",
        views=("seller",),
        order_context=True,
        costs=Costs(false_alarm_minor=100, false_alarm_share=0.01, miss_minor=600, miss_share=0.1, review_minor=20),
        slices=("market", "category"),
        action="warn",
        runbook="docs/models.md#claim",
        review_capacity_share=0.05,
        learner={"rounds": 30, "min_data_in_leaf": 50},
    )
