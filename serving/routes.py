"""The other routes, as typed handlers: models, scores, entities, health, metrics."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from serving import looking, wire
from serving.keys import Key
from serving.problems import MEDIA_TYPE, STATUSES

if TYPE_CHECKING:
    from serving.service import Service

_ADMITTED = "key"
Name = Annotated[str, PathParameter(max_length=128)]


def admitted(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request in whose key has the scope that the route names."""
    connection.state[_ADMITTED] = service_of(connection).access.admit(connection.scope["headers"], handler.opt["scope"])


def service_of(connection: ASGIConnection[Any, Any, Any, Any]) -> "Service":
    """The service that this application runs."""
    service: Service = connection.app.state.service
    return service


def key_of(request: Request[Any, Any, Any]) -> Key:
    """The key with which a request was let in."""
    key: Key = request.state[_ADMITTED]
    return key


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(wire.Problem, description="See `detail`.", media_type=MEDIA_TYPE, generate_examples=False)
        for status in statuses
    }


_REFUSED = _problems(*STATUSES)
KEYED: dict[str, Any] = {"guards": [admitted], "security": [{"key": []}], "responses": _REFUSED}
"""What every route has that needs a key."""


@get("/v1/points", scope="read", tags=["decisions"], summary="Decision points", **KEYED)
async def points(request: Request[Any, Any, Any]) -> list[wire.Point]:
    """Where decisions can be asked for: the keys that a request may name, and the actions from mild to harsh."""
    return looking.points(service_of(request))


@get("/v1/models", scope="read", tags=["models"], summary="Models and versions served", **KEYED)
async def models(request: Request[Any, Any, Any]) -> list[wire.ServedModel]:
    """What is loaded of each model: champion, canary and shadows."""
    return looking.models(service_of(request))


@post("/v1/models/{name:str}/score", scope="score", tags=["models"], summary="Score events", status_code=200, **KEYED)
async def score(request: Request[Any, Any, Any], name: Name, data: JSONBody[wire.ScoreRequest]) -> wire.ScoreAnswer:
    """Score 1 to 100 events with a model's champion. Nothing is decided and nothing remembered."""
    service = service_of(request)
    service.access.charge(key_of(request), len(data.rows) - 1)
    with service.in_flight:
        return await looking.scores(service, name, data)


@get(
    "/v1/entities/{key:str}/{entity:str}",
    scope="read",
    tags=["entities"],
    summary="What is known of an entity",
    **KEYED,
)
async def entity(request: Request[Any, Any, Any], key: Name, entity: Name) -> wire.EntityView:
    """Its online features with their times, and the newest decisions about it."""
    return await looking.entity(service_of(request), key, entity)


@get("/health/live", tags=["health"], summary="Whether the process answers")
async def live() -> dict[Literal["live"], bool]:
    """True; where it is not, there is no answer."""
    return {"live": True}


@get("/health/ready", tags=["health"], summary="Whether requests should be sent here", responses=_problems(503))
async def ready(request: Request[Any, Any, Any]) -> Response[wire.Health]:
    """Ready once models were looked for; `degraded` names the parts without which decisions go on as the points say."""
    health = looking.health(service_of(request))
    return Response(health, status_code=200 if health.ready else 503)


@get("/metrics", scope="read", tags=["health"], summary="Figures for Prometheus", media_type="text/plain", **KEYED)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Counters and histograms of all workers."""
    from serving.metrics import CONTENT_TYPE

    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE)


HANDLERS = (points, models, score, entity, live, ready, metrics)
