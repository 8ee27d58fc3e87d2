"""Scoring of a turn of the event loop: one after another, each for itself."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from governance.decisions.points import load_points
from governance.errors import InputError
from governance.release.traffic import NO_TRAFFIC
from serving.asking import Question, Seen
from serving.lineup import Lineup, Scoring
from serving.wire import DecisionRequest

AT = datetime(2024, 3, 1, tzinfo=UTC)
KNOWN = Seen({}, {}, ())


@dataclass(frozen=True)
class Writing:
    """A version that writes down whom it scored, and cannot read a risk that is no number."""

    digest: str = "a" * 64
    threshold: float = 0.5
    scored: list[float] = field(default_factory=list)

    def inputs(self, values: Mapping[str, Any], context: Mapping[str, Any], decided_at: datetime) -> dict[str, float]:
        del values, decided_at
        if isinstance(context["risk"], str):
            raise InputError("risk should be a number")
        return {"risk": context["risk"]}

    def score(self, inputs: Mapping[str, float]) -> float:
        self.scored.append(inputs["risk"])
        return inputs["risk"]


def asked(risk: Any) -> Question:
    request = DecisionRequest(entity_id="line", context={"risk": risk})
    return Question(point=load_points()["checkout"], request=request, caller="shop", at=AT, started_ns=0)


def probability(found: Lineup) -> float:
    return found.scores[0].probability


def scoring(model: Writing) -> Scoring:
    served = SimpleNamespace(champion=model, canary=None, shadows=(), traffic=NO_TRAFFIC, problem=None)
    models: Any = SimpleNamespace(current=lambda: {"claim": served})
    nobody: Any = SimpleNamespace(observe=lambda *_: None)
    return Scoring(models, nobody, explaining=ThreadPoolExecutor(1), nanoseconds=lambda: 0)


def test_questions_of_one_turn_are_scored_together_and_answered_apart() -> None:
    model = Writing()

    async def body() -> list[Any]:
        ours = scoring(model)
        after: list[int] = []

        async def answered(risk: Any) -> float:
            found = await ours.lineup(asked(risk), KNOWN)
            after.append(len(model.scored))
            return probability(found)

        answers = await asyncio.gather(*map(answered, [0.1, "much", 0.3, 0.2]), return_exceptions=True)
        assert after == [3, 3, 3], "all are scored before anybody goes on"
        assert probability(await ours.lineup(asked(0.4), KNOWN)) == 0.4
        return answers

    first, refused, *others = asyncio.run(body())
    assert [first, *others] == [0.1, 0.3, 0.2]
    assert isinstance(refused, InputError)
    assert model.scored == [0.1, 0.3, 0.2, 0.4]


def test_who_does_not_wait_any_more_is_not_scored() -> None:
    model = Writing()

    async def body() -> None:
        ours = scoring(model)
        gone, stays = (asyncio.ensure_future(ours.lineup(asked(risk), KNOWN)) for risk in (0.1, 0.2))
        asyncio.get_running_loop().call_soon(gone.cancel)
        assert probability(await stays) == 0.2
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(body())
    assert model.scored == [0.2]
