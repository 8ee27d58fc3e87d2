"""The world reacts: two continuations, with and without a list of acted-on accounts, differ as each tactic says."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.marketplaces.simulated.campaigns.file import Campaigns, load_campaigns
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.world import go_on, simulate

FIRST_DAY, DAYS, MORE, BUYERS = date(2024, 1, 1), 20, 7, 1_500
THEN = datetime(2024, 1, 21, tzinfo=UTC)
"""The first moment of the continuation."""


def campaigns() -> Campaigns:
    """A click farm that rotates, one that slows down, and a fake registry that moves, all of them large and early."""
    default = load_campaigns()
    farms = {"members_per_10k_buyers": 150.0, "intensity": 3.0, "tactic": {"shared_device": 0.5}}
    wanted: dict[str, dict[str, Any]] = {
        "phone racks": {"adapts": "rotate", **farms},
        "patient hands": {"adapts": "slow", **farms},
        "night registry": {"adapts": "move", "members_per_10k_buyers": 30.0},
    }
    chosen = tuple(
        replace(one, first_day=1, last_day=1_000, **wanted[one.name]) for one in default.campaigns if one.name in wanted
    )
    return Campaigns(chosen, default.prevalence)


@dataclass(frozen=True)
class Continuation:
    """What the added days delivered, and what is true of them."""

    root: Path

    def rows(self, table: str) -> pl.DataFrame:
        """Rows of its first week; later the platform's own pressure shows in either world."""
        frame = pl.read_parquet(self.root / table / "*" / "rows.parquet", hive_partitioning=False)
        return frame.filter(pl.col("occurred_at").is_between(THEN, THEN + timedelta(days=7), closed="left"))

    def true(self, label: str, campaign: str) -> pl.DataFrame:
        found = self.rows("truth/decisions").filter((pl.col("label") == label) & (pl.col("truth") == 1.0))
        return found.filter(pl.col("campaign") == campaign)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reactions") / "before"
    simulate(out, Settings(seed=5, first_day=FIRST_DAY, buyers=BUYERS, campaigns=campaigns()), days=DAYS)
    return out


@pytest.fixture(scope="module")
def members(before: Path) -> Callable[[str, str], list[str]]:
    """Accounts that worked for a campaign before the continuation."""
    decisions = pl.read_parquet(before / "truth" / "decisions" / "*" / "rows.parquet", hive_partitioning=False)

    def of(label: str, campaign: str) -> list[str]:
        found = decisions.filter(
            (pl.col("label") == label) & (pl.col("campaign") == campaign) & (pl.col("truth") == 1.0)
        )
        return found["entity_id"].unique().sort().to_list()

    return of


def continued(before: Path, name: str, acted_on: list[str]) -> Continuation:
    out = before.with_name(name)
    if not out.exists():
        shutil.copytree(before, out)
        go_on(out, days=MORE, acted_on=acted_on)
    return Continuation(out)


@pytest.fixture(scope="module")
def left_alone(before: Path) -> Continuation:
    return continued(before, "left alone", [])


def test_who_was_acted_on_is_gone_and_everybody_else_comes_as_before(
    before: Path, left_alone: Continuation, members: Callable[[str, str], list[str]]
) -> None:
    shut = members("click_farm", "phone racks")[::2]
    pressed = continued(before, "racks", shut)
    assert len(shut) >= 5
    assert pressed.rows("engagements").filter(pl.col("account_id").is_in(shut)).is_empty()
    first = [
        one.rows("sessions").filter(pl.col("occurred_at") < THEN + timedelta(days=1)) for one in (left_alone, pressed)
    ]
    others, same = (frame.filter(~pl.col("account_id").is_in(shut)).sort("session_id") for frame in first)
    assert others.equals(same)


def test_a_campaign_that_rotates_works_from_devices_that_nobody_saw_before(
    before: Path, left_alone: Continuation, members: Callable[[str, str], list[str]]
) -> None:
    pressed = continued(before, "racks", members("click_farm", "phone racks")[::2])
    old = pl.read_parquet(before / "engagements" / "*" / "rows.parquet", hive_partitioning=False)["device"]
    usual, other = (set(one.rows("engagements")["device"]) for one in (left_alone, pressed))
    assert other - usual
    assert not (other - usual) & set(old)
    assert (usual - other) & set(old)


def test_a_campaign_that_slows_down_has_its_other_members_work_less(
    before: Path, left_alone: Continuation, members: Callable[[str, str], list[str]]
) -> None:
    workers = members("click_farm", "patient hands")
    shut = workers[::2]
    pressed = continued(before, "hands", shut)
    left = pl.col("account_id").is_in([one for one in workers if one not in shut])
    usual, less = (one.rows("engagements").filter(left).height for one in (left_alone, pressed))
    assert usual >= 30
    assert less < 0.9 * usual


def test_a_campaign_that_moves_opens_more_new_accounts(
    before: Path, left_alone: Continuation, members: Callable[[str, str], list[str]]
) -> None:
    pressed = continued(before, "registry", members("fake_account", "night registry"))
    usual, more = (one.true("fake_account", "night registry").height for one in (left_alone, pressed))
    assert more > usual
