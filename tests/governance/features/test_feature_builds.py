"""However a range of days is cut into runs, interrupted, or built again, the same rows come out."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_events import FIRST, Happening, days_from_first, land_day, land_raw, random_happenings, rows_of

from governance.errors import NotReady
from governance.features.build import SNAPSHOT_EVERY_DAYS, BuildReport, build, expected_fingerprints, stale_days
from governance.features.catalogue import VIEWS, views_over
from governance.features.view import View
from governance.storage.lake import Lake

DAYS = days_from_first(30)
PRODUCT = VIEWS["product"]
Digests = dict[tuple[str, date], tuple[str, str]]


def digests(lake: Lake, view: View) -> Digests:
    """Digest and fingerprint of every partition that a view keeps, its states included."""
    datasets = (view.dataset, f"state/{view.name}/late", f"state/{view.name}/snapshot")
    return {
        (dataset, day): (manifest.digest, manifest.fingerprint)
        for dataset in datasets
        for day, manifest in lake.manifests(dataset).items()
    }


def run(lake: Lake, view: View, first: date, last: date) -> BuildReport:
    return build(lake, view, first_day=DAYS[0], first=first, last=last)


def run_in_parts(lake: Lake, view: View, days: Sequence[date], cuts: Sequence[int]) -> None:
    """One run up to each cut, and one for the rest."""
    edges = sorted({0, *cuts, len(days)})
    for start, end in pairwise(edges):
        run(lake, view, days[start], days[end - 1])


def copied(lake: Lake, root: Path) -> Lake:
    """A lake of its own with the same raw rows and nothing else."""
    shutil.copytree(lake.root / "raw", root / "raw")
    return Lake(root)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Raw rows of 30 days with late ones and ties; a snapshot is taken on the sixteenth."""
    lake = Lake(tmp_path_factory.mktemp("raw"))
    land_raw(lake, random_happenings(3, days=len(DAYS), count=360), DAYS)
    return lake


@pytest.fixture
def lake(raw: Lake, tmp_path: Path) -> Lake:
    return copied(raw, tmp_path / "lake")


@pytest.fixture(scope="module")
def at_once(raw: Lake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Digests]:
    """What one run over all days gives for each view."""
    lake = copied(raw, tmp_path_factory.mktemp("at_once") / "lake")
    for view in VIEWS.values():
        run(lake, view, DAYS[0], DAYS[-1])
    return {view.name: digests(lake, view) for view in VIEWS.values()}


@pytest.mark.parametrize("name", VIEWS)
def test_building_day_by_day_gives_the_digests_of_one_run(name: str, lake: Lake, at_once: dict[str, Digests]) -> None:
    run_in_parts(lake, VIEWS[name], DAYS, range(len(DAYS)))
    assert digests(lake, VIEWS[name]) == at_once[name]


@pytest.mark.parametrize("name", ["product"])
def test_any_split_into_runs_gives_the_same_digests(name: str, raw: Lake, at_once: dict[str, Digests]) -> None:
    @settings(max_examples=5, deadline=None, database=None)
    @given(cuts=st.lists(st.integers(1, len(DAYS) - 1), min_size=1, max_size=3))
    @example(cuts=[_snapshot_offset(), _snapshot_offset() + 1])
    def splits(cuts: list[int]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lake = copied(raw, Path(folder) / "lake")
            run_in_parts(lake, VIEWS[name], DAYS, cuts)
            assert digests(lake, VIEWS[name]) == at_once[name]

    splits()


def _snapshot_offset() -> int:
    return next(n for n, day in enumerate(DAYS) if (day - date(1970, 1, 1)).days % SNAPSHOT_EVERY_DAYS == 0)


def test_the_widest_window_is_left_across_the_edges_of_runs(tmp_path: Path) -> None:
    """Runs of 13 to 60 days over 125: what entered in one run leaves its windows two or three runs later."""
    days = days_from_first(125)
    happenings = random_happenings(8, days=40, count=60)
    outcomes = []
    for name, cuts in (("at once", []), ("in parts", [13, 57, 69])):
        lake = Lake(tmp_path / name)
        land_raw(lake, happenings, days[:40])
        run_in_parts(lake, PRODUCT, days, cuts)
        outcomes.append(digests(lake, PRODUCT))
    assert outcomes[0] == outcomes[1]
    newest = lake.read(PRODUCT.dataset, days).sort("event_timestamp").unique(PRODUCT.key, keep="last")
    assert newest.height == 3
    assert newest.select(pl.col("^product_.*_(1|7|30)d$").fill_null(0).sum()).transpose()["column_0"].sum() == 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["seller", "product"])
def test_four_months_day_by_day_give_the_digests_of_one_run(name: str, tmp_path: Path) -> None:
    days, outcomes = days_from_first(120), []
    for cuts in ([], range(len(days))):
        lake = Lake(tmp_path / str(len(cuts)))
        land_raw(lake, random_happenings(21, days=len(days), count=1_500, keys=5), days)
        run_in_parts(lake, VIEWS[name], days, cuts)
        outcomes.append(digests(lake, VIEWS[name]))
    assert outcomes[0] == outcomes[1]


