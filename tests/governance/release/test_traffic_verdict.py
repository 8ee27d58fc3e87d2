"""When a window of traffic says that what is new is out of band, over values alone."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.release.records import Pointer
from governance.release.traffic_verdict import Counts, judge_traffic, may_be_taken_back, share_interval

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
USUAL = Counts(requests=10_000, errors=3, slow=5, acted=300)


@pytest.mark.parametrize(
    ("new", "state", "words"),
    [
        (Counts(1_000, 0, 0, 30), "healthy", "1000 requests"),
        (Counts(199, 0, 0, 6), "unclear", "199 of 200 requests"),
        (Counts(), "unclear", "0 of 200"),
        (Counts(9, 9, 0, 0), "unclear", "9 of 200"),
        (Counts(12, 12, 0, 0), "out_of_band", r"errors: 12 of 12 \(100 %\), usual 3 of 10000"),
        (Counts(1_000, 5, 0, 30), "healthy", ""),
        (Counts(1_000, 40, 0, 30), "out_of_band", "errors: 40 of 1000"),
        (Counts(1_000, 0, 60, 30), "out_of_band", "slow scores: 60 of 1000"),
        (Counts(1_000, 0, 0, 120), "out_of_band", r"acts on 120 of 1000 \(12 %\), usual 300 of 9997 \(3 %\)"),
        (Counts(1_000, 0, 0, 50), "healthy", ""),
        (Counts(4_000, 0, 0, 10), "out_of_band", "acts on 10 of 4000"),
        (Counts(200, 0, 0, 0), "healthy", ""),
    ],
)
def test_a_window_beside_a_usual_one(new: Counts, state: str, words: str) -> None:
    verdict = judge_traffic(new, USUAL)
    assert verdict.state == state, verdict
    assert re.search(words, verdict.reason)


@pytest.mark.parametrize(
    ("new", "state"),
    [
        (Counts(500, 0, 0, 499), "healthy"),
        (Counts(500, 30, 0, 0), "out_of_band"),
        (Counts(500, 0, 40, 0), "out_of_band"),
    ],
    ids=["its action rate is not judged", "errors are", "slowness is"],
)
def test_without_anything_usual_the_bounds_alone_hold(new: Counts, state: str) -> None:
    assert judge_traffic(new, Counts()).state == state


def test_when_both_fail_alike_the_fault_is_not_the_new_one_s() -> None:
    assert judge_traffic(Counts(1_000, 300, 0, 20), Counts(9_000, 2_700, 0, 200)).state == "healthy"


@given(st.integers(0, 5_000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_model_is_never_out_of_band_beside_itself(requests: int, errors: float, slow: float, acted: float) -> None:
    failed = int(errors * requests)
    counts = Counts(requests, failed, int(slow * (requests - failed)), int(acted * (requests - failed)))
    assert judge_traffic(counts, counts).state != "out_of_band"


@pytest.mark.parametrize("rate", [0.002, 0.03, 0.3])
def test_like_models_are_not_ended_by_chance_however_often_one_looks(rate: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(500):
        new, usual = Counts(), Counts()
        for _ in range(30):
            new, usual = more(rng, new, 40, rate), more(rng, usual, 360, rate)
            assert judge_traffic(new, usual).state != "out_of_band"


def test_a_model_that_acts_fourfold_is_found_within_a_thousand_requests() -> None:
    rng, found = np.random.default_rng(7), []
    for _ in range(100):
        new = Counts()
        while judge_traffic(new, USUAL).state != "out_of_band":
            new = more(rng, new, 10, 4 * 0.03)
        found.append(new.requests)
    assert sorted(found)[95] <= 1_000


def more(rng: np.random.Generator, counts: Counts, requests: int, rate: float) -> Counts:
    """Counts after further requests, of which one in a thousand fails."""
    errors = int(rng.binomial(requests, 0.001))
    acted = int(rng.binomial(requests - errors, rate))
    return Counts(counts.requests + requests, counts.errors + errors, 0, counts.acted + acted)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_an_interval_holds_the_share_and_narrows_with_more(out_of: int, share: float) -> None:
    bad = int(share * out_of)
    low, high = share_interval(bad, out_of, sigmas=3)
    assert 0 <= low <= bad / out_of + 1e-12
    assert bad / out_of - 1e-12 <= high <= 1
    wide = share_interval(bad * 4, out_of * 4, sigmas=3)
    assert wide[1] - wide[0] <= high - low + 1e-12


def pointer(champion: str, generation: int, *, minutes_ago: int = 5) -> Pointer:
    at = AT - timedelta(minutes=minutes_ago)
    return Pointer(
        champion=champion, as_of=date(2026, 1, 5), previous=None, generation=generation, who="ana", reason="why", at=at
    )


def test_only_a_fresh_champion_that_never_served_before_is_taken_back_without_a_person() -> None:
    way = [pointer("a", 1, minutes_ago=500), pointer("b", 2, minutes_ago=400), pointer("a", 3)]
    assert may_be_taken_back(pointer("c", 4), way, at=AT)
    assert not may_be_taken_back(pointer("c", 4, minutes_ago=60), way, at=AT)
    assert not may_be_taken_back(way[-1], way, at=AT)
    assert may_be_taken_back(pointer("c", 4), [*way, pointer("c", 4)], at=AT)
