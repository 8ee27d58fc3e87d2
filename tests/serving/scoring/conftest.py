"""Small real models of `claim`, trained in a fraction of a second, and a registry that serves them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.scoring_world import PASSING
from governance.features.catalogue import VIEWS
from governance.features.order_context import ORDER_CONTEXT
from governance.models.artifact import Artifact, pack
from governance.models.calibration import Calibrator
from governance.models.catalogue import CLAIM
from governance.models.spec import GateBounds, ModelSpec
from governance.models.thresholds import Threshold
from governance.release.gates import judge
from governance.release.registry import Registry
from governance.release.traffic import Traffic
from governance.storage.objects import LocalObjects

STORED = [name for view in VIEWS.values() for name in view.feature_names if not name.endswith("_last_order_day")][::9]
FEATURES = (*STORED, "seller_days_since_last_order", "buyer_days_since_last_order", *ORDER_CONTEXT)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

GOOD = replace(PASSING, single_feature="seller_orders_30d", missing_share_feature="seller_orders_30d")


def random_rows(count: int, *, features: int = len(FEATURES), seed: int = 5) -> np.ndarray:
    """Values of every magnitude, one in ten missing."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, features)) * 10.0 ** chance.integers(-1, 4, features)
    rows[chance.random(rows.shape) < 0.1] = np.nan
    return rows


def train(*, features: Sequence[str] = FEATURES, spec: ModelSpec = CLAIM, seed: int = 1, trees: int = 25) -> Artifact:
    """A model of random rows; another seed gives another digest."""
    import lightgbm

    rows = random_rows(2_000, features=len(features), seed=seed)
    noise = np.random.default_rng(seed).normal(size=(len(rows), 1))
    labels = (np.nan_to_num(np.sign(rows[:, :5])).sum(axis=1) + noise[:, 0] > 0).astype(int)
    settings = {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1, "seed": seed}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, labels), trees)
    raw = np.linspace(0, 1, 23)
    line = Calibrator("isotonic", tuple(raw.tolist()), tuple((raw**1.7).tolist()))
    return pack(booster, line, Threshold(0.4, 1.0), spec=spec, features=features, training_set_digest=str(seed))


@dataclass
class Shelf:
    """A registry of `claim` in a folder, and models on it by number, each a week newer than the one before."""

    root: Path
    digests: dict[int, str] = field(default_factory=dict)

    @property
    def objects(self) -> LocalObjects:
        return LocalObjects(self.root)

    @property
    def registry(self) -> Registry:
        return Registry(self.objects)

    def put(self, number: int, **changes: Any) -> str:
        """Train and record a candidate that passed."""
        artifact = train(seed=number, **changes)
        as_of = date(2026, 1, 5) + timedelta(weeks=number)
        self.registry.record("claim", artifact.digest, artifact.files, {"as_of": as_of})
        self.registry.attach(judge("claim", artifact.digest, GOOD, GateBounds()))
        self.digests[number] = artifact.digest
        return artifact.digest

    def promote(self, number: int) -> None:
        self.registry.promote("claim", self.digests[number], who="ana", reason="newest", at=AT)

    def roll_back(self) -> None:
        self.registry.rollback("claim", who="ana", reason="worse", at=AT)

    def direct(self, traffic: Traffic) -> None:
        """Put traffic into the pointer, past the registry's own rules."""
        from governance.release.pointers import Pointers

        pointers = Pointers(self.objects)
        serving = pointers.read("claim")
        assert serving.pointer is not None
        moved = replace(serving.pointer, traffic=traffic, generation=serving.generation + 1)
        pointers.move(serving, moved)

    def spoil(self, number: int, file: str = "model.txt") -> None:
        """Change a byte of a model's file, as a bad disk would."""
        path = self.root / "models" / "claim" / self.digests[number] / file
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    def mend(self, number: int, file: str = "model.txt") -> None:
        self.spoil(number, file)


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    return train()


@pytest.fixture(scope="session")
def train_model() -> Callable[..., Artifact]:
    return train


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., np.ndarray]:
    return random_rows


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "objects")
