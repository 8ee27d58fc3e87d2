"""The ASOF offline store against a plain Python loop and against Feast's own `duckdb` store, on random data."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.filterwarnings(r"ignore:fetch_arrow_table\(\) is deprecated:DeprecationWarning")

START = datetime(2024, 3, 1, tzinfo=UTC)
TTL = timedelta(hours=3)
KEYS = ("a", "b")
HISTORY_SCHEMA = {
    "shop": pl.String(),
    "lane": pl.Int64(),
    "event_timestamp": pl.Datetime("us", "UTC"),
    "created": pl.Datetime("us", "UTC"),
    "speed": pl.Float64(),
    "turns": pl.Int64(),
    "mood": pl.String(),
}
FEATURES = ("speed", "turns", "mood")


@dataclass(frozen=True)
class Stores:
    """The same catalogue on two offline stores, over a folder that each example fills again."""

    ours: Any
    duckdb: Any
    folder: Path


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.data_format import ParquetFormat
    from feast.types import Float64, Int64, String

    root = tmp_path_factory.mktemp("catalogue")
    source = FileSource(
        name="rides",
        path=str(root / "rides"),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
    lane = Entity(name="lane", join_keys=["lane"], value_type=ValueType.INT64)
    keys = [Field(name="shop", dtype=String), Field(name="lane", dtype=Int64)]
    features = [Field(name="speed", dtype=Float64), Field(name="turns", dtype=Int64), Field(name="mood", dtype=String)]
    views = [
        FeatureView(name="forever", entities=[shop], ttl=timedelta(0), schema=keys[:1] + features, source=source),
        FeatureView(name="fresh", entities=[shop, lane], ttl=TTL, schema=keys + features, source=source),
    ]
    kinds = ("feature_repo.asof_offline_store.AsofOfflineStore", "duckdb")
    ours, duckdb = (_store(root, number, kind) for number, kind in enumerate(kinds))
    for store in (ours, duckdb):
        store.apply([shop, lane, *views])
    return Stores(ours, duckdb, root / "rides")


def _store(root: Path, number: int, offline: str) -> Any:
    from feast import FeatureStore, RepoConfig

    config = RepoConfig(
        project="rides",
        provider="local",
        registry=str(root / f"registry{number}.db"),
        offline_store={"type": offline},
        online_store={"type": "sqlite", "path": str(root / f"online{number}.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = root
    return FeatureStore(config=config)


hours = st.integers(0, 7).map(lambda hour: START + timedelta(hours=hour))
lags = st.sampled_from([*(timedelta(minutes=minutes) for minutes in (0, 20, 60, 90, 240)), None])

# Small examples hold neither ties nor rows of exactly the age that the time to live allows.
FEWEST_ROWS = 25
history_rows = st.lists(
    st.builds(
        lambda shop, lane, time, lag, speed, turns, mood: {
            "shop": shop,
            "lane": lane,
            "event_timestamp": time,
            "created": None if lag is None else time + lag,
            "speed": speed,
            "turns": turns,
            "mood": mood,
        },
        st.sampled_from((*KEYS, None)),
        st.integers(1, 2),
        hours,
        lags,
        st.one_of(st.none(), st.just(math.nan), st.floats(-5, 5)),
        st.one_of(st.none(), st.integers(-9, 9)),
        st.one_of(st.none(), st.sampled_from(["calm", "busy"])),
    ),
    min_size=FEWEST_ROWS,
    max_size=60,
    # Which of two rows with one key, event time and created time wins is undefined in Feast; our
    # lake's keys are unique, so the data here are too. The view `forever` joins on the shop alone.
    unique_by=lambda row: (row["shop"], row["event_timestamp"], row["created"]),
)
entity_rows = st.lists(
    st.tuples(st.sampled_from((*KEYS, "nobody", None)), st.integers(1, 3), hours), min_size=15, max_size=30
)


def naive(history: list[dict[str, Any]], key: dict[str, Any], at: datetime, ttl: timedelta | None, known: bool) -> Any:
    best = None
    for row in history:
        if any(value is None or row[name] != value for name, value in key.items()) or row["event_timestamp"] > at:
            continue
        if ttl is not None and row["event_timestamp"] + ttl < at:
            continue
        if known and (row["created"] is None or row["created"] > at):
            continue
        order = (row["event_timestamp"], row["created"] or datetime.min.replace(tzinfo=UTC))
        if best is None or order > best[0]:
            best = (order, row)
    return best and best[1]


# DuckDB keeps what it read of a file, and cannot tell another of the same size and name written in the same moment.
_WRITTEN = count()


def write(folder: Path, history: list[dict[str, Any]], partitions: int) -> None:
    """Rows spread over hive folders in no order of time."""
    for old in folder.rglob("*.parquet"):
        old.unlink()
    frame = pl.DataFrame(history, schema=HISTORY_SCHEMA, orient="row")
    for number in range(partitions):
        path = folder / f"dt=2024-03-{number + 1:02}" / f"rows-{next(_WRITTEN)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.gather_every(partitions, number).write_parquet(path)


def plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


@given(history=history_rows, asked=entity_rows, partitions=st.integers(1, 3), known=st.booleans())
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_join_equals_a_naive_loop_and_the_duckdb_store(
    stores: Stores,
    history: list[dict[str, Any]],
    asked: list[tuple[str | None, int, datetime]],
    partitions: int,
    known: bool,
) -> None:
    write(stores.folder, history, partitions)
    entities = pl.DataFrame(
        asked, schema={"shop": pl.String, "lane": pl.Int64, "event_timestamp": pl.Datetime("us", "UTC")}, orient="row"
    ).with_row_index("row_id")
    refs = [f"{view}:{feature}" for view in ("forever", "fresh") for feature in FEATURES]
    answers = {
        name: pl.DataFrame(
            store.get_historical_features(
                entity_df=entities.to_pandas(),
                features=refs,
                full_feature_names=True,
                filter_by_created_timestamp=known,
            ).to_arrow()
        )
        for name, store in (("ours", stores.ours), ("duckdb", stores.duckdb))
    }
    expected = []
    for shop, lane, at in asked:
        forever = naive(history, {"shop": shop}, at, None, known) or {}
        fresh = naive(history, {"shop": shop, "lane": lane}, at, TTL, known) or {}
        expected.append(tuple(plain(row.get(feature)) for row in (forever, fresh) for feature in FEATURES))
    columns = [ref.replace(":", "__") for ref in refs]
    assert answers["ours"]["row_id"].to_list() == list(range(len(asked)))
    for answer in answers.values():
        assert [tuple(map(plain, row)) for row in answer.sort("row_id").select(columns).iter_rows()] == expected


@given(history=history_rows, bounds=st.tuples(hours, hours), partitions=st.integers(1, 3))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rows_to_materialize_equal_those_of_the_duckdb_store(
    stores: Stores, history: list[dict[str, Any]], bounds: tuple[datetime, datetime], partitions: int
) -> None:
    from feast.infra.offline_stores.duckdb import DuckDBOfflineStore

    from feature_repo.asof_offline_store import AsofOfflineStore

    write(stores.folder, history, partitions)
    columns = ["shop", *FEATURES, "event_timestamp", "created"]
    for reading in ("pull_latest_from_table_or_query", "pull_all_from_table_or_query"):
        ours, duckdb = (
            pl.DataFrame(
                getattr(kind, reading)(
                    config=store.config,
                    data_source=store.get_feature_view("forever").batch_source,
                    join_key_columns=["shop"],
                    feature_name_columns=list(FEATURES),
                    timestamp_field="event_timestamp",
                    created_timestamp_column="created",
                    start_date=min(bounds),
                    end_date=max(bounds),
                ).to_arrow()
            )
            for kind, store in ((AsofOfflineStore, stores.ours), (DuckDBOfflineStore, stores.duckdb))
        )
        # To that store the rows without a key are one more key; ours leaves them out.
        if reading.startswith("pull_latest"):
            duckdb = duckdb.filter(pl.col("shop").is_not_null())
        assert sorted(map(repr, ours.select(columns).rows())) == sorted(map(repr, duckdb.select(columns).rows()))


def answers_of_both(stores: Stores, history: list[dict[str, Any]], at: list[datetime]) -> list[list[Any]]:
    write(stores.folder, history, 1)
    entities = pl.DataFrame({"row_id": range(len(at)), "shop": "a", "lane": 1, "event_timestamp": at}).to_pandas()
    jobs = (store.get_historical_features(entities, ["fresh:turns"]) for store in (stores.ours, stores.duckdb))
    return [pl.DataFrame(job.to_arrow()).sort("row_id")["turns"].to_list() for job in jobs]


def row(turns: int, time: datetime, created: datetime) -> dict[str, Any]:
    return {"shop": "a", "lane": 1, "event_timestamp": time, "created": created, "turns": turns}


def test_a_tie_goes_to_the_row_created_last_wherever_it_stands(stores: Stores) -> None:
    later = START + timedelta(hours=1)
    rows = [row(1, START, START), row(3, START, later + timedelta(minutes=1)), row(2, START, later)]
    for history in (rows, rows[::-1]):
        assert answers_of_both(stores, history, [later]) == [[3], [3]]


def test_a_row_of_exactly_the_time_to_live_still_counts(stores: Stores) -> None:
    at = [START + TTL, START + TTL + timedelta(microseconds=1), START - timedelta(microseconds=1)]
    assert answers_of_both(stores, [row(1, START, START)], at) == [[1, None, None]] * 2


def test_an_empty_history_gives_nulls(stores: Stores) -> None:
    assert answers_of_both(stores, [], [START]) == [[None], [None]]


def test_the_latest_row_of_a_tie_is_the_one_created_last_wherever_it_stands() -> None:
    from feature_repo.asof import CREATED, EVENT_TIME, latest_rows

    created = [START + timedelta(minutes=minutes) for minutes in (0, 9, 5)]
    rows = pl.DataFrame({"shop": "a", EVENT_TIME: [START] * 3, CREATED: created, "turns": [1, 3, 2]})
    for order in (rows, rows.reverse()):
        assert latest_rows(order.lazy(), keys=["shop"], start=START, end=START)["turns"].to_list() == [3]
