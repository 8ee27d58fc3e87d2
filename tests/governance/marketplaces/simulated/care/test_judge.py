"""What the ideal judge believes is right as often as it says."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.care import judge, traces
from governance.marketplaces.simulated.care.causes import NUMBER, SELLER, blame_of, habits
from governance.marketplaces.simulated.care.judge import Belief, View
from governance.marketplaces.simulated.care.shipping import usual_handling, usual_road
from governance.marketplaces.simulated.care.telling import heard
from governance.marketplaces.simulated.chance import Bools, Draw, Floats

from .conftest import ABUSE, Trade


@dataclass(frozen=True)
class Judged:
    """Cases with the judge's beliefs at their opening and at the deadline."""

    cases: pl.DataFrame
    seen: pl.DataFrame
    opening: Belief
    deadline: Belief


@pytest.fixture(scope="module")
def judged(trade: Trade) -> Judged:
    cases = trade.lines.filter(pl.col("cause") >= 0)
    seen = traces.drawn(Draw(1, 1, "traces"), cases["line_key"].to_numpy(), cases["cause"].to_numpy())
    seller = cases["seller"].to_numpy()
    view = View(
        of=habits(cases, trade.complaint, trade.sellers.defects),
        suspicion=np.zeros(cases.height),
        usual_handling=usual_handling(trade.sellers, seller),
        usual_road=usual_road(cases["distance_km"].to_numpy()),
        abuse=np.full(cases.height, ABUSE),
    )
    shown = judge.opening(seen)
    first = shown + traces.overheard(traces.TONE, heard(trade.today, cases.hstack(seen)))
    later = shown + judge.hearing(seen)
    return Judged(cases, seen, judge.believe(cases, view, first), judge.believe(cases, view, later))


def gaps(posterior: Floats, truth: Bools) -> Floats:
    """Mean posterior less the share of what was so, in fifths of the cases by posterior."""
    return np.array([(part[:, 0] - part[:, 1]).mean() for part in np.array_split(_sorted(posterior, truth), 5)])


def _sorted(posterior: Floats, truth: Bools) -> Floats:
    pairs = np.column_stack([posterior, truth])
    return pairs[np.argsort(posterior, kind="stable")]


def test_a_false_story_is_as_likely_as_the_judge_believes(judged: Judged) -> None:
    truth = (judged.cases["cause"] == NUMBER["false_story"]).to_numpy()
    assert np.abs(gaps(judged.opening.false_story, truth)).max() < 0.05
    assert np.abs(gaps(judged.deadline.false_story, truth)).max() < 0.05


def test_the_seller_bears_most_as_often_as_the_judge_believes(judged: Judged) -> None:
    truth = blame_of(judged.cases, judged.cases["cause"].to_numpy())[:, SELLER] > 0.5
    contested = (judged.seen["kind"] != traces.KINDS.index("cancellation")).to_numpy()
    assert np.abs(gaps(judged.deadline.seller_bears_most[contested], truth[contested])).max() < 0.08


def test_hearing_both_sides_helps_but_some_cases_stay_undecidable(judged: Judged) -> None:
    sure_at_first, sure_later = (one.parties.max(axis=1).mean() for one in (judged.opening, judged.deadline))
    assert sure_later > sure_at_first + 0.02
    assert 0.05 < 1 - judged.deadline.decidable.mean() < 0.3


def test_parties_share_the_whole_blame(judged: Judged) -> None:
    assert judged.deadline.parties.sum(axis=1) == pytest.approx(1.0)
    assert judged.deadline.causes.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "trace", [*traces.OPENING, traces.TONE, *traces.PHOTO, *traces.HEARING], ids=lambda trace: trace.name
)
def test_no_value_of_a_trace_belongs_to_members_alone(trace: traces.Trace) -> None:
    members = trace.shares[NUMBER["false_story"]]
    others = np.delete(trace.shares, NUMBER["false_story"], axis=0).max(axis=0)
    assert (others[members > 0] > 0).all()
    assert trace.shares.sum(axis=1) == pytest.approx(1.0)


def test_a_text_in_a_tone_is_mostly_likely_in_that_tone(trade: Trade, judged: Judged) -> None:
    likely = heard(trade.today, judged.cases.hstack(judged.seen))
    tone = judged.seen["tone"].to_numpy()
    assert (likely[np.arange(len(tone)), tone] > 0).all()
    share = likely / likely.sum(axis=1, keepdims=True)
    means = np.array([share[tone == value].mean(axis=0) for value in range(len(traces.TONES))])
    assert (means.argmax(axis=0) == np.arange(len(traces.TONES))).all()
    assert means.max() < 0.95
