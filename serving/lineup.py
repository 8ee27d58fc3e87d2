"""Which versions of a point's models score an entity, what they say, and which of them have a say."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor

from msgspec import Struct, structs

from governance.decisions.record import ModelScore, Role
from governance.errors import StoreError
from governance.release.traffic import arm_of, route
from serving.asking import Question, Seen
from serving.parts import Models, Served, TrafficMonitor, Version


class Entry(Struct, frozen=True):
    """One version's score, with what it read: contributions are computed of the same numbers if they are needed."""

    version: Version
    inputs: Mapping[str, float]
    score: ModelScore


class Lineup(Struct, frozen=True):
    """What all versions said; `degraded` names models that should have a say and could not be scored."""

    entries: tuple[Entry, ...]
    degraded: tuple[str, ...]
    arm: str | None

    @property
    def scores(self) -> tuple[ModelScore, ...]:
        """Every score, shadows among them."""
        return tuple(entry.score for entry in self.entries)


class Scoring:
    """Scores questions with the versions that are loaded, and tells the watch over traffic what each one did.

    Parameters
    ----------
    explaining : where contributions are computed, which take milliseconds: beside the event loop.
    """

    def __init__(
        self, models: Models, monitor: TrafficMonitor, *, explaining: Executor, nanoseconds: Callable[[], int]
    ) -> None:
        self._models, self._monitor = models, monitor
        self._explaining, self._nanoseconds = explaining, nanoseconds
        self._waiting: list[tuple[Question, Seen, asyncio.Future[Lineup]]] = []

    async def lineup(self, question: Question, seen: Seen) -> Lineup:
        """The scores of a question's models, all from one snapshot of what is loaded.

        Questions of one turn of the event loop are scored one after another: a model fills the processor's cache, and
        would drive the rest of every single decision out of it (benchmarks/scoring_requests.py: a twentieth of one).

        Raises
        ------
        InputError
            The request's own columns cannot be read.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score_waiting)
        lineup: asyncio.Future[Lineup] = loop.create_future()
        self._waiting.append((question, seen, lineup))
        return await lineup

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for question, seen, lineup in waiting:
            if lineup.cancelled():
                continue
            try:
                lineup.set_result(self._lineup(question, seen))
            except Exception as error:  # noqa: BLE001 - it belongs to one request, and the others go on
                lineup.set_exception(error)

    def _lineup(self, question: Question, seen: Seen) -> Lineup:
        serving = self._models.current()
        entries: list[Entry] = []
        degraded: list[str] = []
        arms: list[str] = []
        for name in question.point.models:
            served = serving.get(name)
            if served is None:
                continue
            arms += _arm(served, question.unit)
            if seen.blind:
                continue
            found = self._of_model(name, served, question, seen)
            entries += found
            # A model that was never promoted is skipped; one that should answer and does not is missed.
            expected = served.champion is not None or served.problem is not None
            if expected and all(entry.score.role == "shadow" for entry in found):
                degraded.append(f"model:{name}")
        return Lineup(tuple(entries), tuple(degraded), ",".join(arms) or None)

    async def explained(self, lineup: Lineup, models: Sequence[str]) -> tuple[ModelScore, ...]:
        """All scores, with the reasons of these models."""
        loop = asyncio.get_running_loop()
        scores = []
        for entry in lineup.entries:
            score = entry.score
            if score.role != "shadow" and score.model in models:
                reasons = await loop.run_in_executor(self._explaining, entry.version.reasons, entry.inputs)
                score = structs.replace(score, reasons=reasons)
            scores.append(score)
        return tuple(scores)

    def _of_model(self, name: str, served: Served, question: Question, seen: Seen) -> list[Entry]:
        scored = (
            self._entry(name, version, role, question, seen) for version, role in _versions(served, question.unit)
        )
        return [entry for entry in scored if entry is not None]

    def _entry(self, name: str, version: Version, role: Role, question: Question, seen: Seen) -> Entry | None:
        started = self._nanoseconds()
        inputs = version.inputs(seen.values, question.request.context, question.at)
        try:
            probability = version.score(inputs)
        except StoreError:
            self._observe(name, version, role, started, acts=False, error=True)
            return None
        acts = probability >= version.threshold
        self._observe(name, version, role, started, acts=acts, error=False)
        score = ModelScore(
            model=name,
            digest=version.digest,
            role=role,
            probability=probability,
            threshold=version.threshold,
            acts=acts,
        )
        return Entry(version, inputs, score)

    def _observe(self, name: str, version: Version, role: Role, started: int, *, acts: bool, error: bool) -> None:
        self._monitor.observe(name, version.digest, role, acts, (self._nanoseconds() - started) // 1000, error)


def _versions(served: Served, unit: str) -> list[tuple[Version, Role]]:
    """Who answers for a unit of traffic, then who only listens."""
    lane = route(served.traffic, unit) if served.canary else "champion"
    chosen = served.canary if lane == "canary" else served.champion
    answering: list[tuple[Version, Role]] = [(chosen, lane)] if chosen else []
    return answering + [(shadow, "shadow") for shadow in served.shadows]


def _arm(served: Served, unit: str) -> list[str]:
    experiment = served.traffic.experiment
    arm = arm_of(experiment, unit)
    return [f"{experiment.name}/{arm}"] if experiment and arm else []
