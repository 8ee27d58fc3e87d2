"""The application: routes, errors, documentation."""

from importlib.metadata import version

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from serving.api_description import configuration
from serving.decisions_route import ROUTE, DecisionsRoute
from serving.events import events
from serving.problems import MEDIA_TYPE, foreseen, refusal
from serving.routes import HANDLERS, service_of
from serving.service import Service

_DISTRIBUTION = "marketplace-governance"
_DECISIONS = f"{ROUTE}/"


class Application:
    """Litestar's application, but for decisions: those go straight to their route, past a router and its layers."""

    def __init__(self, others: Litestar, decisions: DecisionsRoute) -> None:
        self.others, self._decisions = others, decisions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan, as ASGI has it."""
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(_DECISIONS):
            await self._decisions(scope, receive, send)
        else:
            await self.others(scope, receive, send)


def create_app(service: Service) -> Application:
    """The application of a service, which is opened and closed with it."""
    others = Litestar(
        route_handlers=[events, *HANDLERS],
        openapi_config=configuration(version(_DISTRIBUTION)),
        exception_handlers={Exception: _refused},
        lifespan=[service.running],
        request_max_body_size=service.settings.batch_bytes_at_most,
        state=State({"service": service}),
        logging_config=None,
        debug=False,
    )
    return Application(others, DecisionsRoute(service))


def _refused(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    if not foreseen(error):
        service_of(request).log.exception("%s failed", request.scope["path"])
    refused = refusal(error)
    return Response(refused.body, status_code=refused.status, headers=dict(refused.headers), media_type=MEDIA_TYPE)
