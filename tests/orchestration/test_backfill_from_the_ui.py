"""A backfill from the Dagster UI: one run over the range and one a label; terminated half-way, and gone on with."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from desk import open_desk, range_of

from governance.contracts.calendar import days_between
from governance.labels.decisions import days_to_read, days_until_matured
from governance.workspace import Workspace
from orchestration.plan import backfill_run, next_run

FIRST, LAST = date(2024, 1, 1), date(2024, 2, 4)


@pytest.mark.exhaustive
def test_a_backfill_from_the_ui_can_be_terminated_and_gone_on_with(
    own_settled: Path,
    settled: Path,
    bazaar_at: Callable[..., Workspace],
    everything_in: Callable[[Workspace], dict[str, str]],
) -> None:
    workspace, days = bazaar_at(own_settled), days_between(FIRST, LAST)
    wanted, assets = everything_in(bazaar_at(settled)), list(backfill_run(workspace, FIRST, LAST).assets)
    with open_desk(workspace) as ui:
        # They would ask for what is about to be lost as well.
        ui.stop_sensors()
        for lost in ("raw", "features/category", "features/buyer", "labels"):
            shutil.rmtree(workspace.lake.root / lost)

        first = ui.backfill(assets, days)
        ui.wait_until(lambda: len(workspace.lake.days("raw/orders")) >= 3)
        ui.terminate(first)
        ui.wait_until(lambda: ui.ended(first))
        assert ui.status(first) == "CANCELED"
        standing = everything_in(workspace)
        assert standing.items() < wanted.items()

        second, ended = ui.backfill_to_its_end(assets, days)
        assert ended == "COMPLETED_SUCCESS"
        ranges = sorted(range_of(run) for run in ui.runs_of(second))

    # Labels follow in a run each, up to the last day on which a decision that looks at the range matures.
    ahead = [days_until_matured(label) + days_to_read(label) - 1 for label in workspace.models.labels]
    assert ranges == sorted((FIRST, LAST + timedelta(days=days)) for days in (0, *ahead))
    assert everything_in(workspace) == wanted
    assert next_run(workspace, weeks=1, done=[]) is None
