"""Partitions are replaced whole, carry their manifest, and are the same however often they are written."""

import json
import os
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.errors import StoreError
from governance.storage.digests import frame_digest
from governance.storage.lake import Lake, Manifest

DAY = date(2025, 3, 1)
ROWS = pl.DataFrame({"k": ["b", "a", None], "v": [1, None, 3]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def write(lake: Lake, rows: pl.DataFrame = ROWS, day: date = DAY, **more: Any) -> Manifest:
    return lake.write("raw/orders", day, rows, key=["k"], **({"fingerprint": "made from"} | more))


def files(lake: Lake) -> set[str]:
    return {str(path.relative_to(lake.root)) for path in lake.root.rglob("*") if path.is_file()}


def test_a_partition_holds_its_rows_by_key_and_its_manifest(lake: Lake) -> None:
    facts = {"rows quarantined": 3, "reasons": {"null": 2}, "text": "é", "none": None}
    manifest = write(lake, facts=facts)
    assert manifest == Manifest(frame_digest(ROWS, key=["k"]), 3, "made from", facts)
    assert lake.manifest("raw/orders", DAY) == manifest
    assert lake.read("raw/orders", [DAY])["k"].to_list() == ["a", "b", None]
    assert files(lake) == {"raw/orders/dt=2025-03-01/rows.parquet"}


def test_writing_again_changes_neither_the_manifest_nor_the_bytes(lake: Lake) -> None:
    first = write(lake)
    before = lake.path("raw/orders", DAY).read_bytes()
    assert write(lake, ROWS.reverse()) == first
    assert lake.path("raw/orders", DAY).read_bytes() == before


def test_a_partition_is_replaced_as_a_whole(lake: Lake) -> None:
    first = write(lake)
    other = write(lake, ROWS.head(1).with_columns(w=pl.lit(1.5)), fingerprint="another")
    assert (other.rows, other.fingerprint, other.facts) == (1, "another", {})
    assert other.digest != first.digest
    assert lake.read("raw/orders", [DAY]).columns == ["k", "v", "w"]


def test_a_writer_that_fails_leaves_the_old_partition_and_nothing_else(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, sound = write(lake), pl.DataFrame.write_parquet

    def half_written(frame: pl.DataFrame, path: Path, **more: Any) -> None:
        sound(frame, path, **more)
        path.write_bytes(path.read_bytes()[:50])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", half_written)
        with pytest.raises(KeyboardInterrupt):
            write(lake, ROWS.head(1))
    assert lake.manifest("raw/orders", DAY) == manifest
    assert lake.read("raw/orders", [DAY]).height == 3
    assert files(lake) == {"raw/orders/dt=2025-03-01/rows.parquet"}


def test_a_writer_that_fails_on_a_new_day_leaves_no_day(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refused)
    with pytest.raises(OSError, match="no space left"):
        write(lake)
    assert lake.days("raw/orders") == []
    assert lake.manifest("raw/orders", DAY) is None
    assert files(lake) == set()


KILLED = """
import os, sys
from datetime import date
from pathlib import Path
import polars as pl
from governance.storage.lake import Lake

sound = Path.replace
Path.replace = lambda self, target: os._exit(9)
Lake(Path(sys.argv[1])).write("raw/orders", date(2025, 3, 1), pl.DataFrame({"k": ["z"]}), key=["k"], fingerprint="new")
"""


def test_a_killed_process_leaves_the_old_partition_readable(lake: Lake) -> None:
    manifest = write(lake)
    done = subprocess.run([sys.executable, "-c", KILLED, str(lake.root)], check=False, env=os.environ)
    assert done.returncode == 9
    assert lake.manifests("raw/orders") == {DAY: manifest}
    assert lake.read("raw/orders", [DAY]).height == 3
    write(lake, ROWS.head(2))
    assert lake.read("raw/orders", [DAY]).height == 2


def test_readers_see_the_old_rows_or_the_new_ones_while_a_writer_is_at_work(lake: Lake) -> None:
    small, large = ROWS.head(1), pl.DataFrame({"k": [f"{n}" for n in range(500)], "v": range(500)})
    write(lake, small)
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(lake.read("raw/orders", [DAY]).height)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(40):
        write(lake, large if number % 2 else small)
    done.set()
    reader.join()
    assert seen <= {1, 500}
    assert seen


def test_days_are_those_with_a_partition_in_order_and_within_bounds(lake: Lake) -> None:
    days = [DAY + timedelta(days=offset) for offset in (9, 0, 40)]
    for day in days:
        write(lake, day=day)
    lake.path("raw/orders", date(2025, 3, 2)).parent.mkdir()
    assert lake.days("raw/orders") == sorted(days)
    assert lake.days("raw/orders", first=date(2025, 3, 2), last=date(2025, 3, 10)) == [date(2025, 3, 10)]
    assert lake.days("raw/orders", first=date(2025, 3, 11)) == [date(2025, 4, 10)]
    assert list(lake.manifests("raw/orders")) == sorted(days)
    assert lake.paths("raw/orders", last=DAY) == [str(lake.path("raw/orders", DAY))]
    assert lake.days("raw/nothing") == []


def test_reading_skips_days_without_a_partition_and_refuses_where_there_is_none(lake: Lake) -> None:
    write(lake)
    assert lake.read("raw/orders", [DAY - timedelta(days=1), DAY]).height == 3
    with pytest.raises(StoreError, match=r"raw/orders: none of the days .* run `govern run` first"):
        lake.read("raw/orders", [DAY - timedelta(days=1)])


def test_reading_gives_the_columns_that_were_written_without_one_for_the_folder(lake: Lake) -> None:
    write(lake)
    write(lake, day=DAY + timedelta(days=1))
    both = lake.read("raw/orders", [DAY, DAY + timedelta(days=1)])
    assert both.columns == ROWS.columns
    assert both.height == 6


def test_deleting_removes_one_day_and_may_be_repeated(lake: Lake) -> None:
    write(lake)
    write(lake, day=DAY + timedelta(days=1))
    for _ in range(2):
        lake.delete("raw/orders", DAY)
        assert lake.days("raw/orders") == [DAY + timedelta(days=1)]


def test_a_file_that_the_lake_did_not_write_is_named(lake: Lake) -> None:
    path = lake.path("raw/orders", DAY)
    path.parent.mkdir(parents=True)
    ROWS.write_parquet(path)
    with pytest.raises(StoreError, match=r"rows.parquet carries no manifest"):
        lake.manifest("raw/orders", DAY)


def test_a_partition_without_rows_keeps_its_columns(lake: Lake) -> None:
    manifest = write(lake, ROWS.clear())
    assert manifest.rows == 0
    assert lake.read("raw/orders", [DAY]).schema == ROWS.schema


def test_the_manifest_can_be_read_by_anybody_who_reads_parquet(lake: Lake) -> None:
    import pyarrow.parquet as pq

    manifest = write(lake, facts={"quarantined": 0})
    packed = json.loads(pq.read_metadata(lake.path("raw/orders", DAY)).metadata[b"governance"])
    assert packed == {
        "digest": manifest.digest,
        "rows": 3,
        "fingerprint": "made from",
        "facts": {"quarantined": 0},
    }
