"""The parts of a backfill: linked copies, what is to do in a range, what differs, and how long it should take."""

import os
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.backfill.changes import AssetChange, compare, compare_keys
from governance.backfill.copies import linked_copy
from governance.backfill.daily import Daily, features_of, labels_of, statements_of
from governance.backfill.durations import Durations, Work, estimate
from governance.contracts.calendar import days_between, midnight
from governance.labels.ledger import SCHEMA
from governance.superseded import superseded
from governance.workspace import Workspace

FIRST, DAYS = date(2024, 1, 1), 35
LAST = FIRST + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def workspace(
    settled: Path, tmp_path_factory: pytest.TempPathFactory, bazaar_at: Callable[..., Workspace]
) -> Workspace:
    """Settled; tests work in linked copies of it."""
    own = tmp_path_factory.mktemp("own") / "settled"
    return bazaar_at(Path(shutil.copytree(settled, own)))


def digests(workspace: Workspace, dataset: str) -> dict[date, str]:
    return {day: manifest.digest for day, manifest in workspace.lake.manifests(dataset).items()}


def works(workspace: Workspace) -> list[Daily]:
    labels = [model.label for model in workspace.models.present.values()]
    return [
        features_of(workspace, workspace.views["category"]),
        statements_of(workspace, labels),
        labels_of(workspace, labels[-1]),
    ]


def test_of_any_lost_days_exactly_those_in_the_range_are_done_and_come_back_as_they_were(workspace: Workspace) -> None:
    offsets = st.integers(0, DAYS - 1)

    @settings(max_examples=4, deadline=None, database=None)
    @given(lost=st.sets(offsets, max_size=4), edges=st.tuples(offsets, offsets))
    def check(lost: set[int], edges: tuple[int, int]) -> None:
        first, last = (FIRST + timedelta(days=offset) for offset in sorted(edges))
        gone = [day for day in days_between(first, last) if (day - FIRST).days in lost]
        with linked_copy(workspace) as scratch:
            for work in works(scratch):
                for day in gone:
                    scratch.lake.delete(work.dataset, day)
                todo, told = work.to_do(days_between(first, last), again=False), []
                # A day of features is built upon the one before, so that nothing between two lost days is left out.
                filled = days_between(gone[0], gone[-1]) if gone and work.key[0] == "features" else gone
                assert todo == filled
                if todo:
                    work.do(todo, lambda day, _, told=told: told.append(day))
                assert told == todo
                assert work.to_do(days_between(first, last), again=False) == []
                assert digests(scratch, work.dataset) == digests(workspace, work.dataset)

    check()


def test_again_does_every_day_of_the_range(workspace: Workspace) -> None:
    days = days_between(FIRST, FIRST + timedelta(days=3))

    assert [work.to_do(days, again=True) for work in works(workspace)] == [days] * 3
    assert [work.to_do(days, again=False) for work in works(workspace)] == [[]] * 3


def test_what_is_done_in_a_linked_copy_leaves_the_original_and_the_other_way_round(workspace: Workspace) -> None:
    day, dataset = FIRST + timedelta(days=5), "raw/reviews"
    before = digests(workspace, dataset)

    with linked_copy(workspace) as scratch:
        scratch.lake.write(dataset, day, scratch.lake.read(dataset, [day]).head(1), key=["review_id"], fingerprint="")
        scratch.ledger.replace("claim", start=midnight(FIRST), end=midnight(LAST), statements=SCHEMA.to_frame())
        assert digests(workspace, dataset) == before
        with linked_copy(scratch) as kept:
            scratch.lake.delete(dataset, day)
            assert kept.lake.manifest(dataset, day) is not None

    assert digests(workspace, dataset) == before
    assert workspace.ledger.between("claim", start=midnight(FIRST), end=midnight(LAST)).height > 0
    assert not list((workspace.root / "scratch").iterdir())


