"""The application: routes, errors, documentation."""

from importlib.metadata import version

from litestar import Litestar, Request, Response, asgi
from litestar.datastructures import State
from litestar.types import Receive, Scope, Send

from serving.api_description import configuration
from serving.decisions_route import ROUTE, DecisionsRoute
from serving.events import events
from serving.problems import MEDIA_TYPE, foreseen, refusal
from serving.routes import HANDLERS, service_of
from serving.service import Service

_DISTRIBUTION = "marketplace-governance"


def create_app(service: Service) -> Litestar:
    """The application of a service, which is opened and closed with it."""
    decisions = DecisionsRoute(service)

    @asgi(ROUTE, is_mount=True, copy_scope=False)
    async def decisions_route(scope: Scope, receive: Receive, send: Send) -> None:
        await decisions(scope, receive, send)

    return Litestar(
        route_handlers=[decisions_route, events, *HANDLERS],
        openapi_config=configuration(version(_DISTRIBUTION)),
        exception_handlers={Exception: _refused},
        lifespan=[service.running],
        request_max_body_size=service.settings.batch_bytes_at_most,
        state=State({"service": service}),
        logging_config=None,
        debug=False,
    )


def _refused(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    if not foreseen(error):
        service_of(request).log.exception("%s failed", request.scope["path"])
    refused = refusal(error)
    return Response(refused.body, status_code=refused.status, headers=dict(refused.headers), media_type=MEDIA_TYPE)
