"""Runs of single assets on an instance in memory."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from governance.workspace import Workspace
from orchestration.build import build_defs

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def materialize(instance: dg.DagsterInstance) -> Run:
    """Materialize assets (`raw/orders`) of a workspace for one day, a range of days, a week by its `as_of`, or none."""

    def run(
        workspace: Workspace, *names: str, days: Sequence[date] = (), as_of: date | None = None, again: bool = False
    ) -> dg.ExecuteInProcessResult:
        key, tags = None, {"governance/again": "true"} if again else {}
        if as_of is not None:
            key = (as_of - timedelta(weeks=1)).isoformat()
        elif len(days) == 1:
            key = days[0].isoformat()
        elif days:
            tags |= {
                "dagster/asset_partition_range_start": days[0].isoformat(),
                "dagster/asset_partition_range_end": days[-1].isoformat(),
            }
        return dg.materialize(
            [asset for asset in build_defs(workspace).assets or () if isinstance(asset, dg.AssetsDefinition)],
            selection=[dg.AssetKey(name.split("/")) for name in names],
            instance=instance,
            resources={"workspace": workspace},
            partition_key=key,
            tags=tags,
            raise_on_error=False,
        )

    return run


@pytest.fixture(scope="session")
def failure_of() -> Callable[[dg.ExecuteInProcessResult], dict[str, str]]:
    """Step to what it failed with, as our own errors say it."""

    def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
        return {
            str(event.step_key): _described(event.step_failure_data)
            for event in result.filter_events(lambda event: event.is_step_failure)
        }

    return failures


def _described(data: Any) -> str:
    return data.user_failure_data.description if data.user_failure_data else data.error.message
