from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from governance.contracts.tables import TABLES
from governance.contracts.validation import check_days
from governance.marketplaces.simulated import stage, state
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.rows import Outbox

MINE = ("accounts", "contents", "engagements", "payouts", "enforcements", "labels")
LABELS = ("click_farm", "creator_cheating", "content_violation")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", MINE)
def test_every_row_keeps_its_contract(played: Any, name: str) -> None:
    rows = played.tables[name]
    days = rows.with_columns(day=pl.col("known_at").dt.date()).partition_by("day", as_dict=True, include_key=False)
    frames: dict[date, pl.DataFrame] = {day[0]: frame for day, frame in days.items()}

    outcomes = check_days(TABLES[name], frames, now=LATER)

    assert rows.height > 0
    assert sum(one.quarantined.height for one in outcomes.values()) == 0


def test_whoever_publishes_engages_or_is_paid_has_an_account(played: Any) -> None:
    tables = played.tables
    accounts = set(tables["accounts"]["account_id"])

    for table, column in (
        ("contents", "creator_id"),
        ("engagements", "creator_id"),
        ("engagements", "account_id"),
        ("payouts", "account_id"),
    ):
        assert set(tables[table][column]) <= accounts, (table, column)
    assert set(tables["engagements"]["content_id"]) <= set(tables["contents"]["content_id"])
    shown = tables["contents"]["product_ids"].drop_nulls().str.split(" ").explode()
    assert set(shown) <= set(tables["products"]["product_id"])


def test_the_same_days_give_the_same_rows_and_more_days_change_none(played: Any, again: Callable[..., Any]) -> None:
    fewer = again(days=12)

    before = pl.col("occurred_at") < pl.lit(fewer.tables["engagements"]["occurred_at"].max())
    for name in ("contents", "engagements"):
        assert fewer.tables[name].filter(before).equals(played.tables[name].filter(before))
    known = played.decisions.join(fewer.decisions, on=["label", "entity_id", "occurred_at"], how="semi")
    assert fewer.decisions.equals(known)


def test_the_state_of_the_stage_can_be_kept(played: Any, tmp_path: Path) -> None:
    kept = played.world.stage
    state.save(kept, tmp_path / "stage")
    empty = stage.begin(played.world.settings, _first_day(played), Outbox())

    state.restore(empty, tmp_path / "stage")

    np.testing.assert_array_equal(empty.contents.number, kept.contents.number)
    np.testing.assert_array_equal(empty.books.cheats, kept.books.cheats)
    assert empty.docket.equals(kept.docket)
    assert empty.places.equals(kept.places)


def test_the_state_holds_no_content_that_nobody_sees_any_more(played: Any) -> None:
    assert played.world.stage.contents.born.min() > 39 - 1 - 16


def test_without_campaigns_nothing_is_planted(quiet: Any) -> None:
    decisions = quiet.decisions.filter(pl.col("label").is_in(LABELS))

    assert decisions["truth"].sum() == 0
    assert decisions["oracle"].max() < 1e-6


@pytest.mark.parametrize("label", LABELS)
def test_the_oracle_is_better_than_chance_and_not_perfect(played: Any, label: str) -> None:
    decisions = played.decisions.filter(pl.col("label") == label)
    truth = decisions["truth"].to_numpy() == 1

    score = roc_auc_score(truth, decisions["oracle"].to_numpy())

    assert truth.sum() >= 10
    assert 0.75 < score < 0.999


@pytest.mark.parametrize("label", LABELS)
def test_the_oracle_promises_about_as_much_as_there_is(played: Any, label: str) -> None:
    decisions = played.decisions.filter(pl.col("label") == label)

    assert 0.55 < decisions["oracle"].sum() / decisions["truth"].sum() < 1.7


def test_members_also_behave_innocently(played: Any) -> None:
    cheats = played.decisions.filter(pl.col("label") == "creator_cheating")
    weeks = cheats.filter(pl.col("entity_id").is_in(cheats.filter(pl.col("truth") == 1)["entity_id"].implode()))

    assert 0.2 < weeks["truth"].mean() < 0.9


def test_bursts_alone_tell_nothing(played: Any) -> None:
    """How often a creator is looked at in a week says little of whether that was bought."""
    weeks = played.tables["payouts"].filter(pl.col("version") == 1)
    settled = played.decisions.filter(pl.col("label") == "creator_cheating").join(
        weeks, left_on=["entity_id", "occurred_at"], right_on=["account_id", "occurred_at"]
    )
    looks = played.tables["engagements"].filter(pl.col("kind") == "view").select("creator_id", at="occurred_at")
    counted = (
        settled.join(looks, left_on="entity_id", right_on="creator_id")
        .filter((pl.col("at") >= pl.col("period_from")) & (pl.col("at") < pl.col("period_to")))
        .group_by("payout_id")
        .agg(pl.len(), pl.col("truth").first(), pl.col("oracle").first())
    )

    by_amount = roc_auc_score(counted["truth"], counted["len"])

    assert by_amount < 0.8
    assert by_amount < roc_auc_score(counted["truth"], counted["oracle"])


def test_commission_is_settled_every_seventh_day_and_ends_paid_or_cancelled(played: Any) -> None:
    payouts = played.tables["payouts"].sort("payout_id", "version")
    lasting = (pl.col("period_to") - pl.col("period_from")).dt.total_days()

    assert payouts.select(lasting)["period_to"].unique().to_list() == [7]
    ends = payouts.group_by("payout_id").agg(pl.col("status").last())["status"]
    assert set(ends) <= {"paid", "cancelled"}
    settled = played.decisions.filter(pl.col("label") == "creator_cheating")
    assert settled.height == payouts["payout_id"].n_unique()


def test_accounts_and_contents_that_were_found_are_acted_on(played: Any) -> None:
    enforcements = played.tables["enforcements"]
    contents = played.world.stage.contents

    assert set(enforcements["subject_role"]) == {"buyer", "creator", "content"}
    assert contents.removed.any()
    assert (played.world.people.buyers.shut_until > 10_000).any()


def _first_day(played: Any) -> Today:
    settings = played.world.settings
    return Today(settings.seed, settings.first_day, 0)
