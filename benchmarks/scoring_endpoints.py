"""The way in and out alone: services whose decision is ready before it is asked for, and what `feast serve` answers."""

from typing import Any

from benchmarks import scoring_world as world
from governance.decisions.record import Decision, ModelScore, features_digest
from serving.engine import Answered

READY = Answered(
    Decision(
        decision_id="0" * 32,
        idempotency_key=None,
        caller="benchmark",
        point="checkout",
        entity_id="line-1",
        market=None,
        keys=world.ask(1),
        context={},
        amount_minor=None,
        decided_at=world.AT,
        recorded_at=world.AT,
        features={},
        features_digest=features_digest({}),
        feature_times={},
        scores=(
            ModelScore(model="claim", digest="0" * 64, role="champion", probability=0.1, threshold=0.5, acts=False),
        ),
        rules=(),
        rules_version="0" * 12,
        policy_version="0" * 12,
        proposed="allow",
        action="allow",
        reasons=(),
        explored=False,
        propensity=1.0,
        arm=None,
        degraded=(),
        latency_us=100,
        facts={},
    ),
    replayed=False,
    durable=False,
)


class Ready:
    """An engine that has decided already."""

    async def decide(self, name: str, request: object, *, caller: str) -> Answered:  # noqa: ARG002 - as `Engine` has it
        """The one decision."""
        return READY


def endpoint(place: world.Stall) -> Any:
    """Our route around it: key, limits, JSON checked and written, figures counted."""
    from serving.app import create_app
    from serving.service import Service
    from serving.settings import Settings

    class Around(Service):
        def _engine(self) -> Any:
            return Ready()

    return create_app(Around(place, Settings(requests_per_second_per_key=1e9, burst_per_key=1e9)))


def fastapi(_: world.Stall) -> Any:
    """FastAPI and pydantic around it: JSON checked and written by the same types, without key, limits and figures."""
    from datetime import datetime
    from typing import Annotated

    from fastapi import FastAPI
    from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

    name = Annotated[str, Field(min_length=1, max_length=128, pattern="^[^\\x00-\\x1f\\x7f]+$")]

    class Asked(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        entity_id: name
        request_id: name | None = None
        occurred_at: AwareDatetime | None = None
        after: name | None = None
        market: name | None = None
        keys: Annotated[dict[name, name], Field(max_length=16)] = {}
        context: Annotated[dict[name, int | float | str | bool | None], Field(max_length=256)] = {}
        amount_minor: Annotated[int, Field(ge=0)] | None = None

    class Reason(BaseModel):
        code: str
        text: str

    class Score(BaseModel):
        model: str
        digest: str
        role: str
        probability: float

    class Answer(BaseModel):
        decision_id: str
        point: str
        action: str
        reasons: list[Reason]
        scores: list[Score]
        arm: str | None
        explored: bool
        degraded: list[str]
        durable: bool
        replayed: bool
        policy_version: str
        decided_at: datetime

    app, engine = FastAPI(), Ready()

    @app.post("/v1/decisions/{point}")
    async def decide(point: str, asked: Asked) -> Answer:
        answered = await engine.decide(point, asked, caller="benchmark")
        decision = answered.decision
        return Answer(
            decision_id=decision.decision_id,
            point=decision.point,
            action=decision.action,
            reasons=[],
            scores=[Score(**{name: getattr(one, name) for name in Score.model_fields}) for one in decision.scores],
            arm=decision.arm,
            explored=decision.explored,
            degraded=list(decision.degraded),
            durable=answered.durable,
            replayed=answered.replayed,
            policy_version=decision.policy_version,
            decided_at=decision.decided_at,
        )

    return app


def bare(_: world.Stall) -> Any:
    """A bare ASGI application that takes the body and sends bytes that were written before."""
    import msgspec

    from serving.decisions_route import answer_of

    body = msgspec.json.encode(answer_of(READY, {}))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI
        while (await receive()).get("more_body"):
            continue
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def feast_serve(place: world.Stall) -> Any:
    """The application of the command `feast serve`: features alone, nothing is scored."""
    from feast.feature_server import get_app

    from feature_repo.store import open_store

    return get_app(open_store(place.root, environment=place.environment, connections=place.connections))