def test_copies_of_killed_processes_are_removed_by_the_next_one(workspace: Workspace) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    left = workspace.root / "scratch" / f"{child}-left" / "lake"
    left.mkdir(parents=True)

    with linked_copy(workspace):
        assert not left.exists()


def test_a_change_counts_days_rows_and_the_keys_that_they_are_about(workspace: Workspace) -> None:
    first, second, third = (FIRST + timedelta(days=20 + number) for number in range(3))
    with linked_copy(workspace) as scratch:
        lake = scratch.lake
        rows = lake.read("raw/reviews", [first])
        lake.write("raw/reviews", first, rows, key=["review_id"], fingerprint="other")
        longer = lake.read("raw/reviews", [second])
        shorter = longer.slice(1).with_columns(rating=pl.lit(3, longer.schema["rating"]))
        manifest = lake.write("raw/reviews", second, shorter, key=["review_id"], fingerprint="")
        lake.delete("raw/reviews", third)
        (found,) = compare(workspace, scratch)
        (back,) = compare(scratch, workspace)

    lost = workspace.lake.read("raw/reviews", [third]).height
    same = longer.slice(1).filter(pl.col("rating") == 3).height
    assert found == AssetChange(
        asset="raw/reviews",
        written=(first, second, third),
        changed=((second, manifest.digest), (third, None)),
        rows_before=longer.height + lost,
        rows_after=longer.height - 1,
        rows_added=longer.height - 1 - same,
        rows_removed=longer.height - same + lost,
        keys=longer.height - same + lost,
    )
    assert (back.rows_added, back.rows_removed, back.keys) == (found.rows_removed, found.rows_added, found.keys)


def test_two_states_of_a_table_online_differ_by_keys_added_changed_and_left_over() -> None:
    before, after = {"a": (1,), "b": (1,), "c": (1,)}, {"a": (1,), "b": (2,), "c": (1,), "d": (1,)}

    found = compare_keys(before, after, offline=["a", "b", "d"], table="seller")

    assert found is not None
    assert (found.added, found.changed, found.left_over, found.keys) == (("d",), ("b",), ("c",), 2)
    assert compare_keys(before, before, offline=list(before), table="seller") is None


def test_a_candidate_is_superseded_when_the_labels_before_it_change_and_not_otherwise(workspace: Workspace) -> None:
    model = workspace.models.present["claim"]
    day = workspace.lake.days(model.label.dataset)[-1]
    assert superseded(workspace, model) == []

    with linked_copy(workspace) as scratch:
        labels = scratch.lake.read(model.label.dataset, [day])
        scratch.lake.write(model.label.dataset, day, labels.head(1), key=["row_id"], fingerprint="")
        (found,) = superseded(scratch, model)

    (candidate,) = workspace.registry.candidates("claim")
    assert (found.digest, found.as_of) == (candidate.digest, candidate.as_of)
    assert "have changed since" in found.why


def test_durations_are_remembered_newest_first_and_work_of_no_days_is_not(tmp_path: Path) -> None:
    durations = Durations(tmp_path / "ledgers" / "durations.sqlite")
    assert durations.of("raw/orders") == []
    for work in (Work(1, 2.0), Work(0, 9.0), Work(3, 4.0)):
        durations.record("raw/orders", work)

    assert durations.of("raw/orders") == [Work(3, 4.0), Work(1, 2.0)]
    assert durations.of("raw/cases") == []


@given(
    measured=st.lists(st.builds(Work, days=st.integers(1, 400), seconds=st.floats(0, 1e4)), min_size=1, max_size=20),
    days=st.integers(1, 1000),
)
def test_an_estimate_is_never_below_zero_and_never_shrinks_with_the_days(measured: list[Work], days: int) -> None:
    shorter, longer = estimate(measured, days), estimate(measured, days + 1)

    assert shorter is not None
    assert longer is not None
    assert -1e-6 <= shorter <= longer + 1e-6
