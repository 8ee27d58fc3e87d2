"""A frame of 60 columns such as a model has, the seven ways in which it is made to drift, and a join without Feast."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from feature_repo.asof import CREATED, EVENT_TIME, History, asof_join
from governance.features.view import View
from governance.models.training_set import PointInTimeJoin
from governance.workspace import Workspace

Frames = Callable[[int, int], pl.DataFrame]
Plants = dict[str, Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]]

MISSING_SHARES = (0.0, 0.02, 0.2)
ZIPF = 1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum()


def _mixed_frame(seed: int, rows: int) -> pl.DataFrame:
    """15 normal, 10 lognormal, 10 counts, 5 heavy tailed, 5 rare flags, 10 with 50 categories, 3 id-like, 2 booleans.

    Every third column has 2 % missing values, every third 20 %. normal_0 and normal_3 correlate by .6.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {f"normal_{i}": rng.normal(size=rows) for i in range(15)}
    columns["normal_3"] = 0.6 * columns["normal_0"] + 0.8 * columns["normal_3"]
    columns |= {f"lognormal_{i}": rng.lognormal(size=rows) for i in range(10)}
    columns |= {f"count_{i}": rng.poisson(1 + i, size=rows) for i in range(10)}
    columns |= {f"heavy_{i}": rng.standard_t(1.5, size=rows) for i in range(5)}
    columns |= {f"flag_{i}": (rng.random(rows) < 0.1).astype(float) for i in range(5)}
    columns |= {f"zipf_{i}": rng.choice(50, size=rows, p=ZIPF).astype(str) for i in range(5)}
    columns |= {f"uniform_{i}": rng.integers(0, 50, size=rows).astype(str) for i in range(5)}
    columns |= {f"id_{i}": rng.integers(0, 100_000, size=rows).astype(str) for i in range(3)}
    columns |= {f"boolean_{i}": rng.random(rows) < 0.3 for i in range(2)}
    frame = pl.DataFrame(columns)
    shares = {name: MISSING_SHARES[place % 3] for place, name in enumerate(frame.columns)}
    missing = {name: pl.Series(rng.random(rows) < share) for name, share in shares.items()}
    return frame.with_columns(pl.when(~missing[name]).then(name).alias(name) for name in frame.columns)


def _chosen(frame: pl.DataFrame, rng: np.random.Generator, share: float) -> pl.Series:
    return pl.Series(rng.random(frame.height) < share)


def _heavier_tail(frame: pl.DataFrame, _: np.random.Generator) -> pl.DataFrame:
    amount = pl.col("lognormal_0")
    return frame.with_columns(pl.when(amount > amount.quantile(0.98)).then(amount * 5).otherwise(amount))


PLANTS: Plants = {
    "normal_6": lambda frame, _: frame.with_columns(pl.col("normal_6") + 0.3),
    "normal_9": lambda frame, _: frame.with_columns(pl.col("normal_9") * 1.4),
    "lognormal_0": _heavier_tail,
    "count_2": lambda frame, rng: frame.with_columns(pl.when(~_chosen(frame, rng, 0.05)).then("count_2")),
    "zipf_0": lambda frame, rng: frame.with_columns(
        pl.when(_chosen(frame, rng, 0.2)).then(pl.lit("0")).otherwise("zipf_0").alias("zipf_0")
    ),
    "zipf_1": lambda frame, rng: frame.with_columns(
        pl.when(_chosen(frame, rng, 0.03)).then(pl.lit("new")).otherwise("zipf_1").alias("zipf_1")
    ),
}
"""Sizes: location .3 standard deviations; scale times 1.4; the top 2 % of amounts times 5; missing from 0 to 5 %; the
commonest category from 22 to 38 %; 3 % of rows in a category that the reference never had. The correlation of
normal_0 and normal_3 flips from .6 to -.6 apart from these, as it leaves every column as it was."""


@pytest.fixture(scope="session")
def mixed_frame() -> Frames:
    """Seed and rows to a frame."""
    return _mixed_frame


@pytest.fixture(scope="session")
def plants() -> Plants:
    """Column that drifts to what makes it drift."""
    return PLANTS


@pytest.fixture(scope="session")
def point_in_time() -> Callable[[Workspace], PointInTimeJoin]:
    """A workspace's point-in-time join as its offline store does it, without Feast, which takes seconds to import."""
    return _join_of


def _join_of(workspace: Workspace) -> PointInTimeJoin:
    def join(rows: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
        return rows.hstack(pl.concat([_joined(workspace, view, rows) for view in views], how="horizontal"))

    return join


def _joined(workspace: Workspace, view: View, rows: pl.DataFrame) -> pl.DataFrame:
    lazy = pl.scan_parquet(workspace.lake.paths(view.dataset), hive_partitioning=False)
    lazy = lazy.rename({"event_timestamp": EVENT_TIME, "created": CREATED})
    history = History(rows=lazy, keys=(view.key,), features=view.feature_names)
    return asof_join(rows, history, time="decided_at").rename({EVENT_TIME: f"feature_time:{view.name}"})
