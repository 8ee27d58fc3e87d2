"""What the scoring benchmarks score: four views of ten features online, one model of 500 trees that reads them all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.servers import RedisServer
from governance.contracts.personal import PUBLISHED
from governance.features.view import Measure, Rate, View
from governance.marketplaces.marketplace import load_marketplace
from governance.models.artifact import Artifact, pack
from governance.models.calibration import Calibrator
from governance.models.catalogue import CLAIM
from governance.models.spec import GateBounds
from governance.models.thresholds import NEVER, Threshold
from governance.release.evidence import Evidence, Interval
from governance.release.gates import judge
from governance.workspace import Workspace

DAY = date(2024, 5, 1)
AT = datetime(2024, 5, 3, 12, tzinfo=UTC)
TREES, LEAVES = 500, 63

_LINES = Measure(name="lines", table="orders", meaning="lines")
_SHARE = Rate(name="share", numerator="lines", denominator="lines", meaning="a share")
_KEYS = {"buyer": "buyer_id", "seller": "seller_id", "product": "product_id", "category": "category"}

VIEWS = {
    name: View(name=name, key=key, meaning=f"A {name}", measures=(_LINES,), rates=(_SHARE,), code_version="1")
    for name, key in _KEYS.items()
}
"""Five counts and five shares each, beside the day of the newest order."""

FEATURES = tuple(name for view in VIEWS.values() for name in view.feature_names if name != view.last_day)

PASSING = Evidence(
    single_feature=FEATURES[0],
    single_feature_auc=0.7,
    time_shuffle_gain=0.0,
    rows_from_the_future=0,
    reload_difference=0.0,
    personal_inputs=(),
    schema_differences=(),
    missing_share_shift=0.0,
    missing_share_feature=FEATURES[0],
    latency_p99_ms=1.0,
    positives=500,
    ap_minus_base_rate=Interval(0.2, 0.1, 0.3),
    ap_minus_rules=Interval(0.2, 0.1, 0.3),
    ap_minus_champion=None,
    calibration_error=0.0,
    calibration_ratio=1.0,
    worst_slice=None,
    slice_auc_drop=None,
    unseen_auc_drop=None,
)


@dataclass(frozen=True)
class Stall(Workspace):
    """A workspace whose views are those of the benchmark."""

    @cached_property
    def views(self) -> dict[str, View]:  # type: ignore[override]
        """The four views."""
        return VIEWS


def stall(root: Path, redis: RedisServer | None) -> Stall:
    """The workspace under a folder, its online values in Redis, or in SQLite where there is none."""
    redis_at = {"GOVERNANCE_REGISTRY": f"sqlite:///{root}/registry.db"} | (
        {"GOVERNANCE_REDIS": redis.connection_string} if redis else {}
    )
    return Stall(
        root=root,
        marketplace=load_marketplace("simulated"),
        source_root=root,
        keyed_hash=PUBLISHED,
        objects_url=str(root / "objects"),
        environment="production" if redis else "embedded",
        connections=redis_at if redis else {},
    )


def train(*, trees: int = TREES, acts_on: float = 0.0, seed: int = 7) -> Artifact:
    """A model of random rows whose threshold is passed by a share of others."""
    import lightgbm

    chance = np.random.default_rng(seed)
    matrix = values(chance, 40 * trees)
    signal = np.nan_to_num(matrix[:, 5] - matrix[:, 15]) * 2 + matrix[:, 0] / 100 + chance.normal(size=len(matrix))
    labels = (signal > np.quantile(signal, 0.9)).astype(int)
    settings = {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbose": -1, "seed": seed}
    booster = lightgbm.train(settings, lightgbm.Dataset(matrix, labels), trees)
    raw = np.linspace(0, 1, 51)
    line = Calibrator("isotonic", tuple(raw.tolist()), tuple((raw**1.5).tolist()))
    # Other rows than those that it has seen, of which it is far too sure.
    scores = line(np.asarray(booster.predict(values(chance, 4_000), num_threads=1)))
    return pack(
        booster,
        line,
        Threshold(float(np.quantile(scores, 1 - acts_on)) if acts_on else NEVER, 1.0),
        spec=replace(CLAIM, order_context=False, counters=()),
        features=FEATURES,
        training_set_digest=str(seed),
    )


def values(chance: np.random.Generator, rows: int) -> Any:
    """Counts and shares (rows, features) in the order of `FEATURES`; a tenth of the shares is missing."""
    counts = chance.integers(0, 300, (rows, len(FEATURES))).astype(np.float64)
    shares = chance.random((rows, len(FEATURES)))
    shares[chance.random(shares.shape) < 0.1] = np.nan
    return np.where(["share" in name for name in FEATURES], shares, counts)


def fill(place: Stall, entities: int, *, seed: int = 3) -> None:
    """Put features of so many entities of each kind online."""
    from feature_repo.online import materialize_view
    from feature_repo.store import apply, open_store

    store = open_store(place.root, environment=place.environment, connections=place.connections)
    apply(store, list(VIEWS.values()), [], lake_root=place.lake.root)
    table = pl.DataFrame(values(np.random.default_rng(seed), entities), schema=list(FEATURES))
    for view in VIEWS.values():
        at = pl.Series([datetime(2024, 5, 2, 2, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")).new_from_index(
            0, entities
        )
        columns = [
            pl.lit(19_844).cast(pl.Int64).alias(feature.name)
            if feature.name == view.last_day
            else pl.col(feature.name).fill_nan(None).cast(feature.kind.polars)
            for feature in view.features
        ]
        keys = pl.Series(view.key, [entity(view, number) for number in range(entities)])
        frame = table.select(keys, at.alias("event_timestamp"), at.alias("created"), *columns)
        place.lake.write(view.dataset, DAY, frame, key=[view.key], fingerprint="benchmark")
        materialize_view(store, view, now=AT)


def entity(view: View, number: int) -> str:
    """The id of an entity, as long as real ones."""
    return f"{view.name}-{number:09d}"


def ask(number: int) -> dict[str, str]:
    """The keys of a request about the entities of one number."""
    return {view.key: entity(view, number) for view in VIEWS.values()}


def promote(place: Stall, artifact: Artifact, *, week: int = 0) -> None:
    """Make a model the champion of `claim`."""
    place.registry.record("claim", artifact.digest, artifact.files, {"as_of": DAY + timedelta(weeks=week)})
    place.registry.attach(judge("claim", artifact.digest, PASSING, GateBounds()))
    place.registry.promote("claim", artifact.digest, who="benchmark", reason="to be measured", at=AT)


@contextmanager
def stocked(*, entities: int, trees: int, redis: RedisServer | None = None) -> Iterator[Path]:
    """A folder with a stall that has everything in it."""
    with tempfile.TemporaryDirectory() as folder:
        place = stall(Path(folder), redis)
        fill(place, entities)
        promote(place, train(trees=trees))
        yield Path(folder)
