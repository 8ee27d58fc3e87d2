"""One decision from question to answer: look up, score, ask rules and policy, explain, remember."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from governance.decisions.points import DecisionPoint
from governance.decisions.policy import Outcome, decide, policy_version, with_reasons
from governance.decisions.record import Decision, ModelScore, RuleHit, Value, features_digest
from serving.asking import Question, Seen, look, require_keys
from serving.lineup import Lineup, Scoring
from serving.parts import Breaker, Counters, Features, Ledger, Rules
from serving.problems import NotFound, Reused
from serving.wire import DecisionRequest

_canonical = msgspec.json.Encoder(order="deterministic").encode


class Answered(msgspec.Struct, frozen=True):
    """A decision, whether it was made before, and whether it is on disk."""

    decision: Decision
    replayed: bool
    durable: bool


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Decides.

    Attributes
    ----------
    event_time : from a request's `occurred_at` to the time that holds; InputError where it cannot be.
    now, nanoseconds : the wall clock, and one that only goes forward.
    draw : a uniform number in [0, 1), for exploration.
    new_id : a decision's id.
    """

    points: Mapping[str, DecisionPoint]
    rules: Rules
    scoring: Scoring
    features: Features
    counters: Counters
    ledger: Ledger
    breaker: Breaker
    event_time: Callable[[datetime | None], datetime]
    now: Callable[[], datetime]
    nanoseconds: Callable[[], int]
    draw: Callable[[], float]
    new_id: Callable[[], str]
    policy_version: str = ""
    _under_way: dict[tuple[str, str], "asyncio.Future[Answered]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the policy once: its digest takes longer than a decision."""
        object.__setattr__(self, "policy_version", policy_version(self.points))

    async def decide(self, name: str, request: DecisionRequest, *, caller: str) -> Answered:
        """Decide at a point; the same request id of the same caller gets the same decision again.

        Raises
        ------
        NotFound
            There is no such point.
        InputError
            A value of the request cannot be.
        Reused
            The request id stands for another question.
        StoreError
            The decision hurts and could not be kept, or nothing more can be kept at all.
        """
        point = self.points.get(name)
        if point is None:
            raise NotFound(f"there is no decision point {name!r}; they are {', '.join(self.points)}")
        require_keys(point, request.keys)
        if request.request_id is None:
            return await self._decide(point, request, caller)
        answered = await self._once(point, request, caller, request.request_id)
        if answered.replayed and answered.decision.facts.get("question") != _fingerprint(point, request):
            raise Reused(f"request id {request.request_id!r} stands for another question of {caller}; use a new one")
        return answered

    async def _once(self, point: DecisionPoint, request: DecisionRequest, caller: str, request_id: str) -> Answered:
        key = (caller, request_id)
        if (waiting := self._under_way.get(key)) is not None:
            first = await asyncio.shield(waiting)
            return Answered(first.decision, replayed=True, durable=first.durable)
        answer = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            stored = await self.ledger.find(caller, request_id)
            made = await self._decide(point, request, caller) if stored is None else self._again(stored)
            answer.set_result(made)
        except BaseException as error:
            answer.set_exception(error)
            # Who waits gets it; where nobody does, asyncio would complain that it was never looked at.
            answer.exception()
            raise
        finally:
            del self._under_way[key]
        return made

    def _again(self, stored: Decision) -> Answered:
        """What was answered before. One that did not hurt may still be on its way to the disk."""
        point = self.points.get(stored.point)
        return Answered(stored, replayed=True, durable=point is not None and point.hurts(stored.action))

    async def _decide(self, point: DecisionPoint, request: DecisionRequest, caller: str) -> Answered:
        question = Question(
            point=point,
            request=request,
            caller=caller,
            at=self.event_time(request.occurred_at),
            started_ns=self.nanoseconds(),
        )
        seen = await look(question, features=self.features, counters=self.counters)
        lineup = await self.scoring.lineup(question, seen)
        values = _seen_by_rules(self.rules.reads(point.name), question, seen, lineup)
        hits = self.rules.hits(point.name, values, question.at)
        outcome = self._outcome(question, seen, lineup, hits)
        hurts = point.hurts(outcome.action)
        scores = await self.scoring.explained(lineup, outcome.carried_by) if hurts else lineup.scores
        decision = self._decision(question, seen, lineup, hits, with_reasons(outcome, scores), scores)
        kept = await self.ledger.keep(decision, durable=hurts)
        return Answered(kept, replayed=kept.decision_id != decision.decision_id, durable=hurts)

    def _outcome(self, question: Question, seen: Seen, lineup: Lineup, hits: tuple[RuleHit, ...]) -> Outcome:
        point, segment, at = question.point, question.segment, question.at
        outcome = decide(
            point,
            lineup.scores,
            hits,
            draw=self.draw(),
            breaker_open=not self.breaker.allows(point.name, segment, at),
            degraded=(*seen.degraded, *lineup.degraded),
        )
        self.breaker.observe(point.name, segment, point.hurts(outcome.proposed), at)
        return outcome

    def _decision(
        self,
        question: Question,
        seen: Seen,
        lineup: Lineup,
        hits: tuple[RuleHit, ...],
        outcome: Outcome,
        scores: tuple[ModelScore, ...],
    ) -> Decision:
        point, request = question.point, question.request
        facts: dict[str, Any] = {"question": _fingerprint(point, request)} if request.request_id else {}
        return Decision(
            decision_id=self.new_id(),
            idempotency_key=request.request_id,
            caller=question.caller,
            point=point.name,
            entity_id=request.entity_id,
            market=request.market,
            keys=request.keys,
            context=request.context,
            amount_minor=request.amount_minor,
            decided_at=question.at,
            recorded_at=self.now(),
            features=seen.values,
            features_digest=features_digest(seen.values),
            feature_times=seen.times,
            scores=scores,
            rules=hits,
            rules_version=self.rules.version,
            policy_version=self.policy_version,
            proposed=outcome.proposed,
            action=outcome.action,
            reasons=outcome.reasons,
            explored=outcome.explored,
            propensity=outcome.propensity,
            arm=lineup.arm,
            degraded=(*seen.degraded, *lineup.degraded),
            latency_us=(self.nanoseconds() - question.started_ns) // 1000,
            facts=facts,
        )


def _seen_by_rules(names: Collection[str], question: Question, seen: Seen, lineup: Lineup) -> Mapping[str, Value]:
    """What is known under these names: scores of who has a say, the event's own columns, features, what models
    derived of them."""
    acting = [entry for entry in lineup.entries if entry.score.role != "shadow"]
    scores = {f"score:{entry.score.model}": entry.score.probability for entry in acting}
    # Of a name that several have, the last one holds.
    sources: tuple[Mapping[str, Value], ...] = (
        *(entry.inputs for entry in acting),
        seen.values,
        question.request.context,
        scores,
    )
    return {name: source[name] for name in names for source in sources if name in source}


def _fingerprint(point: DecisionPoint, request: DecisionRequest) -> str:
    """What a request asks, whatever the id under which it asks."""
    asked: Mapping[str, Value | Any] = {
        "point": point.name,
        "request": msgspec.structs.replace(request, request_id=None),
    }
    return hashlib.sha256(_canonical(asked)).hexdigest()