def test_building_thirty_days_again_changes_no_digest_and_leaves_nothing_stale(
    lake: Lake, at_once: dict[str, Digests]
) -> None:
    first = run(lake, PRODUCT, DAYS[0], DAYS[-1])
    again = run(lake, PRODUCT, DAYS[0], DAYS[-1])
    assert digests(lake, PRODUCT) == at_once["product"]
    assert list(first.manifests) == DAYS
    assert again == first
    assert first.rows == sum(manifest.rows for manifest in first.manifests.values()) > 0
    assert stale_days(lake, PRODUCT, DAYS) == []


def test_a_day_that_did_not_land_counts_as_absent_until_it_lands(lake: Lake, at_once: dict[str, Digests]) -> None:
    rows = lake.read("raw/orders", [DAYS[10]])
    assert rows.height > 0
    lake.delete("raw/orders", DAYS[10])
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    without = digests(lake, PRODUCT)
    assert without != at_once["product"]
    land_day(lake, "orders", DAYS[10], rows.to_dicts())
    assert stale_days(lake, PRODUCT, DAYS) == DAYS[10:]
    run(lake, PRODUCT, DAYS[10], DAYS[-1])
    assert digests(lake, PRODUCT) == at_once["product"]


def test_a_day_delivered_again_makes_itself_and_later_days_stale_and_one_run_repairs_them(lake: Lake) -> None:
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    before = digests(lake, PRODUCT)
    late = Happening("orders", 1, day=-5, late=17, moment=1, variety=2)
    corrected = [*lake.read("raw/orders", [DAYS[12]]).to_dicts()[1:], rows_of([late])["orders"][0]]
    land_day(lake, "orders", DAYS[12], corrected)
    assert stale_days(lake, PRODUCT, DAYS) == DAYS[12:]
    run(lake, PRODUCT, DAYS[12], DAYS[-1])
    fresh = copied(lake, lake.root.parent / "fresh")
    run(fresh, PRODUCT, DAYS[0], DAYS[-1])
    repaired = digests(lake, PRODUCT)
    assert repaired == digests(fresh, PRODUCT)
    changed = {day for (dataset, day), found in repaired.items() if found[0] != before[dataset, day][0]}
    assert min(changed) == DAYS[12]
    assert stale_days(lake, PRODUCT, DAYS) == []


def test_the_same_rows_delivered_again_make_nothing_stale(lake: Lake) -> None:
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    land_day(lake, "orders", DAYS[12], lake.read("raw/orders", [DAYS[12]]).reverse().to_dicts())
    assert stale_days(lake, PRODUCT, DAYS) == []


def test_only_the_views_that_read_a_table_become_stale(lake: Lake) -> None:
    for name in ("buyer", "category"):
        run(lake, VIEWS[name], DAYS[0], DAYS[5])
    land_day(lake, "shipments", DAYS[2], [])
    assert stale_days(lake, VIEWS["buyer"], DAYS[:6]) == []
    assert stale_days(lake, VIEWS["category"], DAYS[:6]) == DAYS[2:6]


def test_another_code_version_or_feature_makes_every_day_stale(lake: Lake) -> None:
    run(lake, PRODUCT, DAYS[0], DAYS[3])
    days = DAYS[:4]
    assert stale_days(lake, PRODUCT, days) == []
    assert stale_days(lake, replace(PRODUCT, code_version="another"), days) == days
    assert stale_days(lake, PRODUCT.over(["orders", "cases"]), days) == days


def test_a_run_refuses_to_build_upon_days_that_are_missing_or_stale(lake: Lake) -> None:
    with pytest.raises(NotReady, match=f"5 day.* before {DAYS[5]} are missing or stale, the first is {DAYS[0]}"):
        run(lake, PRODUCT, DAYS[5], DAYS[6])
    assert lake.days(PRODUCT.dataset) == []
    run(lake, PRODUCT, DAYS[0], DAYS[8])
    land_day(lake, "orders", DAYS[2], [])
    before = digests(lake, PRODUCT)
    with pytest.raises(NotReady, match=f"govern backfill {DAYS[2]}..{DAYS[5]}"):
        run(lake, PRODUCT, DAYS[5], DAYS[6])
    assert digests(lake, PRODUCT) == before


def test_days_whose_state_was_lost_are_built_again(lake: Lake, at_once: dict[str, Digests]) -> None:
    """Without it, events known late would never leave their windows, and nobody would notice."""
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    shutil.rmtree(lake.root / "state" / "product" / "late" / f"dt={DAYS[9]}")
    assert stale_days(lake, PRODUCT, DAYS) == [DAYS[9]]
    shutil.rmtree(lake.root / "state")
    assert stale_days(lake, PRODUCT, DAYS) == DAYS
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    assert digests(lake, PRODUCT) == at_once["product"]


