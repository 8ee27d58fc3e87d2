"""Putting features online: ours against Feast as it can be tuned, and against raw writes of the same bytes.

Ours is all of `materialize_view`: it reads what is offline, compares, writes, and proves afterwards that every key is
online with the values that it should have. Feast and the raw writes prove nothing.
"""

import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Cost, Say, compared, cost, in_a_fresh_process
from benchmarks.servers import RedisServer, installed, redis_server
from governance.contracts.schema import Kind
from governance.features.view import Feature
from governance.storage.lake import Lake

FLOATS, INTEGERS = 8, 4
NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = date(2024, 5, 1)
TUNED = {"pull_latest_features": True, "online_write_batch_size": 10_000}
SETTINGS = (
    "ours: materialize_view with its comparison of both stores; peer: Feast's own {store} store and engine, duckdb "
    "offline, pull_latest_features, batches of 10,000{more}; limit: {limit}"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A feature table of the benchmark."""

    name: str = "seller"
    key: str = "seller_id"
    meaning: str = "What a seller did"
    code_version: str = "1"
    dataset: str = "features/seller"

    @property
    def features(self) -> tuple[Feature, ...]:
        """Floats, of which one in ten is missing, and small integers."""
        floats = [Feature(name=f"seller_f{number}", kind=Kind.FLOAT, meaning="f") for number in range(FLOATS)]
        integers = [Feature(name=f"seller_i{number}", kind=Kind.INTEGER, meaning="i") for number in range(INTEGERS)]
        return (*floats, *integers)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows lie, and the Redis to put them into, if it is not SQLite."""

    root: Path
    redis: RedisServer | None = None

    @property
    def connections(self) -> dict[str, str]:
        """As `open_store` takes them for the production environment."""
        redis = self.redis.connection_string if self.redis else ""
        return {"GOVERNANCE_REGISTRY": f"sqlite:///{self.root}/registry.db", "GOVERNANCE_REDIS": redis}

    @property
    def server(self) -> int | None:
        """The process whose CPU counts as well."""
        return self.redis.process_id if self.redis else None


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """Time both stores; Redis only where it is installed."""
    entities = 2_000 if small else 100_000
    rows = []
    if installed():
        with redis_server() as server:
            rows.append(_measure(entities, server, say))
    return [*rows, _measure(entities, None, say)]


def _measure(entities: int, redis: RedisServer | None, say: Say) -> dict[str, Any]:
    store = "Redis" if redis else "SQLite"
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), redis)
        _write(Lake(place.root / "lake"), entities, np.random.default_rng(7))
        costs, sample = {}, {}
        for side, way in (("ours", _ours), ("limit", _raw), ("peer", _feast)):
            say(f"{store}: {side}")
            costs[side], sample[side] = in_a_fresh_process(way, place)
    assert sample["ours"] == sample["peer"], "what Feast reads of our writes differs from what it reads of its own"
    more = ", skip_dedup" if redis else ""
    limit = "pipelined HSET of the same bytes" if redis else "executemany of the same bytes in one transaction"
    return compared(
        f"materialize {entities:,} entities x {FLOATS + INTEGERS} features to {store}",
        "seconds",
        {side: costs[side] for side in ("ours", "peer", "limit")},
        settings=SETTINGS.format(store=store, more=more, limit=limit),
    )


def _write(lake: Lake, entities: int, rng: np.random.Generator) -> None:
    """Two days of rows for every entity, of which the later one belongs online."""
    for number in range(2):
        floats = {f"seller_f{one}": _with_gaps(rng, entities) for one in range(FLOATS)}
        integers = {f"seller_i{one}": rng.integers(0, 1_000, entities) for one in range(INTEGERS)}
        day = DAY + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC) + timedelta(days=1)
        times = pl.Series([at], dtype=pl.Datetime("us", "UTC")).new_from_index(0, entities)
        frame = pl.DataFrame(
            {"seller_id": [f"seller-{one:07d}" for one in range(entities)], "event_timestamp": times, "created": times}
            | floats
            | integers
        )
        lake.write("features/seller", day, frame, key=["seller_id"], fingerprint="benchmark")


