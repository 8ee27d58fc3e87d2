"""/v1/decisions as bare ASGI: a router and a typed handler would take as long as the decision (docs/serving.md)."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from litestar.exceptions import MethodNotAllowedException

from governance.decisions.policy import reason_text
from governance.decisions.record import Decision
from serving.engine import Answered
from serving.problems import MEDIA_TYPE, NotFound, TooLarge, foreseen, refusal
from serving.pseudonyms import pseudonymous
from serving.wire import DecisionAnswer, ReasonText, ServedScore, read_decision, write

if TYPE_CHECKING:
    from serving.service import Service

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
"""ASGI for one HTTP request; Litestar's own types span web sockets as well."""

ROUTE = "/v1/decisions"
_JSON: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)


class DecisionsRoute:
    """Answers POST with a new decision at a point, and GET with the decision of an id."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        started = perf_counter()
        try:
            status, headers, body = 200, _JSON, await self._answer(scope, receive)
        except Exception as error:
            if not foreseen(error):
                self._service.log.exception("a decision could not be made")
            refused = refusal(error)
            status, body = refused.status, refused.body
            headers = ((b"content-type", MEDIA_TYPE.encode()), *_encoded(refused.headers))
        self._service.metrics.answered(ROUTE, status, perf_counter() - started)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        name, method = _name(scope["path"]), scope["method"]
        if method == "POST":
            return await self._decide(name, scope, receive)
        if method == "GET":
            self._service.access.admit(scope["headers"], "read")
            return await self._stored(name)
        raise MethodNotAllowedException(detail=f"{method} is not for decisions", headers={"allow": "GET, POST"})

    async def _decide(self, point: str, scope: Scope, receive: Receive) -> bytes:
        service = self._service
        # First, because most of a flood ends here.
        service.backlog.require_room()
        with service.in_flight:
            key = service.access.admit(scope["headers"], "score")
            request = read_decision(await _body(receive, service.settings.body_bytes_at_most))
            answered = await service.engine.decide(
                point, pseudonymous(request, service.workspace.keyed_hash), caller=key.caller
            )
            decision = answered.decision
            if not answered.replayed:
                service.metrics.decided(decision.point, decision.action, decision.degraded)
                for score in decision.scores:
                    service.metrics.scored(score.model, score.role)
            return write(answer_of(answered, service.rules.texts))

    async def _stored(self, decision_id: str) -> bytes:
        ledger, texts = self._service.ledger, self._service.rules.texts
        # In this order: what is written meanwhile is found by the second look.
        if waiting := ledger.unwritten(decision_id):
            return write(answer_of(Answered(waiting, replayed=True, durable=False), texts))
        if decision := await ledger.get(decision_id):
            return write(answer_of(Answered(decision, replayed=True, durable=True), texts))
        raise NotFound(f"no decision {decision_id!r} is on record")


def answer_of(answered: Answered, rule_texts: Mapping[str, str]) -> DecisionAnswer:
    """A decision as its caller sees it: scores of those that had a say, reasons in words."""
    decision: Decision = answered.decision
    return DecisionAnswer(
        decision_id=decision.decision_id,
        point=decision.point,
        action=decision.action,
        reasons=[ReasonText(code, reason_text(code, rule_texts)) for code in decision.reasons],
        scores=[
            ServedScore(score.model, score.digest, score.role, score.probability)
            for score in decision.scores
            if score.role != "shadow"
        ],
        arm=decision.arm,
        explored=decision.explored,
        degraded=list(decision.degraded),
        durable=answered.durable,
        replayed=answered.replayed,
        policy_version=decision.policy_version,
        decided_at=decision.decided_at,
    )


def _name(path: str) -> str:
    """What stands behind the route."""
    name = path[len(ROUTE) + 1 :].removesuffix("/")
    if not name or "/" in name:
        raise NotFound(f"ask at {ROUTE}/ and the name of a decision point")
    return name


async def _body(receive: Receive, at_most: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > at_most:
            break
    if len(body) > at_most:
        raise TooLarge(f"a decision is asked for in at most {at_most} bytes")
    return body


def _encoded(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in headers)
