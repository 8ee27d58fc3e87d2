"""Repairing what is online: compared without writing, pruned without rewriting, rebuilt under the eyes of readers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

from feature_repo.online import OnlineDifference, compare_online, materialize_view, read_online
from governance.features.view import View

NOW = datetime(2024, 6, 1, tzinfo=UTC)
KEYS = [f"k{number}" for number in range(40)]


def difference(missing: int, stale: int, gone: int, *, online: int, offline: int) -> OnlineDifference:
    return OnlineDifference(
        view="seller", online_rows=online, expected_rows=offline, missing=missing, stale=stale, gone=gone
    )


def test_what_differs_is_counted_and_pruning_writes_only_that(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, dict.fromkeys("abc", 1))
    anywhere.land(seller, 9, dict.fromkeys("de", 9))
    materialize_view(store, seller, now=NOW)
    assert compare_online(store, seller, now=NOW).none

    anywhere.land(seller, 9, {"d": 10, "f": 9})
    wrong = difference(1, 1, 1, online=5, offline=5)
    assert compare_online(store, seller, now=NOW) == wrong
    assert compare_online(store, seller, now=NOW) == wrong

    report = materialize_view(store, seller, now=NOW, prune=True)
    assert (report.rows_written, report.rows_removed) == (2, 1)
    assert compare_online(store, seller, now=NOW) == difference(0, 0, 0, online=5, offline=5)
    again = materialize_view(store, seller, now=NOW, prune=True)
    assert (again.rows_written, again.rows_removed) == (0, 0)


def test_a_reader_finds_every_key_at_any_moment_of_a_rebuild(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, dict.fromkeys([*KEYS, "gone"], 1))
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 0, dict.fromkeys(KEYS, 2))
    over, reader = Event(), anywhere.open()

    def watch() -> list[set[int | None]]:
        seen = []
        while not over.is_set() or not seen:
            read = read_online(reader, ["seller:seller_count0_1d"], [{"seller_id": key} for key in KEYS])
            seen.append({entity.values["seller_count0_1d"] for entity in read})
        return seen

    store.config.materialization_config.online_write_batch_size = 10
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            materialize_view(store, seller, now=NOW, rebuild=True)
        finally:
            over.set()
        seen = watching.result()
    assert set().union(*seen) <= {1, 2}
    assert compare_online(store, seller, now=NOW).none
