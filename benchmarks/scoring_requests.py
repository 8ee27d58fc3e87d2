"""Decisions over HTTP under load: what one costs, how many a second, how long they take, and what memory does."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import HTTPError

import psutil

from benchmarks import scoring_world as world
from benchmarks.load import Load, can_load, load
from benchmarks.measure import Measurement, Say
from benchmarks.scoring_servers import BATCH, DECISIONS
from benchmarks.servers import RedisServer, free_port, wait_until_it_answers

PROJECT = Path(__file__).parent.parent
SIDES = ("limit", "ours", "peer")
CONNECTIONS = 16
ROWS = 100
HURT = 0.05
ROUNDS = 5
PEAK = (
    f"wrk, {CONNECTIONS} connections that ask again at once, one worker process, Redis and wrk on the same machine, "
    f"medians of {ROUNDS} rounds in which each has its turn; "
    "ours: POST /v1/decisions/checkout, none of which hurts; peer: Feast's SDK and Booster.predict on a raw route of "
    "the same framework, no key, rules or ledger; limit: a bare ASGI application, prepared commands to Redis and bare "
    "predictions"
)
EXPLAINED = (
    f"as above, but {HURT:.0%} of the decisions hurt: these are explained by TreeSHAP, and on disk before they are "
    "answered"
)

ALONE = (
    f"wrk, {CONNECTIONS} connections, one worker process; a decision that is ready before it is asked for. ours: key, "
    "limits, checked JSON in and out, figures; peer: FastAPI and pydantic with the same types, no key, limits or "
    "figures; limit: a bare ASGI application that sends prepared bytes. Ours leaves in one write, the others as "
    "uvicorn writes them"
)
FEAST_SERVE = "as above; ours: whole decisions; peer: the features alone from the application of `feast serve`"
FEAST = "/get-online-features"

Place = tuple[str, psutil.Process]
"""A service's address and process."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one service did at its peak, at half of it, and with batches."""

    per_second: float
    p99_ms: float
    cpu_us: float
    half_per_second: float
    half_p50_ms: float
    half_p99_ms: float
    batch_p99_ms: float
    batch_cpu_us: float
    answered: float
    mb: float


def measure_requests(
    root: Path, redis: RedisServer, *, entities: int, trees: int, seconds: float, say: Say
) -> list[dict[str, Any]]:
    """Rows for the cost of a decision, the peak, the tail at half of the peak, and batches; none without wrk."""
    if not can_load():
        return []
    asked = {"token": key(root, redis), "entities": entities, "seconds": seconds}
    with ExitStack() as stack:
        say(f"requests: {', '.join(SIDES)}")
        places = {side: stack.enter_context(service(side, root, redis)) for side in SIDES}
        served = _served(places, asked)
    say("requests: ours, explained")
    world.promote(world.stall(root, redis), world.train(trees=trees, acts_on=HURT), week=1)
    with service("ours", root, redis) as place:
        explained = _served({"ours": place}, asked)["ours"]
    return _rows(served, explained)


def measure_endpoints(
    root: Path, redis: RedisServer, *, entities: int, seconds: float, say: Say
) -> list[dict[str, Any]]:
    """Rows for the way in and out alone, and for `feast serve`; none without wrk."""
    if not can_load():
        return []
    token = key(root, redis)
    asked = {"token": token, "entities": entities, "seconds": seconds, "connections": CONNECTIONS}
    peaks: dict[str, Load] = {}
    for side in ("endpoint", "fastapi", "bare", "ours", "feast_serve"):
        say(f"requests: {side}")
        path, body = (FEAST, _feast_body()) if side == "feast_serve" else (DECISIONS, decision_body())
        with service(side, root, redis) as (url, _):
            _require_an_answer(url + path, body, token)
            load(url + path, body, **(asked | {"seconds": max(1, seconds / 5)}))
            peaks[side] = load(url + path, body, **asked)
            assert peaks[side].refused + peaks[side].broken == 0, f"{side}: {peaks[side]}"
    seconds_of = {side: 10_000 / peak.per_second for side, peak in peaks.items()}
    beside = {"requests_per_second": {side: round(peak.per_second) for side, peak in peaks.items()}}
    alone = Measurement(
        work="scoring requests: the endpoint alone, 10,000",
        unit="seconds",
        ours=seconds_of["endpoint"],
        peer=seconds_of["fastapi"],
        limit=seconds_of["bare"],
        settings=ALONE,
        beside=beside,
    )
    features = Measurement(
        work="scoring requests: 10,000 beside feast serve",
        unit="seconds",
        ours=seconds_of["ours"],
        peer=seconds_of["feast_serve"],
        settings=FEAST_SERVE,
        beside=beside,
    )
    return [alone.as_row(), features.as_row()]


def _served(places: Mapping[str, Place], asked: Mapping[str, Any]) -> dict[str, Served]:
    """Medians of several rounds in which each has its turn: where a machine is slow for a while, it is so for all."""
    rounds: dict[str, list[Served]] = {side: [] for side in places}
    shorter = {**asked, "seconds": max(1, asked["seconds"] / ROUNDS)}
    for url, _ in places.values():
        _require_an_answer(url + DECISIONS, decision_body(), asked["token"])
        load(url + DECISIONS, decision_body(), connections=CONNECTIONS, **shorter)
    for _ in range(ROUNDS):
        for side, place in places.items():
            rounds[side].append(_round(place, shorter))
    return {side: _median(found) for side, found in rounds.items()}


