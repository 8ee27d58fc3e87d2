"""Every benchmark runs at its small size and reports what it should; only ratios that hold anywhere are asserted."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import drift, feature_build, main_job, materialization, point_in_time_join, scoring, simulator
from benchmarks.__main__ import MODULES, main
from benchmarks.load import can_load
from benchmarks.measure import Cost, Measurement, compared
from benchmarks.page import figure, page
from benchmarks.servers import PROGRAM, installed

REQUIRED = ("work", "unit", "ours", "peer", "limit", "to_peer", "to_limit")


def well_formed(rows: list[dict[str, Any]]) -> bool:
    """Whether every row has the figures, and ratios only where there is something to compare with."""
    for row in rows:
        ratios = [(row[side], row[f"to_{side}"]) for side in ("peer", "limit")]
        assert list(row)[: len(REQUIRED)] == list(REQUIRED)
        assert row["ours"] > 0
        assert [ratio for other, ratio in ratios] == [row["ours"] / other if other else None for other, ratio in ratios]
    return len({row["work"] for row in rows}) == len(rows) and json.loads(json.dumps(rows)) == rows


def test_a_ratio_is_cost_over_cost_and_absent_where_nothing_compares() -> None:
    row = Measurement(work="w", unit="s", ours=1.0, peer=4.0).as_row()
    assert (row["to_peer"], row["to_limit"]) == (0.25, None)


def test_the_unit_says_which_cost_is_compared_and_the_others_stand_beside() -> None:
    costs = {"ours": Cost(seconds=1, cpu_seconds=2, extra_mb=3), "peer": Cost(seconds=2, cpu_seconds=8, extra_mb=9)}
    by_time, by_cpu = (compared("w", unit, costs, settings="") for unit in ("seconds", "CPU seconds"))
    assert (by_time["to_peer"], by_cpu["to_peer"]) == (0.5, 0.25)
    assert by_time["cpu_seconds"] == {"ours": 2, "peer": 8}
    assert by_time["extra_mb"] == {"ours": 3, "peer": 9}


@pytest.mark.exhaustive
def test_the_join_beats_feasts_duckdb_store_on_both_histories() -> None:
    rows = point_in_time_join.measure(small=True)
    assert well_formed(rows)
    assert [row["work"].split(",")[1] for row in rows] == [" uniform history", " skewed history"]
    assert [row["cpu_seconds"]["ours"] < row["cpu_seconds"]["peer"] for row in rows] == [True, True]


@pytest.mark.exhaustive
def test_sqlite_and_redis_are_written_at_a_third_of_feasts_cost_or_less() -> None:
    rows = materialization.measure(small=True)
    assert well_formed(rows)
    assert [row["work"].rsplit(" ", 1)[1] for row in rows] == ["Redis", "SQLite"][-len(rows) :]
    assert [row["cpu_seconds"]["ours"] * 3 < row["cpu_seconds"]["peer"] for row in rows] == [True] * len(rows)
    if not installed():
        pytest.skip(f"{PROGRAM} is not installed: only SQLite was measured")


@pytest.mark.exhaustive
def test_the_drift_check_costs_a_fraction_of_the_preset() -> None:
    rows = drift.measure(small=True)
    assert well_formed(rows)
    assert rows[0]["to_peer"] < 0.5


def test_the_simulator_reports_rows_and_memory() -> None:
    rows = simulator.measure(small=True)
    assert well_formed(rows)
    assert [row["unit"] for row in rows] == ["CPU seconds for a million rows", "MB"]


@pytest.mark.exhaustive
def test_a_backfill_and_three_increments_are_measured() -> None:
    rows = feature_build.measure(small=True)
    assert well_formed(rows)
    assert [row["work"].split(" ")[0] for row in rows] == ["backfill", "one", "one", "one"]
    events = [int(row["work"].split()[-2].replace(",", "")) for row in rows[1:]]
    assert events == [events[0], events[0] * 2, events[0] * 3]


@pytest.mark.exhaustive
def test_the_main_job_is_split_into_parts_that_make_up_its_wall_time() -> None:
    rows = main_job.measure(small=True)
    assert well_formed(rows)
    parts = {row["work"].removeprefix("main job: "): row["ours"] for row in rows}
    whole = parts.pop("govern run")
    assert sum(parts.values()) == pytest.approx(whole)
    assert {"landing", "features", "labels", "training", "orchestration overhead"} <= parts.keys()


@pytest.mark.long
def test_a_dict_is_scored_at_little_more_than_the_c_apis_own_time() -> None:
    row = scoring.in_process(trees=300, calls=500)
    assert well_formed([row])
    assert row["to_limit"] < 1.7
    assert row["to_peer"] < 1


@pytest.mark.exhaustive
def test_scoring_is_measured_in_process_online_and_over_http() -> None:
    rows = scoring.measure(small=True)
    assert well_formed(rows)
    works = [row["work"] for row in rows]
    assert works[0].startswith("scoring in process")
    assert works[-1].endswith("SQLite")
    if not (installed() and can_load()):
        pytest.skip(f"{PROGRAM} or wrk is not installed: nothing was asked over HTTP")
    assert len([work for work in works if work.startswith("scoring requests")]) == 8
    cost = next(row for row in rows if row["work"] == "scoring requests: CPU of one")
    assert cost["to_peer"] < 0.5


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("raw__orders", "landing"),
        ("features__seller", "features"),
        ("labels__statements", "labels"),
        ("models__claim__training_set", "training"),
        ("models__claim__candidate", "training"),
        ("models__claim__champion", "release"),
        ("models__merchant_fraud__scores", "materialization"),
        ("online__seller", "materialization"),
        ("monitoring__claim__drift", "drift"),
        ("landing_newest_events", "landing"),
        ("labels__statements_label_delay", "labels"),
    ],
)
def test_each_step_belongs_to_a_part_of_the_main_job(step: str, part: str) -> None:
    assert main_job.part_of(step) == part


def test_the_command_writes_rows_that_say_where_and_when_and_a_page_is_made_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["simulator", "--small", "--output", str(tmp_path / "bench.json")])
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert "simulated world of 3 days" in capsys.readouterr().out
    assert all(row["machine"] and row["measured_at"] for row in rows)
    assert {row["command"] for row in rows} == {"python -m benchmarks simulator --small"}
    written = page(rows)
    assert [row["work"] for row in rows if f"| {row['work']} |" not in written] == []
    assert figure(rows[0]["ours"]) in written


def test_a_benchmark_that_nobody_wrote_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["moon"])
    said = capsys.readouterr().err
    assert [name for name in ("no benchmark moon", *MODULES) if name not in said] == []


@pytest.mark.parametrize(
    ("number", "shown"), [(None, "-"), (0.01234, "0.0123"), (12.34, "12.3"), (1234.5, "1,234"), (0.0, "0")]
)
def test_figures_have_three_digits_and_no_exponent(number: float | None, shown: str) -> None:
    assert figure(number) == shown
