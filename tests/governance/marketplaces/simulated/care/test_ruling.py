"""Outcomes and appeals: whoever bears it, the parts sum to the whole."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.marketplaces.simulated.care import ruling, traces
from governance.marketplaces.simulated.care.appeals import put_appeals
from governance.marketplaces.simulated.care.cases import filed
from governance.marketplaces.simulated.care.causes import NAMES, PARTIES, blame_of
from governance.marketplaces.simulated.care.verdicts import INSPECTION, say_abuse, say_responsibility
from governance.marketplaces.simulated.chance import DAY, Bools, Draw, Floats
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.said import AUTOMATIC

from .conftest import Trade


@dataclass(frozen=True)
class Settled:
    """Cases and what was decided in them."""

    cases: pl.DataFrame
    outcomes: pl.DataFrame
    later: pl.DataFrame
    paid: Bools
    refused: Bools
    outbox: Outbox


@pytest.fixture(scope="module")
def settled(trade: Trade) -> Settled:
    cases = trade.lines.filter(pl.col("cause") >= 0)
    seen = traces.drawn(Draw(1, 1, "traces"), cases["line_key"].to_numpy(), cases["cause"].to_numpy())
    blame = blame_of(cases, cases["cause"].to_numpy())
    cases = filed(trade.today, cases.hstack(seen)).with_columns(
        cause_name=pl.Series(NAMES).gather(cases["cause"]),
        right_name=pl.Series(PARTIES).gather(np.argmax(blame, axis=1)),
    )
    draw, outbox = Draw(1, 1, "outcomes"), Outbox()
    paid, refused = ruling.quick(draw, cases, (cases["abuse"] > 0).to_numpy() * 5.0)
    outcomes = ruling.decided(
        draw, cases, parties=blame * 0.7 + 0.075, false_story=blame[:, 0] * 0.3, paid=paid, refused=refused
    )
    later = put_appeals(outbox, trade.today, outcomes, blame)
    say_abuse(outbox, trade.today, cases, paid=paid, refused=refused)
    say_responsibility(outbox, trade.today, outcomes, later)
    return Settled(cases, outcomes, later, paid, refused, outbox)


def rows(outbox: Outbox, table: str) -> pl.DataFrame:
    return pl.concat(outbox._new[table])


def test_what_the_parties_bear_sums_to_the_total_before_and_after_appeals(settled: Settled) -> None:
    for outcomes in (settled.outcomes, settled.later):
        parts = outcomes.select(f"{party}_minor" for party in PARTIES)
        assert outcomes.height
        assert (parts.sum_horizontal() == outcomes["total_minor"]).all()
        assert (parts.min_horizontal() >= 0).all()
        assert (outcomes["back_minor"] <= outcomes["amount_minor"]).all()


@settings(deadline=None)
@given(price=st.integers(1, 10**9), seed=st.integers(0, 10**6), party=st.integers(0, len(PARTIES)))
def test_any_amount_is_shared_out_whole(price: int, seed: int, party: int) -> None:
    case = pl.DataFrame({"amount_minor": [price], "shipping_minor": [price // 3], "line_key": [seed]})
    for action in ("refund", "partial_refund", "return_then_refund", "replace", "refuse"):
        split = ruling._split(
            Draw(seed, 0, "split"), np.array([seed]), case, np.array([party]), np.array([True]), np.array([action])
        )
        assert split.select(f"{name}_minor" for name in PARTIES).sum_horizontal()[0] == split["total_minor"][0]


def test_people_decide_after_the_sellers_deadline_and_rules_at_once(settled: Settled) -> None:
    contested = settled.outcomes.filter(pl.col("respond_by").is_not_null())
    by_people = contested.filter(~pl.col("automated"))
    assert (by_people["occurred_at"] >= by_people["respond_by"]).all()
    by_rule = contested.filter(pl.col("automated"))
    assert by_rule.height
    assert (by_rule["known_at"] - by_rule["opened"] < 5 * DAY).all()


def test_appeals_end_and_change_the_outcome_only_where_they_say_so(settled: Settled) -> None:
    appealed = rows(settled.outbox, "appeals")
    assert set(appealed["version"]) == {1, 2}
    assert (appealed.filter(pl.col("version") == 1)["result"] == "open").all()
    changed = appealed.filter(pl.col("result").is_in(["overturned", "split"]))["against_id"]
    assert sorted(changed) == sorted(settled.later["case_id"])


def test_what_a_rule_paid_back_is_never_labelled_and_what_it_refused_only_by_itself_and_auditors(
    settled: Settled,
) -> None:
    labels = rows(settled.outbox, "labels").filter(pl.col("label") == INSPECTION.label)
    paid = settled.cases.filter(pl.Series(settled.paid))["case_id"].to_list()
    refused = settled.cases.filter(pl.Series(settled.refused))["case_id"].to_list()
    assert not labels["entity_id"].is_in(paid).any()
    said_of_refused = labels.filter(pl.col("entity_id").is_in(refused))
    assert set(said_of_refused["labeler"]) <= {AUTOMATIC, "audit"}
    assert said_of_refused.height


def test_the_ruling_is_mostly_right_about_the_seller_and_late(settled: Settled) -> None:
    labels = rows(settled.outbox, "labels").filter(
        (pl.col("label") == "responsibility") & (pl.col("labeler") == "ruling")
    )
    right = settled.cases.select(entity_id="case_id", right="right_name")
    both = labels.join(right, on="entity_id", how="inner")
    agree = ((both["value"] == 1) == (both["right"] == "seller")).mean()
    assert 0.75 < agree < 0.99
    assert (labels["known_at"] > labels["occurred_at"]).all()
    assert both["value"].mean() == pytest.approx(0.5, abs=0.3)


def test_an_appeal_says_in_words_why(settled: Settled) -> None:
    assert rows(settled.outbox, "appeals")["grounds"].str.len_chars().min() > 3


def test_judges_that_know_nothing_rule_for_anybody() -> None:
    key = np.arange(4000, dtype=np.int64)
    unknown: Floats = np.full((4000, len(PARTIES)), 0.25)
    party, _ = ruling._party(Draw(1, 1, "party"), key, unknown)
    assert np.bincount(party, minlength=5)[:4].min() > 300
    assert (party == ruling.UNDETERMINED).mean() == pytest.approx(0.5, abs=0.05)
