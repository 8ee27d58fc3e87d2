"""The models that serve now, as the registry's pointers name them: loaded aside, proved, warm, then swapped at once."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from governance.counters.catalogue import named
from governance.errors import GovernanceError, StoreError
from governance.features.view import View
from governance.models.artifact import SPEC, files_digest
from governance.models.explain import Reason
from governance.release.candidates import Candidates
from governance.release.documents import Untrusted
from governance.release.pointers import Pointers, Serving
from governance.release.records import short
from governance.release.traffic import NO_TRAFFIC, Traffic
from governance.storage.objects import ObjectStore
from serving.inputs import Inputs
from serving.scorer import RowScorer

REFRESH_SECONDS = 0.5
RETRY_SECONDS = 5.0
"""A digest that could not be loaded is tried again after so long: reading and parsing it costs a tenth of a second."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One digest, ready to score. `inputs` makes of features and request what `score` reads."""

    name: str
    digest: str
    as_of: date
    scorer: RowScorer
    inputs: Inputs

    @property
    def threshold(self) -> float:
        """Act from this probability on."""
        return self.scorer.threshold

    def score(self, inputs: Mapping[str, float]) -> float:
        """Calibrated probability; only in the event loop's thread."""
        return self.scorer.score(inputs)

    def reasons(self, inputs: Mapping[str, float]) -> tuple[Reason, ...]:
        """What raises the score most; in any thread."""
        return self.scorer.reasons(inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What of one model answers and listens. It never changes: a request works with one from beginning to end.

    `traffic` names only what is loaded. `problem` says why this is not what the registry names, or may not be.
    """

    name: str
    generation: int = 0
    champion: LoadedModel | None = None
    canary: LoadedModel | None = None
    shadows: tuple[LoadedModel, ...] = ()
    traffic: Traffic = NO_TRAFFIC
    problem: str | None = None


class ModelStore:
    """Follows the pointers of models. Only `refresh` and `watch` wait; `current` is a look at what is there."""

    def __init__(
        self,
        objects: ObjectStore,
        names: Sequence[str],
        views: Mapping[str, View],
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._candidates = Candidates(objects)
        self._pointers = Pointers(objects)
        self._views = views
        self._seconds = seconds
        self._tags: dict[str, str | None] = dict.fromkeys(names)
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}
        self._current: Mapping[str, ServedModel] = MappingProxyType({name: ServedModel(name=name) for name in names})
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="models")

    def current(self) -> Mapping[str, ServedModel]:
        """What serves, by name."""
        return self._current

    @property
    def problems(self) -> Mapping[str, str]:
        """For each model that is not served as the registry says, why."""
        return {name: served.problem for name, served in self._current.items() if served.problem}

    async def refresh(self) -> bool:
        """Look at every pointer, load what is new, and then serve it; whether anything changed.

        What cannot be read or loaded leaves the last good model where it is.
        """
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._look)
        changed = found != self._current
        if changed:
            _report(self._current, found)
            self._current = MappingProxyType(found)
        return changed

    async def watch(self, *, every_seconds: float = REFRESH_SECONDS) -> None:
        """Refresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(every_seconds)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> dict[str, ServedModel]:
        return {name: self._served(name, before) for name, before in self._current.items()}

    def _served(self, name: str, before: ServedModel) -> ServedModel:
        try:
            serving = self._pointers.read(name)
        except (GovernanceError, OSError) as problem:
            return replace(
                before, problem=f"the pointer of {name} cannot be read, so what served before goes on: {problem}"
            )
        if serving.pointer is None and self._tags[name]:
            # Nothing is ever deleted there: a folder is not mounted, or a bucket is another one.
            return replace(before, problem=f"the pointer of {name} is gone, so what served before goes on")
        if serving.etag == self._tags[name] and before.problem is None:
            return before
        served = self._loaded(serving, before)
        self._tags[name] = serving.etag
        return served

    def _loaded(self, serving: Serving, before: ServedModel) -> ServedModel:
        """What a pointer names. Without its champion nothing is swapped; another digest that fails is left out."""
        name, champion, traffic = serving.name, serving.champion, serving.traffic
        wanted = ([champion.champion] if champion else []) + list(traffic.digests)
        ready = {one.digest: one for one in (before.champion, before.canary, *before.shadows) if one}
        problems = []
        for digest in wanted:
            if digest not in ready:
                try:
                    ready[digest] = self._load(name, digest)
                except (GovernanceError, OSError) as problem:
                    problems.append(str(problem))
                    traffic = traffic.without(digest)
        sentence = "; ".join(problems) or None
        if champion and champion.champion not in ready:
            goes_on = "what served before goes on" if before.champion else "nothing serves"
            return replace(before, problem=f"{sentence}; {goes_on}")
        return ServedModel(
            name=name,
            generation=serving.generation,
            champion=ready[champion.champion] if champion else None,
            canary=ready[traffic.canary.digest] if traffic.canary else None,
            shadows=tuple(ready[digest] for digest in traffic.shadows),
            traffic=traffic,
            problem=sentence,
        )

    def _load(self, name: str, digest: str) -> LoadedModel:
        failed_at, why = self._failed.get((name, digest), (float("-inf"), ""))
        if self._seconds() < failed_at + RETRY_SECONDS:
            raise StoreError(why)
        try:
            loaded = load(self._candidates, name, digest, self._views)
        except (GovernanceError, OSError) as problem:
            self._failed[name, digest] = self._seconds(), str(problem)
            raise
        self._failed.pop((name, digest), None)
        return loaded


def load(candidates: Candidates, name: str, digest: str, views: Mapping[str, View]) -> LoadedModel:
    """Read a candidate, prove that it is what its digest says, and score once so that nothing is cold.

    Raises
    ------
    StoreError
        It is not recorded, a file was changed, or it reads features that nobody has.
    """
    record = candidates.recorded(name, digest)
    files = candidates.files(name, digest)
    if record is None or files_digest(files) != digest:
        raise Untrusted(f"{name} {short(digest)} has files of another digest; roll back: govern rollback {name}")
    scorer = RowScorer(files)
    inputs = _inputs(scorer, json.loads(files[SPEC]), views)
    nothing = dict.fromkeys(scorer.features)
    scorer.score(nothing)
    scorer.reasons(nothing)
    return LoadedModel(name, digest, record.as_of, scorer, inputs)


def _inputs(scorer: RowScorer, spec: Mapping[str, Any], views: Mapping[str, View]) -> Inputs:
    present = [views[view] for view in spec["views"] if view in views]
    # Models that were trained before there were counters name none.
    counters = named(spec.get("counters", ()))
    return Inputs(scorer.features, views=present, counters=counters, of_orders=spec["order_context"])


def _report(before: Mapping[str, ServedModel], now: Mapping[str, ServedModel]) -> None:
    for name, served in now.items():
        if served.problem and served.problem != before[name].problem:
            _log.error("%s: %s", name, served.problem)
        if served.champion is not before[name].champion:
            digest = short(served.champion.digest) if served.champion else "nothing"
            _log.info("%s: %s serves (generation %d)", name, digest, served.generation)
