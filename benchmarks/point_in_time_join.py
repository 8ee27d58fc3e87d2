"""The point-in-time join through Feast on our ASOF store, on Feast's `duckdb` store, and in Polars by hand."""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Measurement, best_seconds

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
ASOF = "feature_repo.asof_offline_store.AsofOfflineStore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Entity rows, history rows and keys of the join; features over both views."""

    entities: int = 50_000
    history: int = 500_000
    features: int = 30
    keys: int = 10_000

    def __str__(self) -> str:
        return f"{self.entities:,} x {self.history:,} x {self.features}"


def measure(size: Size | None = None, *, seed: int = 7) -> list[dict[str, Any]]:
    """Time the three ways on the same files and check that they give the same cells."""
    size = Size() if size is None else size
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        entities = _write(root, size, np.random.default_rng(seed))
        ways: dict[str, Callable[[], pl.DataFrame]] = {
            "ours": _through_feast(root, ASOF, entities, size),
            "peer": _through_feast(root, "duckdb", entities, size),
            "limit": lambda: _by_hand(root, entities),
        }
        _check_equal({name: way() for name, way in ways.items()})
        seconds = {name: best_seconds(way) for name, way in ways.items()}
    return [Measurement(work=f"point-in-time join, {size} (peer: Feast duckdb)", unit="s", **seconds).as_row()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run with sizes from the command line."""
    default = Size()
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("entities", "history", "features", "keys"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name))
    for row in measure(Size(**vars(parser.parse_args(arguments)))):
        print(row)


def _write(root: Path, size: Size, rng: np.random.Generator) -> pl.DataFrame:
    """Two views of half the history each, in hive folders of a day; the entity rows are returned."""
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
    return pl.DataFrame(
        {
            "row_id": np.arange(size.entities),
            "buyer_id": _ids(rng, size.entities, size),
            "seller_id": _ids(rng, size.entities, size),
            "event_timestamp": _times(rng, size.entities),
        }
    )


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


def _check_equal(answers: dict[str, pl.DataFrame]) -> None:
    features = [name for name in answers["limit"].columns if "_f" in name]
    cells = {name: answer.sort("row_id").select(features) for name, answer in answers.items()}
    assert cells["ours"].equals(cells["limit"]), "our join differs from Polars by hand"
    assert cells["peer"].equals(cells["limit"]), "Feast's duckdb store differs from Polars by hand"


if __name__ == "__main__":
    main()
