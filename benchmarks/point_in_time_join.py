"""The point-in-time join through Feast on our ASOF store, on Feast's `duckdb` store, and in Polars by hand.

The skewed history has so many rows a key that a join which looks at all of them drowns: there Feast's store is asked
for fewer entity rows, and so are the others beside it.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Cost, Say, compared, cost, in_a_fresh_process

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
ASOF = "feature_repo.asof_offline_store.AsofOfflineStore"
REPEATS = 2
SETTINGS = (
    "ours: get_historical_features on our store, to Arrow; peer: the same on Feast's duckdb store, entity rows given "
    "in pandas as it takes them; limit: read_parquet, sort and join_asof in Polars; best of {repeats}, equal cells "
    "asserted"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Entity rows, history rows and keys of the join; features over both views."""

    name: str
    entities: int
    history: int
    keys: int
    features: int = 30
    with_peer: bool = True

    def __str__(self) -> str:
        return f"{self.name} history, {self.entities:,} x {self.history:,} x {self.features}"


FULL = (
    Size(name="uniform", entities=500_000, history=5_000_000, keys=100_000),
    Size(name="skewed", entities=20_000, history=5_000_000, keys=1_000),
    # Feast's duckdb store is left out: it took two minutes for a fifth of these entity rows.
    Size(name="skewed", entities=500_000, history=5_000_000, keys=1_000, with_peer=False),
)
SMALL = (
    Size(name="uniform", entities=5_000, history=50_000, keys=1_000),
    Size(name="skewed", entities=1_000, history=50_000, keys=10),
)


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """Time the ways on the same files, each in a process of its own, and check that they give the same cells."""
    return [_measure(size, say) for size in (SMALL if small else FULL)]


def _measure(size: Size, say: Say, *, seed: int = 7) -> dict[str, Any]:
    ways = {"ours": ASOF, "limit": None} | ({"peer": "duckdb"} if size.with_peer else {})
    costs, answers = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), size, np.random.default_rng(seed))
        for side, store in ways.items():
            say(f"{size}: {side}")
            costs[side], answers[side] = in_a_fresh_process(_timed, Path(folder), store, size)
    assert len(set(answers.values())) == 1, f"the ways differ in what they answer: {answers}"
    settings = SETTINGS.format(repeats=REPEATS)
    return compared(f"point-in-time join, {size}", "seconds", costs, settings=settings)


def _timed(root: Path, store: str | None, size: Size) -> tuple[Cost, int]:
    """The cost, and the sum of the digests of all cells."""
    entities = pl.read_parquet(root / "entities.parquet")
    way = _through_feast(root, store, entities, size) if store else lambda: _by_hand(root, entities)
    answers: list[pl.DataFrame] = []

    def answer() -> None:
        answers.clear()
        answers.append(way())

    paid = cost(answer, repeats=REPEATS)
    features = sorted(name for name in answers[0].columns if "_f" in name)
    cells = answers[0].select("row_id", *features).with_columns(pl.col("row_id").cast(pl.Int64))
    return paid, int(cells.hash_rows(seed=0).cast(pl.Int128).sum())


def _write(root: Path, size: Size, rng: np.random.Generator) -> None:
    """Two views of half the history each, in hive folders of a day, and the entity rows."""
    for view in ("buyer", "seller"):
        rows = size.history // 2
        times = _times(rng, rows)
        frame = pl.DataFrame(
            {f"{view}_id": _ids(rng, rows, size), "event_timestamp": times}
            | {f"{view}_f{number}": rng.normal(size=rows) for number in range(size.features // 2)}
        ).with_columns((pl.col("event_timestamp") + pl.duration(seconds=int(rng.integers(60, 3600)))).alias("created"))
        for (day,), rows_of_day in frame.group_by(pl.col("event_timestamp").dt.date()):
            path = root / view / f"dt={day}" / "rows.parquet"
            path.parent.mkdir(parents=True)
            rows_of_day.write_parquet(path, compression="zstd")
    entities = pl.DataFrame(
        {
            "row_id": np.arange(size.entities),
            "buyer_id": _ids(rng, size.entities, size),
            "seller_id": _ids(rng, size.entities, size),
            "event_timestamp": _times(rng, size.entities),
        }
    )
    entities.write_parquet(root / "entities.parquet")


def _ids(rng: np.random.Generator, rows: int, size: Size) -> pl.Series:
    return pl.Series(rng.integers(0, size.keys, rows)).cast(pl.String)


def _times(rng: np.random.Generator, rows: int) -> pl.Series:
    offsets = pl.Series(rng.integers(0, DAYS * 86_400_000_000, rows)).cast(pl.Duration("us"))
    return (pl.Series([START]).cast(pl.Datetime("us", "UTC")) + offsets).alias("event_timestamp")


def _through_feast(root: Path, offline: str, entities: pl.DataFrame, size: Size) -> Callable[[], pl.DataFrame]:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.data_format import ParquetFormat
    from feast.types import Float64, String

    name = offline.rsplit(".", 1)[-1].lower()
    config = RepoConfig(
        project=name,
        provider="local",
        registry=str(root / f"{name}.registry"),
        offline_store={"type": offline},
        online_store={"type": "sqlite", "path": str(root / f"{name}.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = root
    store = FeatureStore(config=config)
    objects: list[Any] = []
    for view in ("buyer", "seller"):
        entity = Entity(name=view, join_keys=[f"{view}_id"], value_type=ValueType.STRING)
        source = FileSource(
            name=view,
            path=str(root / view),
            file_format=ParquetFormat(),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        features = [Field(name=f"{view}_f{number}", dtype=Float64) for number in range(size.features // 2)]
        schema = [Field(name=f"{view}_id", dtype=String), *features]
        objects += [
            entity,
            FeatureView(name=view, entities=[entity], ttl=timedelta(0), schema=schema, source=source, online=False),
        ]
    store.apply(objects)
    refs = [f"{view.name}:{field.name}" for view in objects[1::2] for field in view.features]
    # Each store gets the rows in the form that it takes without converting.
    rows = entities if offline == ASOF else entities.to_pandas()
    return lambda: pl.DataFrame(store.get_historical_features(rows, refs).to_arrow())


def _by_hand(root: Path, entities: pl.DataFrame) -> pl.DataFrame:
    joined = entities.sort("event_timestamp")
    for view in ("buyer", "seller"):
        files = sorted((root / view).rglob("*.parquet"))
        history = pl.read_parquet(files, hive_partitioning=False).drop("created").sort("event_timestamp")
        joined = joined.join_asof(
            history, on="event_timestamp", by=f"{view}_id", strategy="backward", check_sortedness=False
        )
    return joined
