"""Materializing views online: late, corrected and deleted rows, killed runs, four views at a time."""

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from feature_repo.online import materialize_view, online_rows, read_online
from governance.errors import NotReady, OnlineMismatch
from governance.features.view import View

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def values_online(store: Any, view: View, keys: Sequence[str]) -> list[int | None]:
    names = [f"{view.name}:{feature}" for feature in view.feature_names]
    read = read_online(store, names, [{view.key: key} for key in keys])
    for entity in read:
        assert len(set(entity.values.values())) == 1
    return [entity.values[view.feature_names[0]] for entity in read]


def test_each_key_has_its_latest_values_online_and_twice_changes_nothing(
    anywhere: Any, store: Any, seller: View, valid_at: Callable[[int], datetime]
) -> None:
    anywhere.land(seller, 0, {"a": 1, "b": 1, "c": 1})
    anywhere.land(seller, 1, {"b": 2})
    first = materialize_view(store, seller, now=NOW)
    before = everything_online(anywhere)
    second = materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "abc") == [1, 2, 1]
    assert (first.rows_written, first.online_rows, first.expected_rows) == (3, 3, 3)
    assert first.newest_event_time == valid_at(1)
    assert (second.online_rows, second.rows_removed) == (3, 0)
    assert online_rows(store, seller) == 3
    assert everything_online(anywhere) == before


def everything_online(anywhere: Any) -> Any:
    """Every byte in the online store."""
    import sqlite3
    from contextlib import closing

    from redis import Redis

    if anywhere.environment == "production":
        port = int(anywhere.connections["GOVERNANCE_REDIS"].split(":")[1].split(",")[0])
        with Redis(port=port) as client:
            return {key: client.hgetall(key) for key in client.scan_iter()}
    with closing(sqlite3.connect(anywhere.root / "feast" / "online.db")) as connection:
        return list(connection.iterdump())


def test_a_day_writes_its_own_keys_and_nothing_is_written_where_nothing_changed(
    anywhere: Any, store: Any, seller: View
) -> None:
    anywhere.land(seller, 0, dict.fromkeys("abcdefgh", 0))
    anywhere.land(seller, 9, {"a": 9})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 10, {"b": 10})
    assert materialize_view(store, seller, now=NOW).rows_written == 1
    assert materialize_view(store, seller, now=NOW).rows_written == 0
    assert values_online(store, seller, "abc") == [9, 10, 0]
    assert materialize_view(store, seller, now=NOW, full=True).rows_written == 8


def test_a_row_that_lands_long_after_its_time_gets_online(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, {"a": 1})
    anywhere.land(seller, 20, {"a": 20, "b": 20})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 1, {"c": 1, "b": 1})
    report = materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "abc") == [20, 20, 1]
    assert report.online_rows == 3


def test_a_correction_known_later_replaces_the_value_however_old(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, {"a": 1, "b": 1})
    anywhere.land(seller, 20, {"b": 20})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 0, {"a": 5, "b": 1}, created_hours=30)
    materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "ab") == [5, 20]


def test_a_correction_that_keeps_its_times_replaces_the_value(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, {"a": 1})
    anywhere.land(seller, 20, {"b": 20})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 0, {"a": 5})
    materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "ab") == [5, 20]


def test_a_value_that_another_materialization_wrote_is_not_taken_for_the_one_before(
    anywhere: Any, store: Any, seller: View, valid_at: Callable[[int], datetime]
) -> None:
    anywhere.land(seller, 0, {"a": 1})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 0, {"a": 2})
    store.materialize(valid_at(0), NOW, ["seller"])
    anywhere.land(seller, 0, {"a": 1})
    materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "a") == [1]


def test_a_key_whose_newest_row_was_removed_falls_back_to_the_row_before(
    anywhere: Any, store: Any, seller: View
) -> None:
    anywhere.land(seller, 0, {"a": 1, "b": 1})
    anywhere.land(seller, 20, {"a": 20})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 20, {"b": 20})
    materialize_view(store, seller, now=NOW)
    assert values_online(store, seller, "ab") == [1, 20]


def test_a_key_that_is_gone_is_reported_and_a_rebuild_removes_it(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, {"a": 1, "b": 1})
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 0, {"a": 1})
    with pytest.raises(OnlineMismatch, match="seller: 2 keys online, 1 expected; 0 missing, 0 stale, 1 no longer"):
        materialize_view(store, seller, now=NOW)
    report = materialize_view(store, seller, now=NOW, rebuild=True)
    assert (report.rows_removed, report.online_rows, report.expected_rows) == (1, 1, 1)
    assert values_online(store, seller, "ab") == [1, None]