class Killed(BaseException):
    """What a test raises where a process would have been killed."""


@pytest.mark.parametrize("after", [0, 7, 26])
def test_a_killed_run_leaves_whole_days_and_the_next_run_ends_as_if_nothing_had_happened(
    lake: Lake, at_once: dict[str, Digests], after: int
) -> None:
    def kill(day: date, _: object) -> None:
        if day == DAYS[after]:
            raise Killed

    with pytest.raises(Killed):
        build(lake, PRODUCT, first_day=DAYS[0], first=DAYS[0], last=DAYS[-1], on_day=kill)
    assert stale_days(lake, PRODUCT, DAYS) == DAYS[after + 1 :]
    assert digests(lake, PRODUCT).items() <= at_once["product"].items()
    run(lake, PRODUCT, DAYS[after + 1], DAYS[-1])
    assert digests(lake, PRODUCT) == at_once["product"]


def test_a_run_killed_amid_a_repair_leaves_old_and_new_days_and_is_repaired_from_the_first_stale_one(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after a day's state was written and before its rows: the worst moment."""
    run(lake, PRODUCT, DAYS[0], DAYS[-1])
    land_day(lake, "orders", DAYS[12], [])
    sound, written = Lake.write, []

    def write(self: Lake, dataset: str, day: date, frame: pl.DataFrame, **more: object) -> object:
        if dataset == PRODUCT.dataset and day == DAYS[20]:
            raise Killed
        written.append((dataset, day))
        return sound(self, dataset, day, frame, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write", write)
        with pytest.raises(Killed):
            run(lake, PRODUCT, DAYS[12], DAYS[-1])
    assert ("state/product/late", DAYS[20]) in written
    assert stale_days(lake, PRODUCT, DAYS) == DAYS[20:]
    run(lake, PRODUCT, DAYS[20], DAYS[-1])
    fresh = copied(lake, lake.root.parent / "fresh")
    run(fresh, PRODUCT, DAYS[0], DAYS[-1])
    assert digests(lake, PRODUCT) == digests(fresh, PRODUCT)


def test_progress_is_told_of_each_day_once_it_is_there(lake: Lake) -> None:
    told: list[date] = []

    def on_day(day: date, manifest: object) -> None:
        assert lake.manifest(PRODUCT.dataset, day) == manifest
        told.append(day)

    build(lake, PRODUCT, first_day=DAYS[0], first=DAYS[0], last=DAYS[9], on_day=on_day)
    assert told == DAYS[:10]


def test_a_marketplace_without_any_event_has_empty_partitions(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    report = run(lake, PRODUCT, DAYS[0], DAYS[2])
    assert report.rows == 0
    empty = lake.read(PRODUCT.dataset, DAYS[:3])
    assert empty.columns == [PRODUCT.key, "event_timestamp", "created", *PRODUCT.feature_names]
    assert [str(empty.schema[feature.name]) for feature in PRODUCT.features] == [
        str(feature.kind.polars) for feature in PRODUCT.features
    ]


def test_rows_are_stamped_with_the_landing_after_their_day(lake: Lake) -> None:
    run(lake, PRODUCT, DAYS[0], DAYS[4])
    for day in DAYS[:5]:
        rows = lake.read(PRODUCT.dataset, [day])
        assert rows.height > 0
        assert rows["event_timestamp"].dt.strftime("%F %T").unique().to_list() == [f"{day + timedelta(1)} 02:00:00"]
        assert rows.filter(pl.col("created") >= pl.col("event_timestamp")).is_empty()


def test_a_view_is_narrowed_to_the_tables_that_are_delivered(lake: Lake) -> None:
    views = views_over(["orders", "reviews"])
    assert views["product"].tables == ("orders", "reviews")
    assert "product_case_rate_7d" not in views["product"].feature_names
    run(lake, views["product"], DAYS[0], DAYS[2])
    assert views_over(["cases", "reviews"]) == {}
    full, narrow = Lake(lake.root.parent / "full"), lake.read(PRODUCT.dataset, DAYS[:3])
    shutil.copytree(lake.root / "raw", full.root / "raw")
    run(full, PRODUCT, DAYS[0], DAYS[2])
    both = [PRODUCT.key, "product_orders_7d", "product_low_review_rate_lifetime"]
    shown = full.read(PRODUCT.dataset, DAYS[:3]).select(both)
    assert narrow.select(both).join(shown, on=both, nulls_equal=True, how="anti").is_empty()


def test_each_days_fingerprint_chains_the_day_before(raw: Lake) -> None:
    chained = expected_fingerprints(raw, PRODUCT, DAYS)
    assert len(set(chained.values())) == len(DAYS)
    assert expected_fingerprints(raw, PRODUCT, DAYS[:7]) == {day: chained[day] for day in DAYS[:7]}
    assert expected_fingerprints(raw, PRODUCT, DAYS[3:])[DAYS[3]] != chained[DAYS[3]]
    assert min(DAYS) == FIRST
