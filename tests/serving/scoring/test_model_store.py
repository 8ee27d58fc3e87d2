"""Models follow the registry's pointers while requests are scored: swapped whole, proved, and never lost."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.features.catalogue import VIEWS
from governance.release.traffic import Arm, Canary, Experiment, Traffic
from governance.storage.objects import Stored
from serving.models import RETRY_SECONDS, ModelStore, ServedModel

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def following(shelf: Any, follow: Callable[[ModelStore], Coroutine[Any, Any, Any]], **changes: Any) -> Any:
    async def run() -> Any:
        store = ModelStore(changes.pop("objects", shelf.objects), ["claim"], VIEWS, **changes)
        try:
            return await follow(store)
        finally:
            store.close()

    return asyncio.run(run())


async def look(store: ModelStore) -> ServedModel:
    await store.refresh()
    return store.current()["claim"]


def test_before_the_first_promotion_nothing_serves_and_nothing_is_wrong(shelf: Any) -> None:
    served = following(shelf, look)
    assert served == ServedModel(name="claim")


def test_the_champion_is_served_and_scores_at_once(shelf: Any) -> None:
    digest = shelf.put(1)
    shelf.promote(1)
    served = following(shelf, look)
    assert (served.champion.digest, served.generation, served.problem) == (digest, 1, None)
    inputs = served.champion.inputs({}, {}, NOW)
    assert 0 <= served.champion.score(inputs) <= 1
    assert served.champion.reasons(inputs) is not None


def test_a_promotion_and_a_rollback_are_noticed_and_a_snapshot_stays_what_it_was(shelf: Any) -> None:
    async def follow(store: ModelStore) -> list[Any]:
        shelf.promote(1)
        first = await look(store)
        shelf.promote(2)
        second = await look(store)
        unchanged = await store.refresh()
        shelf.roll_back()
        third = await look(store)
        return [first.champion, second.champion, third.champion, unchanged]

    one, two = shelf.put(1), shelf.put(2)
    first, second, third, changed = following(shelf, follow)
    assert [model.digest for model in (first, second, third)] == [one, two, one]
    assert not changed


def test_what_was_loaded_for_one_role_is_not_loaded_again_for_another(shelf: Any) -> None:
    async def follow(store: ModelStore) -> Any:
        shelf.promote(1)
        shelf.direct(Traffic(shadows=(shelf.digests[2],)))
        shadowed = await look(store)
        shelf.direct(Traffic(canary=Canary(shelf.digests[2], 0.1, NOW)))
        return shadowed, await look(store)

    shelf.put(1)
    shelf.put(2)
    shadowed, canaried = following(shelf, follow)
    assert shadowed.shadows[0] is canaried.canary
    assert shadowed.champion is canaried.champion
    assert (shadowed.canary, canaried.shadows) == (None, ())


def test_a_corrupt_champion_leaves_the_last_good_one_and_says_so_until_it_is_mended(shelf: Any) -> None:
    clock = Clock()

    async def follow(store: ModelStore) -> Any:
        shelf.promote(1)
        good = await look(store)
        shelf.promote(2)
        shelf.spoil(2)
        spoilt, told = await look(store), dict(store.problems)
        shelf.mend(2)
        at_once = await look(store)
        clock.now += RETRY_SECONDS
        return good, spoilt, told, at_once, await look(store)

    shelf.put(1)
    two = shelf.put(2)
    good, spoilt, told, at_once, mended = following(shelf, follow, seconds=clock)
    assert spoilt.champion is good.champion
    assert spoilt.generation == good.generation
    assert "is missing or is not what was recorded" in told["claim"]
    # A digest that failed is not read again every half second.
    assert at_once.champion is good.champion
    assert (mended.champion.digest, mended.problem) == (two, None)


def test_files_that_were_recorded_under_another_digest_are_not_served(shelf: Any) -> None:
    one = shelf.put(1)
    files = shelf.registry.files("claim", one)
    forged = "f" * 64
    shelf.registry.record("claim", forged, files, {"as_of": NOW.date()})
    shelf.digests[9] = forged
    shelf.promote(1)
    shelf.direct(Traffic(shadows=(forged,)))
    served = following(shelf, look)
    assert served.champion.digest == one
    assert (served.shadows, served.traffic.shadows) == ((), ())
    assert "files of another digest" in served.problem


def test_a_canary_that_cannot_be_loaded_gets_no_traffic(shelf: Any) -> None:
    one, two = shelf.put(1), shelf.put(2)
    shelf.promote(1)
    arms = (Arm("old", 0.5), Arm("new", 0.5, "canary"))
    shelf.direct(Traffic(canary=Canary(two, 0.5, NOW), experiment=Experiment("trial", arms)))
    shelf.spoil(2, "calibrator.json")
    served = following(shelf, look)
    assert (served.champion.digest, served.canary) == (one, None)
    assert (served.traffic.canary, served.traffic.experiment) == (None, None)
    assert served.problem


def test_a_model_that_reads_what_no_view_gives_is_not_served(shelf: Any) -> None:
    shelf.put(1, features=("seller_orders_30d", "moon_phase"))
    shelf.promote(1)
    served = following(shelf, look)
    assert served.champion is None
    assert "moon_phase" in served.problem


class Away:
    """A store that is away when it is told to be."""

    def __init__(self, objects: Any) -> None:
        self._objects, self.away = objects, False

    def get(self, key: str) -> Stored | None:
        if self.away:
            raise OSError(5, "Input/output error")
        found: Stored | None = self._objects.get(key)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)


def test_a_registry_that_is_away_changes_nothing_but_what_is_said(shelf: Any) -> None:
    objects = Away(shelf.objects)

    async def follow(store: ModelStore) -> Any:
        shelf.promote(1)
        good = await look(store)
        objects.away = True
        without, told = await look(store), dict(store.problems)
        objects.away = False
        return good, without, told, await look(store), store.problems

    shelf.put(1)
    good, without, told, back, problems = following(shelf, follow, objects=objects)
    assert without.champion is good.champion
    assert "what served before goes on" in told["claim"]
    assert (back.champion, back.problem, problems) == (good.champion, None, {})


def test_a_pointer_that_is_damaged_changes_nothing_but_what_is_said(shelf: Any) -> None:
    async def follow(store: ModelStore) -> Any:
        shelf.promote(1)
        good = await look(store)
        pointer = Path(shelf.root) / "models" / "claim" / "serving.json"
        pointer.write_text("{}")
        return good, await look(store)

    shelf.put(1)
    good, damaged = following(shelf, follow)
    assert damaged.champion is good.champion
    assert damaged.problem


def test_scoring_goes_on_while_models_are_swapped_and_no_score_is_mixed(shelf: Any) -> None:
    """A request keeps its snapshot: its digest, its inputs and its score are of one model."""

    async def follow(store: ModelStore) -> Any:
        shelf.promote(1)
        await store.refresh()
        watching = asyncio.create_task(store.watch(every_seconds=0.01))
        seen: dict[str, set[float]] = {}
        promoting = threading.Thread(target=shelf.promote, args=(2,))
        promoting.start()
        deadline = asyncio.get_running_loop().time() + 20
        while len(seen) < 2 and asyncio.get_running_loop().time() < deadline:
            served = store.current()["claim"]
            assert served.champion is not None
            inputs = served.champion.inputs({}, {}, NOW)
            await asyncio.sleep(0)
            seen.setdefault(served.champion.digest, set()).add(served.champion.score(inputs))
        promoting.join()
        watching.cancel()
        return seen

    one, two = shelf.put(1), shelf.put(2)
    seen = following(shelf, follow)
    assert set(seen) == {one, two}
    assert {len(scores) for scores in seen.values()} == {1}
    assert seen[one] != seen[two]
