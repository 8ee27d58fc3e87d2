"""The services that the scoring benchmark asks, each in a process of its own: ours, Feast's SDK in the same framework,
and the least that can be done.

python -m benchmarks.scoring_servers ours|peer|limit|endpoint|bare|fastapi|feast_serve FOLDER REDIS_PORT PORT
"""

import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scoring_world as world
from benchmarks.scoring_endpoints import bare, endpoint, fastapi, feast_serve
from benchmarks.servers import RedisServer

DECISIONS, BATCH = "/v1/decisions/checkout", "/v1/models/claim/score"
_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}


def ours(place: world.Stall) -> Any:
    """The service as it is, but for the allowance of a key."""
    from serving.app import create_app
    from serving.service import Service
    from serving.settings import Settings

    return create_app(Service(place, Settings(requests_per_second_per_key=1e9, burst_per_key=1e9)))


def peer(place: world.Stall) -> Any:
    """Feast's SDK and `Booster.predict` behind raw routes of the same framework; no key, no rules, no ledger."""
    import msgspec
    from litestar import Litestar, asgi
    from litestar.types import Receive, Scope, Send

    from feature_repo.store import open_store

    scorer, store = (
        _champion(place)[0],
        open_store(place.root, environment=place.environment, connections=place.connections),
    )
    refs = [f"{view.name}:{name}" for view in world.VIEWS.values() for name in view.feature_names]
    line = (np.array(scorer.calibrator.raw), np.array(scorer.calibrator.probability))

    def scores(keys: list[dict[str, str]]) -> list[float]:
        found = store.get_online_features(refs, keys).to_dict()
        matrix = np.array([found[name] for name in scorer.features], dtype=np.float64).T
        return np.interp(scorer.booster.predict(matrix, num_threads=1), *line).tolist()

    @asgi([DECISIONS, BATCH], copy_scope=False)
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - Litestar asks for it
        asked = msgspec.json.decode(await _body(receive))
        found = scores([row["keys"] for row in asked.get("rows", [asked])])
        await _send(send, msgspec.json.encode({"scores": found}))

    return Litestar([answer], openapi_config=None, logging_config=None)


def limit(place: world.Stall) -> Any:
    """A bare ASGI application: prepared commands to Redis, a prepared row to LightGBM, no word of the request read."""
    import ctypes

    from feature_repo.online_reader import open_reader
    from feature_repo.redis_connection import Connection, address_of
    from feature_repo.store import open_store
    from serving.row_lightgbm import RowBooster

    scorer, model = _champion(place)
    store = open_store(place.root, environment=place.environment, connections=place.connections)
    reader: Any = open_reader(store, list(world.VIEWS.values()), features=world.FEATURES)
    address = address_of(place.connections["GOVERNANCE_REDIS"])
    assert address
    connection, booster = Connection(address), RowBooster(model, features=len(scorer.features))
    matrix = world.values(np.random.default_rng(1), 400)
    questions = [b"".join(reader.commands((world.ask(number),))) for number in range(400)]
    prepared = cycle(zip(questions, [ctypes.c_void_p(row.ctypes.data) for row in matrix], strict=True))

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await _body(receive)
        count = 100 if scope["path"] == BATCH else 1
        chosen = [next(prepared) for _ in range(count)]
        await connection.ask(b"".join(question for question, _ in chosen), count * len(world.VIEWS), 5.0)
        found = [booster.predict_packed(row) for _, row in chosen]
        await _send(send, b'{"scores":%b}' % str(found).encode())

    # The prepared rows point into it.
    answer.matrix = matrix  # type: ignore[attr-defined]
    return answer


APPLICATIONS: dict[str, Callable[[world.Stall], Any]] = {
    "ours": ours,
    "peer": peer,
    "limit": limit,
    "endpoint": endpoint,
    "bare": bare,
    "fastapi": fastapi,
    "feast_serve": feast_serve,
}


def _champion(place: world.Stall) -> tuple[Any, bytes]:
    from governance.models.artifact import MODEL, load_scorer

    pointer = place.registry.pointer("claim")
    assert pointer
    files = place.registry.files("claim", pointer.champion)
    return load_scorer(files), files[MODEL]


async def _body(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def _send(send: Any, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({**_START, "headers": [*_START["headers"], length]})
    await send({"type": "http.response.body", "body": body})


def main(side: str, folder: str, redis_port: str, port: str) -> None:
    """Answer until the process is told to end."""
    # As `govern serve` has it: before Feast, which would have the library keep figures in files.
    import prometheus_client  # noqa: F401
    import uvicorn

    from serving.one_write import OneWriteProtocol
    from serving.run import settled

    place = world.stall(Path(folder), RedisServer(int(redis_port), 0))
    application = settled(APPLICATIONS[side](place))
    uvicorn.run(
        application,
        port=int(port),
        loop="uvloop",
        http=OneWriteProtocol if side in ("ours", "endpoint") else "httptools",
        lifespan="off" if side in ("limit", "bare") else "on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
