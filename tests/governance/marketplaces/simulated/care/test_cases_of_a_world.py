"""Cases of a whole world: everything about one hangs together."""

import polars as pl
import pytest

from governance.marketplaces.simulated.care.causes import NAMES, PARTIES

World = dict[str, pl.DataFrame]


@pytest.mark.parametrize("table", ["messages", "evidence", "outcomes"])
def test_what_belongs_to_a_case_names_one_that_was_delivered(tiny_world: World, table: str) -> None:
    rows, cases = tiny_world[table], tiny_world["cases"]
    assert rows.height
    # A case may still be late where what belongs to it is there already.
    late = rows.join(cases, on="case_id", how="anti")
    assert late.height <= 0.05 * rows.height


def test_every_case_is_about_a_line_that_was_ordered_before(tiny_world: World) -> None:
    lines = tiny_world["orders"].select("order_line_id", ordered="occurred_at")
    cases = tiny_world["cases"].join(lines, on="order_line_id", how="left")
    assert (cases["ordered"] < cases["occurred_at"]).all()


def test_what_the_parties_bear_sums_to_the_total_in_every_version(tiny_world: World) -> None:
    outcomes = tiny_world["outcomes"]
    assert (outcomes.select(f"{party}_minor" for party in PARTIES).sum_horizontal() == outcomes["total_minor"]).all()


def test_every_case_has_one_cause_and_the_whole_blame_in_the_truth(tiny_world: World) -> None:
    causes = tiny_world["truth/causes"]
    assert causes["case_id"].is_unique().all()
    assert set(causes["cause"]) <= set(NAMES)
    assert (causes.select(f"{party}_share" for party in PARTIES).sum_horizontal() - 1).abs().max() < 1e-9
    assert 0.02 < 1 - causes["decidable"].mean() < 0.4


@pytest.mark.parametrize("label", ["claim", "responsibility"])
def test_an_ideal_observer_is_better_than_a_guess_and_worse_than_certain(tiny_world: World, label: str) -> None:
    decisions = tiny_world["truth/decisions"].filter(pl.col("label") == label)
    assert decisions["oracle"].is_between(0, 1).all()
    so, not_so = decisions.filter(pl.col("truth") == 1)["oracle"], decisions.filter(pl.col("truth") == 0)["oracle"]
    assert so.mean() > not_so.mean() * 1.2
    assert (decisions["oracle"] - decisions["truth"]).abs().max() > 0.05


def test_refund_abuse_is_seldom_expected_where_hardly_anybody_commits_it(tiny_world: World) -> None:
    decisions = tiny_world["truth/decisions"].filter(pl.col("label") == "refund_abuse")
    assert decisions["oracle"].is_between(0, 1).all()
    assert decisions["oracle"].mean() < 0.05


def test_claims_come_true_about_as_often_as_expected(tiny_world: World) -> None:
    claims = tiny_world["truth/decisions"].filter(pl.col("label") == "claim")
    assert claims["oracle"].mean() == pytest.approx(claims["truth"].mean(), rel=0.3)


def test_conversations_come_before_the_sellers_deadline(tiny_world: World) -> None:
    first = tiny_world["cases"].filter(pl.col("version") == 1).select("case_id", "respond_by", opened="occurred_at")
    messages = tiny_world["messages"].join(first, on="case_id", how="inner")
    assert messages["text"].null_count() == 0
    assert (messages["occurred_at"] > messages["opened"]).all()
    assert (messages["known_at"] < messages["respond_by"]).all()


def test_texts_of_cases_hardly_ever_repeat(tiny_world: World) -> None:
    texts = tiny_world["cases"].filter(pl.col("version") == 1)["text"].drop_nulls()
    assert texts.n_unique() > 0.9 * texts.len()


def test_labels_of_cases_follow_their_decisions(tiny_world: World) -> None:
    labels = tiny_world["labels"].filter(pl.col("label").is_in(["refund_abuse", "responsibility"]))
    assert set(labels["label"]) >= {"responsibility"}
    assert (labels["known_at"] > labels["occurred_at"]).all()
