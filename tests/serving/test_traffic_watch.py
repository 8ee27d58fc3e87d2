"""The watch over traffic, with a real registry in a folder: what it ends, takes back, lets grow, and leaves alone."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.release.evidence import GateResult, Verdict
from governance.release.records import Pointer, sha256
from governance.release.registry import Registry
from governance.release.traffic import NO_TRAFFIC, Ramp
from governance.release.traffic_verdict import FRESH_MINUTES, WATCH, WINDOW_MINUTES
from governance.storage.objects import LocalObjects
from serving.traffic import TrafficMonitor

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RAMP = Ramp((0.1, 0.5), 15)
OLD, NEW, NEXT = (sha256(name.encode()) for name in ("old", "new", "next"))


class Clock:
    """A clock that is set by hand, the wall's and the one that only goes forward."""

    def __init__(self) -> None:
        self.minutes = 0.0

    def now(self) -> datetime:
        return AT + timedelta(minutes=self.minutes)

    def seconds(self) -> float:
        return 60 * self.minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Three candidates that passed, each newer than the one before; the oldest is champion since yesterday."""
    found = Registry(LocalObjects(tmp_path / "objects"))
    for week, digest in enumerate((OLD, NEW, NEXT)):
        found.record("claim", digest, {"model.txt": digest.encode()}, {"as_of": date(2026, 1, 5 + 7 * week)})
        gate = GateResult(name="latency", kind="safety", value=1.0, bound=2.0, passed=True, reason="fast")
        found.attach(Verdict(model="claim", digest=digest, status="passed", gates=(gate,)))
    promote(found, OLD, at=AT - timedelta(days=1))
    return found


@pytest.fixture
def watch(registry: Registry, clock: Clock) -> TrafficMonitor:
    return watching(registry, clock)


def watching(registry: Registry, clock: Clock) -> TrafficMonitor:
    return TrafficMonitor(registry, ["claim", "merchant_fraud"], now=clock.now, seconds=clock.seconds)


def promote(registry: Registry, digest: str, *, at: datetime) -> Pointer:
    return registry.promote("claim", digest, who="ana", reason="newest passing", at=at)


def canary(registry: Registry, clock: Clock, **how: Any) -> Pointer:
    return registry.canary("claim", NEW, **how, who="ana", reason="to see it", at=clock.now())


def serve(
    watch: TrafficMonitor, digest: str, role: Any, requests: int = 500, *, errors: int = 0, acts: int = 15
) -> None:
    """Requests that a version answers; of those that got a score, so many were acted on."""
    for number in range(requests):
        failed = number < errors
        watch.observe("claim", digest, role, not failed and number - errors < acts, 80, failed)


def look(watch: TrafficMonitor) -> list[Pointer]:
    return asyncio.run(watch.look())


def traffic(registry: Registry) -> Any:
    return registry.serving("claim").traffic


def champion(registry: Registry) -> str:
    pointer = registry.pointer("claim")
    assert pointer is not None
    return pointer.champion


def test_a_canary_that_is_like_the_champion_goes_on(registry: Registry, clock: Clock, watch: TrafficMonitor) -> None:
    canary(registry, clock, share=0.1)
    serve(watch, OLD, "champion", 4_000, acts=120)
    serve(watch, NEW, "canary")
    assert look(watch) == []
    assert traffic(registry).canary.digest == NEW


@pytest.mark.parametrize(
    ("what", "words"),
    [({"errors": 40}, "errors: 40 of 500"), ({"acts": 120}, "acts on 120 of 500"), ({"acts": 0}, None)],
    ids=["errors", "acts on too many", "too few to tell"],
)
def test_a_canary_that_is_out_of_band_is_ended_and_refused(
    registry: Registry, clock: Clock, watch: TrafficMonitor, what: dict[str, int], words: str | None
) -> None:
    canary(registry, clock, share=0.1)
    serve(watch, OLD, "champion", 4_000, acts=120)
    serve(watch, NEW, "canary", **what)
    moved = look(watch)
    if words is None:
        assert moved == []
        return
    [pointer] = moved
    assert (pointer.champion, pointer.who, pointer.traffic) == (OLD, WATCH, NO_TRAFFIC)
    assert words in pointer.reason
    refusal = registry.refusal("claim", NEW)
    assert refusal is not None
    assert (refusal.who, words in refusal.reason) == (WATCH, True)
    assert look(watch) == []
    assert champion(registry) == OLD


def test_slow_scores_end_a_canary_as_well(registry: Registry, clock: Clock, watch: TrafficMonitor) -> None:
    canary(registry, clock, share=0.1)
    serve(watch, OLD, "champion", 4_000)
    for number in range(400):
        watch.observe("claim", NEW, "canary", False, 9_000 if number % 4 == 0 else 80, False)
    [pointer] = look(watch)
    assert "slow scores: 100 of 400" in pointer.reason


def test_what_shadows_do_moves_nothing(registry: Registry, clock: Clock, watch: TrafficMonitor) -> None:
    canary(registry, clock, share=0.1)
    serve(watch, OLD, "champion", 4_000, acts=120)
    serve(watch, NEXT, "shadow", 500, errors=500)
    serve(watch, NEW, "shadow", 500, errors=500)
    assert look(watch) == []


def test_a_healthy_canary_grows_on_its_ramp_and_only_while_there_is_traffic(
    registry: Registry, clock: Clock, watch: TrafficMonitor
) -> None:
    canary(registry, clock, ramp=RAMP)
    shares = []
    for minute in range(0, 60, 5):
        clock.minutes = minute
        # Between 20 and 40 nobody comes.
        if not 20 <= minute < 40:
            serve(watch, OLD, "champion", 2_000, acts=60)
            serve(watch, NEW, "canary", 300, acts=9)
        look(watch)
        shares.append(traffic(registry).canary.share)
    assert shares == [0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert registry.release_next("claim", who="promotion", at=clock.now()).champion == NEW  # type: ignore[union-attr]


def test_a_canary_whose_refusal_was_said_when_somebody_was_killed_is_ended(
    registry: Registry, clock: Clock, watch: TrafficMonitor
) -> None:
    canary(registry, clock, share=0.1)
    registry._refusals.say("claim", NEW, refused=True, who="ben", reason="complaints", at=clock.now())
    [pointer] = look(watch)
    assert pointer.traffic == NO_TRAFFIC
    assert "refused by ben: complaints" in pointer.reason


def test_a_fresh_champion_that_is_out_of_band_is_rolled_back_once_and_what_comes_back_stays(
    registry: Registry, clock: Clock, watch: TrafficMonitor
) -> None:
    serve(watch, OLD, "champion", 4_000, acts=120)
    look(watch)
    promote(registry, NEW, at=clock.now())
    clock.minutes = 5
    serve(watch, NEW, "champion", 1_000, acts=250)
    [pointer] = look(watch)
    assert (pointer.champion, pointer.who, "acts on 250 of 1000" in pointer.reason) == (OLD, WATCH, True)
    # The world has changed: the one that came back acts as often. Nothing further happens by itself.
    clock.minutes = 10
    serve(watch, OLD, "champion", 1_000, acts=250)
    assert look(watch) == []
    assert "has served before, so a person must decide" in watch.problems["claim"]
    assert champion(registry) == OLD


def test_a_champion_that_has_served_for_an_hour_is_a_person_s_business(
    registry: Registry, clock: Clock, watch: TrafficMonitor
) -> None:
    serve(watch, OLD, "champion", 4_000, acts=120)
    look(watch)
    promote(registry, NEW, at=clock.now())
    clock.minutes = FRESH_MINUTES
    serve(watch, NEW, "champion", 1_000, acts=250)
    assert look(watch) == []
    assert champion(registry) == NEW


def test_a_fresh_champion_with_none_before_it_is_flagged_and_serves_on(registry: Registry, clock: Clock) -> None:
    registry.refuse("claim", NEW, who="ana", reason="why", at=AT)
    promote(registry, NEXT, at=clock.now())
    registry._refusals.say("claim", OLD, refused=True, who="ana", reason="why", at=AT)
    watch = watching(registry, clock)
    serve(watch, NEXT, "champion", 1_000, errors=500)
    for _ in range(2):
        assert look(watch) == []
        assert "errors: 500 of 1000" in watch.problems["claim"]
        assert "no earlier champion to return to" in watch.problems["claim"]
    assert champion(registry) == NEXT


def test_a_canary_that_was_promoted_is_compared_with_what_the_champion_saw_before(
    registry: Registry, clock: Clock, watch: TrafficMonitor
) -> None:
    canary(registry, clock, share=0.1)
    serve(watch, OLD, "champion", 4_000, acts=120)
    serve(watch, NEW, "canary")
    look(watch)
    clock.minutes = 2 * WINDOW_MINUTES
    promote(registry, NEW, at=clock.now())
    serve(watch, NEW, "champion", 1_000, acts=250)
    [pointer] = look(watch)
    assert pointer.champion == OLD


@pytest.mark.parametrize("situation", ["canary", "champion"])
def test_of_several_workers_that_see_it_at_once_one_acts(registry: Registry, clock: Clock, situation: str) -> None:
    workers = [watching(registry, clock) for _ in range(4)]
    for worker in workers:
        serve(worker, OLD, "champion", 4_000, acts=120)
        look(worker)
    if situation == "canary":
        canary(registry, clock, share=0.1)
    else:
        promote(registry, NEW, at=clock.now())
    generation, barrier = registry.serving("claim").generation, threading.Barrier(len(workers))

    def judge(worker: TrafficMonitor) -> None:
        serve(worker, NEW, situation, 1_000, acts=250)
        barrier.wait()
        look(worker)
        look(worker)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(judge, workers))
    assert registry.serving("claim").generation == generation + 1
    assert (champion(registry), traffic(registry)) == (OLD, NO_TRAFFIC)


def test_while_the_registry_cannot_be_read_the_watch_says_so_and_goes_on_when_it_is_back(
    registry: Registry, clock: Clock, watch: TrafficMonitor, tmp_path: Path
) -> None:
    canary(registry, clock, share=0.1)
    pointer = tmp_path / "objects" / "models" / "claim" / "serving.json"
    whole = pointer.read_bytes()
    pointer.write_bytes(whole[:40])
    serve(watch, OLD, "champion", 4_000, acts=120)
    serve(watch, NEW, "canary", errors=100)
    assert look(watch) == []
    assert "serving.json is not JSON" in watch.problems["claim"]
    pointer.write_bytes(whole)
    [ended] = look(watch)
    assert ended.traffic == NO_TRAFFIC
    assert watch.problems == {}


def test_nothing_grows_with_releases_that_are_gone(clock: Clock, watch: TrafficMonitor) -> None:
    for number in range(100):
        watch.observe("claim", f"{number:064d}", "shadow", False, 80, False)
    assert len(watch.seen()) == 100
    clock.minutes = WINDOW_MINUTES
    look(watch)
    assert watch.seen() == []
    assert watch._windows == {}