def test_another_code_version_writes_every_key_again(
    anywhere: Any, store: Any, seller: View, view_of: Callable[..., View]
) -> None:
    anywhere.land(seller, 0, {"a": 1, "b": 1})
    anywhere.land(seller, 20, {"b": 20})
    materialize_view(store, seller, now=NOW)
    changed = view_of("seller", code_version="2", measures=2)
    anywhere.land(changed, 0, {"a": 3, "b": 3})
    anywhere.land(changed, 20, {"b": 23})
    anywhere.apply(store, [changed])
    assert materialize_view(store, changed, now=NOW).rows_written == 2
    assert values_online(store, changed, "ab") == [3, 23]


def test_rows_after_now_stay_offline(anywhere: Any, store: Any, seller: View, valid_at: Any) -> None:
    anywhere.land(seller, 0, {"a": 1})
    anywhere.land(seller, 1, {"a": 2, "b": 2})
    report = materialize_view(store, seller, now=valid_at(0))
    assert (report.online_rows, values_online(store, seller, "ab")) == (1, [1, None])
    with pytest.raises(NotReady, match="feature view seller has no rows up to 2024-05-01"):
        materialize_view(store, seller, now=valid_at(-1))


def test_absence_is_judged_by_the_event_time_and_not_by_the_value(
    anywhere: Any, store: Any, seller: View, valid_at: Callable[[int], datetime]
) -> None:
    anywhere.land(seller, 0, {"a": None})
    materialize_view(store, seller, now=NOW)
    feature = seller.feature_names[0]
    known, unknown = read_online(store, [f"seller:{feature}"], [{"seller_id": "a"}, {"seller_id": "nobody"}])
    assert (known.values, known.event_times, known.absent) == ({feature: None}, {feature: valid_at(0)}, False)
    assert (unknown.values, unknown.event_times, unknown.absent) == ({feature: None}, {feature: None}, True)


def test_values_read_back_equal_those_offline_to_the_last_bit(anywhere: Any, store: Any, seller: View) -> None:
    anywhere.land(seller, 0, {f"s{number}": number**5 - 7 for number in range(300)})
    materialize_view(store, seller, now=NOW)
    offline = anywhere.lake.read(seller.dataset, anywhere.lake.days(seller.dataset))
    names = [f"seller:{feature}" for feature in seller.feature_names]
    read = read_online(store, names, offline.select("seller_id").to_dicts())
    assert [dict(entity.values) for entity in read] == offline.select(seller.feature_names).to_dicts()


def test_four_views_materialize_side_by_side_on_one_registry(anywhere: Any, view_of: Callable[..., View]) -> None:
    views = [view_of(name) for name in ("seller", "buyer", "product", "category")]
    anywhere.apply(anywhere.open(), views)
    for number, view in enumerate(views):
        anywhere.land(view, 0, {f"k{key}": key for key in range(50 + number)})
    shared = anywhere.open()
    stores = [shared, shared, anywhere.open(), anywhere.open()]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            reports = list(
                pool.map(lambda store, view: materialize_view(store, view, now=NOW, full=True), stores, views)
            )
    assert [report.online_rows for report in reports] == [50, 51, 52, 53]
    fresh = anywhere.open()
    assert [len(fresh.get_feature_view(view.name).materialization_intervals) for view in views] == [2, 2, 2, 2]
    assert [online_rows(fresh, view) for view in views] == [50, 51, 52, 53]


KILLED = """
    import json, os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from feast.infra.online_stores.helpers import get_online_store_from_config
    from feature_repo.store import open_store
    from feature_repo.online import materialize_view
    from governance.features.view import View, Measure

    store = open_store(Path(sys.argv[1]), environment=sys.argv[2], connections=json.loads(sys.argv[3]))
    kind = type(get_online_store_from_config(store.config.online_store))
    write, batches = kind.write_columns, iter(range(10))

    def write_and_die(*args):
        if next(batches) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        write(*args)

    kind.write_columns = write_and_die
    store.config.materialization_config.online_write_batch_size = 40
    view = View(name="seller", key="seller_id", meaning="What a seller did", rates=(), code_version="1",
                measures=(Measure(name="count0", table="orders", meaning="Orders"),))
    materialize_view(store, view, now=datetime(2024, 6, 1, tzinfo=UTC))
"""


def test_a_run_killed_in_the_middle_and_run_again_equals_an_undisturbed_one(
    anywhere: Any, store: Any, seller: View
) -> None:
    keys = [f"k{key}" for key in range(100)]
    anywhere.land(seller, 0, dict.fromkeys(keys, -1))
    materialize_view(store, seller, now=NOW)
    anywhere.land(seller, 10, {key: int(key[1:]) for key in keys})
    told = [str(anywhere.root), anywhere.environment, json.dumps(dict(anywhere.connections))]
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), *told], check=False)
    assert killed.returncode == -signal.SIGKILL

    reopened = anywhere.open()
    assert sum(value == -1 for value in values_online(reopened, seller, keys)) == 60

    report = materialize_view(reopened, seller, now=NOW)
    assert (report.online_rows, report.expected_rows) == (100, 100)
    assert values_online(reopened, seller, keys) == list(range(100))