def _with_gaps(rng: np.random.Generator, rows: int) -> pl.Series:
    values = rng.normal(size=rows)
    values[rng.random(rows) < 0.1] = np.nan
    return pl.Series(values).fill_nan(None)


def _ours(place: Place) -> tuple[Cost, Any]:
    from feature_repo.online import materialize_view

    store = _our_store(place)
    paid = cost(lambda: materialize_view(store, Table(), now=NOW), server=place.server)
    return paid, _sample(_stock_store(place) if place.redis else store)


def _feast(place: Place) -> tuple[Cost, Any]:
    import contextlib
    import io

    _our_store(place)
    _empty(place)
    store = _stock_store(place)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        paid = cost(lambda: store.materialize(NOW - timedelta(days=60), NOW, ["seller"]), server=place.server)
    return paid, _sample(store)


def _raw(place: Place) -> tuple[Cost, Any]:
    return (_raw_redis if place.redis else _raw_sqlite)(place), None


def _raw_redis(place: Place) -> Cost:
    from redis import Redis

    assert place.redis
    with Redis(port=place.redis.port) as client:
        keys = list(client.scan_iter(count=1_000))
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hgetall(key)
            commands = [
                ("HSET", key, *(part for pair in fields.items() for part in pair))
                for key, fields in zip(keys, pipe.execute(), strict=True)
            ]
        client.flushall()

        def write() -> None:
            for first in range(0, len(commands), 1_000):
                with client.pipeline(transaction=False) as pipe:
                    for command in commands[first : first + 1_000]:
                        pipe.execute_command(*command)
                    pipe.execute()

        return cost(write, server=place.server)


def _raw_sqlite(place: Place) -> Cost:
    with closing(sqlite3.connect(place.root / "feast" / "online.db")) as database:
        rows = database.execute('SELECT * FROM "governance_seller"').fetchall()
    with closing(sqlite3.connect(place.root / "raw.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(
            "CREATE TABLE rows (entity_key BLOB PRIMARY KEY, a INTEGER, b INTEGER, c TEXT, d BLOB, e INTEGER)"
        )

        def write() -> None:
            with database:
                database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", rows)

        return cost(write)


def _our_store(place: Place) -> Any:
    from feature_repo.store import apply, open_store

    environment = "production" if place.redis else "embedded"
    store = open_store(place.root, environment=environment, connections=place.connections)
    apply(store, [Table()], [], lake_root=place.root / "lake")
    return store


def _stock_store(place: Place) -> Any:
    """Feast as it comes, tuned, over the catalogue that our store has applied."""
    from feast import FeatureStore, RepoConfig

    online: dict[str, Any] = {"type": "sqlite", "path": str(place.root / "stock.db")}
    registry = f"sqlite:///{place.root}/feast/registry.db"
    if place.redis:
        registry = place.connections["GOVERNANCE_REGISTRY"]
        online = {"type": "redis", "connection_string": place.redis.connection_string, "skip_dedup": True}
    config = RepoConfig(
        project="governance",
        provider="local",
        registry={"registry_type": "sql", "path": registry},
        offline_store={"type": "duckdb"},
        online_store=online,
        materialization=TUNED,
        entity_key_serialization_version=3,
    )
    config.repo_path = place.root
    store = FeatureStore(config=config)
    if not place.redis:
        # Its tables are made when views are applied.
        store.apply(store.get_feature_view("seller"))
    return store


def _empty(place: Place) -> None:
    from redis import Redis

    if place.redis:
        with Redis(port=place.redis.port) as client:
            client.flushall()


def _sample(store: Any) -> Sequence[Mapping[str, Any]]:
    """What the SDK reads of some entities."""
    from feature_repo.online import read_online

    keys = [{"seller_id": f"seller-{one:07d}"} for one in range(0, 2_000, 20)]
    read = read_online(store, [f"seller:{feature.name}" for feature in Table().features], keys)
    assert not any(one.absent for one in read)
    return [dict(one.values) for one in read]
