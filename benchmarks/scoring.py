"""Scoring: from named values to a probability in process, reading online features, and whole decisions over HTTP.

The limits are the same work by hand without what makes it safe. In process it is LightGBM's C API on a row that lies in
memory already. Reading, it is the same commands or queries whose answers nobody decodes. Over HTTP it is a bare ASGI
application that sends prepared commands to Redis and predicts a prepared row: no key, no checks, no rules, no ledger.
"""

import socket
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scoring_world as world
from benchmarks.measure import Measurement, Say, in_a_fresh_process
from benchmarks.scoring_overload import measure_overload
from benchmarks.scoring_requests import HURT, measure_endpoints, measure_requests
from benchmarks.servers import RedisServer, installed, redis_server

IN_PROCESS = (
    "ours: RowScorer.score of a dict, calibrated; peer: the dict to numpy, Booster.predict of one row on one thread, "
    "np.interp; limit: LGBM_BoosterPredictForMatSingleRowFast on rows packed before; medians, equal scores asserted"
)
REASONS = (
    f"CPU of a decision where {HURT:.0%} of them hurt and are explained; ours: RowScorer.reasons, TreeSHAP summed by "
    "code; limit: Booster.predict with pred_contrib alone; both of one row on one thread"
)
READING = (
    "ours: OnlineReader.read on uvloop, values and times by name; peer: Feast's SDK, get_online_features and to_dict, "
    "on our store; limit: {limit}; medians of calls one after the other, equal values asserted"
)
LIMITS = {
    "Redis": "the same commands through a blocking socket, replies parsed by hiredis and not decoded",
    "SQLite": "the same rows selected by their keys and not decoded",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Of calls made one after the other, in microseconds: quantiles of the clock, and this process's CPU for each."""

    p50: float
    p99: float
    cpu: float


def measure(*, small: bool = False, say: Say = lambda _: None) -> list[dict[str, Any]]:
    """Time all of it; what needs Redis or wrk only where they are installed."""
    calls, trees, entities = (300, 50, 400) if small else (5_000, world.TREES, 20_000)
    say("in process")
    rows = [in_a_fresh_process(in_process, trees, calls), in_a_fresh_process(reasons, trees, calls // 20)]
    if installed():
        with redis_server() as redis, world.stocked(entities=entities, trees=trees, redis=redis) as root:
            say("reading from Redis")
            rows.append(in_a_fresh_process(reading, root, redis, entities, calls))
            seconds = 1 if small else 10
            rows += measure_endpoints(root, redis, entities=entities, seconds=seconds, say=say)
            rows += measure_overload(root, redis, entities=entities, seconds=seconds, say=say)
            rows += measure_requests(root, redis, entities=entities, trees=trees, seconds=seconds, say=say)
    say("reading from SQLite")
    with world.stocked(entities=entities, trees=10) as root:
        rows.append(in_a_fresh_process(reading, root, None, entities, calls))
    return rows


def in_process(trees: int, calls: int) -> dict[str, Any]:
    """From a dict to a probability, one row at a time."""
    from ctypes import c_void_p

    from governance.models.artifact import MODEL, load_scorer
    from serving.row_lightgbm import RowBooster
    from serving.scorer import RowScorer

    files = world.train(trees=trees).files
    scorer, batch = RowScorer(files), load_scorer(files)
    bare = RowBooster(files[MODEL], features=len(scorer.features))
    line = (batch.calibrator.raw, batch.calibrator.probability)
    matrix = world.values(np.random.default_rng(11), calls)
    named = [dict(zip(scorer.features, row, strict=True)) for row in matrix.tolist()]
    packed = [c_void_p(row.ctypes.data) for row in matrix]

    def by_booster(values: Mapping[str, float]) -> float:
        row = np.array([[values[name] for name in scorer.features]])
        return float(np.interp(batch.booster.predict(row, num_threads=1)[0], *line))

    expected = batch.score(matrix).tolist()
    assert [scorer.score(row) for row in named] == [by_booster(row) for row in named] == expected
    assert np.interp([bare.predict_packed(row) for row in packed], *line).tolist() == expected
    times = {
        "ours": _times(scorer.score, named),
        "peer": _times(by_booster, named),
        "limit": _times(bare.predict_packed, packed),
    }
    work = f"scoring in process: dict to score, {len(scorer.features)} features, {trees} trees"
    return _row(work, times, settings=IN_PROCESS)


def reasons(trees: int, calls: int) -> dict[str, Any]:
    """Why a score is high, for the share of decisions that need it."""
    from governance.models.artifact import load_scorer
    from serving.scorer import RowScorer

    files = world.train(trees=trees).files
    scorer, booster = RowScorer(files), load_scorer(files).booster
    matrix = world.values(np.random.default_rng(13), calls)
    named = [dict(zip(scorer.features, row, strict=True)) for row in matrix.tolist()]
    ours = _times(scorer.reasons, named)
    limit = _times(lambda row: booster.predict(row, pred_contrib=True, num_threads=1), list(matrix[:, None, :]))
    return Measurement(
        work=f"scoring in process: reasons, averaged over decisions, {trees} trees",
        unit="microseconds",
        ours=ours.cpu * HURT,
        limit=limit.cpu * HURT,
        settings=REASONS,
        beside={"cpu_microseconds_of_one": {"ours": round(ours.cpu), "limit": round(limit.cpu)}},
    ).as_row()


def reading(root: Path, redis: RedisServer | None, entities: int, calls: int) -> dict[str, Any]:
    """Features of four entities, one request at a time."""
    import uvloop

    from feature_repo.online_reader import open_reader
    from feature_repo.store import open_store

    place = world.stall(root, redis)
    store = open_store(root, environment=place.environment, connections=place.connections)
    views = list(world.VIEWS.values())
    refs = [f"{view.name}:{name}" for view in views for name in view.feature_names if name in world.FEATURES]
    asked = [world.ask(number) for number in np.random.default_rng(5).integers(0, entities, calls).tolist()]

    def by_sdk(keys: Mapping[str, str]) -> Any:
        return store.get_online_features(refs, [dict(keys)]).to_dict()

    async def ours() -> Times:
        reader = open_reader(store, views, features=world.FEATURES)
        for keys in asked[:50]:
            (found,) = await reader.read((keys,), deadline_seconds=5.0)
            assert {name: [value] for name, value in (found.values | keys).items()} == by_sdk(keys)
        times = await _times_of_waiting(lambda keys: reader.read((keys,), deadline_seconds=5.0), asked)
        await reader.close()
        return times

    times = {"ours": uvloop.run(ours()), "peer": _times(by_sdk, asked[: calls // 5])}
    times["limit"] = _raw_redis(store, asked, redis) if redis else _raw_sqlite(store, asked)
    name = "Redis" if redis else "SQLite"
    work = f"reading online features: {len(world.FEATURES)} of {len(views)} entities, {name}"
    return _row(work, times, settings=READING.format(limit=LIMITS[name]))


def _raw_redis(store: Any, asked: Iterable[Mapping[str, str]], redis: RedisServer) -> Times:
    import hiredis

    from feature_repo.online_reader import open_reader

    reader: Any = open_reader(store, list(world.VIEWS.values()), features=world.FEATURES)
    questions = [b"".join(reader.commands((keys,))) for keys in asked]
    with closing(socket.create_connection(("127.0.0.1", redis.port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = hiredis.Reader()

        def once(question: bytes) -> None:
            line.sendall(question)
            for _ in world.VIEWS:
                while replies.gets() is False:
                    replies.feed(line.recv(65_536))

        return _times(once, questions)


def _raw_sqlite(store: Any, asked: Iterable[Mapping[str, str]]) -> Times:
    import polars as pl

    from feature_repo.encoding import encoded_keys

    views = world.VIEWS.values()
    keys = [encoded_keys(view.key, pl.Series([one[view.key] for one in asked])) for view in views]
    with closing(sqlite3.connect(store.config.online_store.path)) as database:
        selects = [f'SELECT * FROM "governance_{view.name}" WHERE entity_key = ?' for view in views]  # noqa: S608

        def once(found: tuple[bytes, ...]) -> None:
            for select, key in zip(selects, found, strict=True):
                database.execute(select, (key,)).fetchone()

        return _times(once, list(zip(*keys, strict=True)))


def _times(call: Callable[[Any], Any], arguments: list[Any]) -> Times:
    taken = []
    for argument in arguments[:100]:
        call(argument)
    began_cpu = time.process_time()
    for argument in arguments:
        began = time.perf_counter()
        call(argument)
        taken.append(time.perf_counter() - began)
    return _summed(taken, time.process_time() - began_cpu)


async def _times_of_waiting(call: Callable[[Any], Coroutine[Any, Any, Any]], arguments: list[Any]) -> Times:
    taken = []
    began_cpu = time.process_time()
    for argument in arguments:
        began = time.perf_counter()
        await call(argument)
        taken.append(time.perf_counter() - began)
    return _summed(taken, time.process_time() - began_cpu)


def _summed(taken: list[float], cpu_seconds: float) -> Times:
    p50, p99 = (np.quantile(taken, [0.5, 0.99]) * 1e6).tolist()
    return Times(p50, p99, cpu_seconds / len(taken) * 1e6)


def _row(work: str, times: Mapping[str, Times], *, settings: str) -> dict[str, Any]:
    beside = {
        f"{name}_microseconds": {side: round(getattr(one, name), 2) for side, one in times.items()}
        for name in ("p50", "p99", "cpu")
    }
    figures = {side: one.p50 for side, one in times.items()}
    return Measurement(work=work, unit="microseconds", settings=settings, beside=beside, **figures).as_row()