def _round(place: Place, asked: Mapping[str, Any]) -> Served:
    (url, process), body = place, decision_body()
    cpu = _cpu(process)
    peak = load(url + DECISIONS, body, connections=CONNECTIONS, **asked)
    cpu = _cpu(process) - cpu
    # As many connections as ask at half of the peak when each waits so long in between.
    pause_ms = round(1_000 * 2 * CONNECTIONS / (peak.per_second / 2))
    half = load(url + DECISIONS, body, connections=2 * CONNECTIONS, pause_ms=pause_ms, **asked)
    row, cpu_of_batches = json.dumps({"occurred_at": world.AT.isoformat(), **_row_body()}), _cpu(process)
    batches = load(url + BATCH, row, connections=1, rows=ROWS, **asked)
    cpu_of_batches = _cpu(process) - cpu_of_batches
    for one in (peak, half, batches):
        assert one.refused + one.broken == 0, f"{url}: {one}"
    return Served(
        per_second=peak.per_second,
        p99_ms=peak.p99_ms,
        cpu_us=cpu / peak.answered * 1e6,
        half_per_second=half.per_second,
        half_p50_ms=half.p50_ms,
        half_p99_ms=half.p99_ms,
        batch_p99_ms=batches.p99_ms,
        batch_cpu_us=cpu_of_batches / batches.answered * 1e6,
        answered=peak.answered + half.answered,
        mb=process.memory_info().rss / 2**20,
    )


def _median(rounds: Sequence[Served]) -> Served:
    return Served(**{one.name: median(getattr(each, one.name) for each in rounds) for one in fields(Served)})


def _require_an_answer(url: str, body: str, token: str) -> None:
    """One request before the load; where it is refused, its answer says why."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(url, body.replace("NUMBER", f"{0:09d}").encode(), headers)  # noqa: S310 - our own
    try:
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310
    except HTTPError as refused:
        raise RuntimeError(f"{url} refuses: {refused.read().decode()}") from refused


def decision_body() -> str:
    """A question about random entities, whose numbers wrk puts in the place of NUMBER."""
    return json.dumps({"entity_id": "line-NUMBER", "occurred_at": world.AT.isoformat(), **_row_body()})


def _feast_body() -> str:
    names = [f"{view.name}:{name}" for view in world.VIEWS.values() for name in view.feature_names]
    keys = {key: [value] for key, value in _row_body()["keys"].items()}
    return json.dumps({"features": names, "entities": keys})


def _row_body() -> dict[str, Any]:
    keys = {view.key: world.entity(view, 0).replace(f"{0:09d}", "NUMBER") for view in world.VIEWS.values()}
    return {"keys": keys}


def _rows(served: Mapping[str, Served], explained: Served) -> list[dict[str, Any]]:
    cost, peak = "scoring requests: CPU of one", "scoring requests: 10,000 at the peak"
    tail, batch = "scoring requests: p99 at half of the peak", f"scoring requests: p99 of a batch of {ROWS}"
    figures = {
        (cost, "microseconds"): {side: one.cpu_us for side, one in served.items()},
        (peak, "seconds"): {side: 10_000 / one.per_second for side, one in served.items()},
        (tail, "milliseconds"): {side: one.half_p99_ms for side, one in served.items()},
        (batch, "milliseconds"): {side: one.batch_p99_ms for side, one in served.items()},
    }
    rows = [
        Measurement(work=work, unit=unit, settings=PEAK, beside=_beside(served), **found)
        for (work, unit), found in figures.items()
    ]
    rows.append(
        Measurement(
            work=f"{cost} where {HURT:.0%} hurt",
            unit="microseconds",
            ours=explained.cpu_us,
            settings=EXPLAINED,
            beside=_beside({"ours": explained}),
        )
    )
    return [row.as_row() for row in rows]


def _beside(served: Mapping[str, Served]) -> dict[str, Any]:
    """The other figures of a round, by side."""
    return {
        one.name: {side: round(getattr(found, one.name), 3) for side, found in served.items()} for one in fields(Served)
    }


@contextmanager
def service(side: str, root: Path, redis: RedisServer) -> Iterator[Place]:
    """One of the services of `scoring_servers`: its address and process, until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.scoring_servers", side, str(root), str(redis.port), str(port)]
    # Feast, which this process has imported, sets it, and figures in files cost a worker more than its own do.
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    process = subprocess.Popen(words, cwd=PROJECT, env=environment)  # noqa: S603
    try:
        wait_until_it_answers(port, process)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def key(root: Path, redis: RedisServer) -> str:
    """A key to the workspace's service."""
    from serving.keys import keys_of

    ledger = keys_of(world.stall(root, redis).root)
    return ledger.add("benchmark", ["score"], who="benchmark", reason="load", at=datetime.now(UTC))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
