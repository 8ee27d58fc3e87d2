"""Watches what each version of a model does in traffic, and asks the registry to end what is out of band."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from governance.decisions.record import Role
from governance.errors import ConflictError, GovernanceError, ReleaseRefused
from governance.release.pointers import Serving
from governance.release.records import Pointer, short
from governance.release.registry import Registry, Signed
from governance.release.traffic import Canary
from governance.release.traffic_verdict import (
    BOUNDS,
    OUT_OF_BAND,
    WATCH,
    WINDOW_MINUTES,
    Counts,
    TrafficBounds,
    TrafficVerdict,
    judge_traffic,
    may_be_taken_back,
)
from serving.minutes import Minutes

WATCH_SECONDS = 5.0

_log = logging.getLogger(__name__)

Key = tuple[str, str, Role]
Windows = dict[Key, Counts]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one version did in the window that ends now."""

    model: str
    digest: str
    role: Role
    counts: Counts


class TrafficMonitor:
    """One worker's watch over its models. Each worker judges what it has seen itself; compare-and-set lets one act.

    Parameters
    ----------
    now : the wall clock, which signs what is done.
    seconds : a clock that only goes forward, by which windows slide.
    """

    def __init__(
        self,
        registry: Registry,
        models: Sequence[str],
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
        bounds: TrafficBounds = BOUNDS,
    ) -> None:
        self._registry, self._models = registry, tuple(models)
        self._now, self._seconds, self._bounds = now, seconds, bounds
        self._windows: dict[Key, Minutes] = {}
        self._usual: dict[str, Counts] = {}
        self._told: dict[str, str] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="traffic")

    @property
    def problems(self) -> dict[str, str]:
        """Models about which the watch can do nothing, each with the sentence that says why."""
        return dict(self._told)

    def observe(self, model: str, digest: str, role: Role, acted: bool, latency_us: int, error: bool) -> None:
        """Count one score, or one that failed; called on the event loop at every decision."""
        key = (model, digest, role)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Minutes(WINDOW_MINUTES, 4)
        scored = not error
        slow = scored and latency_us > self._bounds.slow_after_us
        window.add(int(self._seconds()) // 60, (1, error, slow, scored and acted))

    def seen(self) -> list[Seen]:
        """Every version that has had requests within the window."""
        return [Seen(*key, counts) for key, counts in self._counted().items()]

    async def watch(self, *, every_seconds: float = WATCH_SECONDS) -> None:
        """Look until cancelled. Counting stays on the event loop, and waiting for the registry beside it."""
        while True:
            await self.look()
            await asyncio.sleep(every_seconds)

    async def look(self) -> list[Pointer]:
        """Judge every model once, and return the pointers that were moved for it."""
        counted = self._counted()
        moved = await asyncio.get_running_loop().run_in_executor(self._thread, self.judge, counted)
        # What has had no request for a whole window is gone: a year of releases leaves nothing behind.
        self._windows = {key: window for key, window in self._windows.items() if self._sum(window).requests}
        return moved

    def judge(self, counted: Windows) -> list[Pointer]:
        """Judge every model by what was counted; one whose registry cannot be asked is judged the next time."""
        moved = []
        for name in self._models:
            try:
                moved += [pointer] if (pointer := self._judge(name, counted)) else []
                self._told.pop(name, None)
            except ConflictError as beaten:
                _log.info("%s: another was faster: %s", name, beaten)
            except (GovernanceError, OSError) as problem:
                self._complain(name, str(problem))
        return moved

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _judge(self, name: str, counted: Windows) -> Pointer | None:
        serving, at = self._registry.serving(name), self._now()
        champion = serving.champion
        if champion is None:
            return None
        served = counted.get((name, champion.champion, "champion"), Counts())
        if serving.traffic.canary:
            answered = counted.get((name, serving.traffic.canary.digest, "canary"), Counts())
            return self._on_canary(serving, serving.traffic.canary, answered, served, at)
        if may_be_taken_back(champion, [], at=at):
            return self._on_champion(serving, champion, served, at)
        self._remember(name, served)
        return None

    def _on_canary(
        self, serving: Serving, canary: Canary, answered: Counts, served: Counts, at: datetime
    ) -> Pointer | None:
        name, registry = serving.name, self._registry
        # Towards the end of a ramp the champion sees too little to compare with: then what it saw before holds.
        self._remember(name, served)
        verdict = judge_traffic(answered, self._usual.get(name, served), self._bounds)
        if refusal := registry.refusal(name, canary.digest):
            # Whoever refused it was killed before the pointer moved.
            verdict = TrafficVerdict("out_of_band", f"refused by {refusal.who}: {refusal.reason}")
        signed = _signed(verdict, at)
        if verdict.state == "out_of_band":
            ended = registry.end_canary(name, canary.digest, **signed, expect=serving.generation)
            _log.error("%s: canary %s ended: %s", name, short(canary.digest), verdict.reason)
            return ended
        if verdict.state == "healthy" and canary.due(at):
            return registry.advance(name, canary.digest, **signed, expect=serving.generation)
        return None

    def _on_champion(self, serving: Serving, champion: Pointer, served: Counts, at: datetime) -> Pointer | None:
        name, registry = serving.name, self._registry
        verdict = judge_traffic(served, self._usual.get(name, Counts()), self._bounds)
        if verdict.state != "out_of_band":
            return None
        if not may_be_taken_back(champion, registry.history(name), at=at):
            # One that came back and is out of band as well: the world has changed, and going further back ends nowhere.
            raise ReleaseRefused(f"the champion {verdict.reason}; it has served before, so a person must decide")
        try:
            pointer = registry.rollback(name, **_signed(verdict, at), expect=serving.generation)
        except ReleaseRefused as nowhere:
            raise ReleaseRefused(f"the champion {verdict.reason}; it cannot be rolled back: {nowhere}") from nowhere
        _log.error("%s: champion %s rolled back: %s", name, short(champion.champion), verdict.reason)
        return pointer

    def _remember(self, name: str, served: Counts) -> None:
        if served.requests >= self._bounds.requests_at_least:
            self._usual[name] = served

    def _complain(self, name: str, problem: str) -> None:
        if self._told.get(name) != problem:
            _log.error("%s: %s", name, problem)
            self._told[name] = problem

    def _counted(self) -> Windows:
        summed = {key: self._sum(window) for key, window in self._windows.items()}
        return {key: counts for key, counts in summed.items() if counts.requests}

    def _sum(self, window: Minutes) -> Counts:
        requests, errors, slow, acted = window.sums(int(self._seconds()) // 60)
        return Counts(requests, errors, slow, acted)


def _signed(verdict: TrafficVerdict, at: datetime) -> Signed:
    word = OUT_OF_BAND if verdict.state == "out_of_band" else verdict.state
    return {"who": WATCH, "reason": f"{word}: {verdict.reason}", "at": at}
