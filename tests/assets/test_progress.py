"""What a run says while it counts days, and what it remembers of them."""

from datetime import date, timedelta
from itertools import count
from pathlib import Path

import dagster as dg

from assets.progress import DayProgress
from governance.backfill.durations import Durations, Work

DAYS = [date(2024, 1, 1) + timedelta(days=offset) for offset in range(90)]


def materialized(durations: Durations, *, seconds_a_day: float, fails: bool = False) -> list[str]:
    """What an asset of ninety days logs when its clock moves so much with every look."""
    clock = count(0.0, seconds_a_day)

    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-03-31"))
    def counted(context: dg.AssetExecutionContext) -> None:
        with DayProgress(context, DAYS, durations=durations, timer=lambda: next(clock)) as progress:
            for day in DAYS:
                progress.done(day)
            if fails:
                raise RuntimeError

    tags = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-03-30"}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([counted], instance=instance, tags=tags, raise_on_error=False)
        return [log.user_message for log in instance.all_logs(result.run_id)]


def test_long_work_says_which_day_it_is_at_and_how_long_it_still_takes(tmp_path: Path) -> None:
    said = materialized(Durations(tmp_path / "durations.sqlite"), seconds_a_day=5.0)

    assert "counted: day 37 of 90, 4 min left" in said
    assert "counted: day 80 of 90, 50 s left" in said
    assert not [line for line in said if "day 90 of 90" in line]


def test_only_work_that_ended_well_is_remembered(tmp_path: Path) -> None:
    durations = Durations(tmp_path / "durations.sqlite")

    materialized(durations, seconds_a_day=1.0, fails=True)
    assert durations.of("counted") == []
    materialized(durations, seconds_a_day=1.0)
    assert durations.of("counted") == [Work(90, 91.0)]
