"""Training rows equal what an oracle in plain Python recomputes from the raw rows; planted leaks do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from plain_training_rows import Oracle, differences
from worlds import bring_up_to_date, deliver_again, orders_of, plant, workspace

from assets.feast_store import joiner
from governance.models import training_set
from governance.workspace import Workspace

MODELS = ("merchant_fraud", "claim")


@dataclass(frozen=True)
class World:
    """A workspace, the training sets that it gives, and what the oracle makes of its raw rows."""

    of: Workspace
    as_of: date
    sets: dict[str, training_set.TrainingSet]
    oracle: Oracle


def _world(root: Path, *, days: int, buyers: int, seed: int) -> World:
    of = workspace(root, days=days, buyers=buyers, seed=seed)
    plant(of.source_root, day=of.days()[36])
    bring_up_to_date(of)
    deliver_again(of.source_root, day=of.days()[45])
    bring_up_to_date(of)
    as_of, join = of.days()[-1] + timedelta(days=1), joiner(of)
    built = {
        name: training_set.build(of.lake, model, of.views, as_of=as_of, join=join)
        for name, model in of.models.present.items()
    }
    return World(of, as_of, built, Oracle.of(of.lake.root))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    return _world(tmp_path_factory.mktemp("small"), days=100, buyers=400, seed=5)
