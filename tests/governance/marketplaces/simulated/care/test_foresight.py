"""The expected chance of a case at checkout."""

from dataclasses import replace

import numpy as np
import pytest

from governance.marketplaces.simulated.care import foresight
from governance.marketplaces.simulated.care.shipping import ROAD_LOG_SPREAD
from governance.marketplaces.simulated.chance import Draw

from .conftest import ABUSE, Trade


def test_the_delay_is_integrated_as_drawing_it_would() -> None:
    key = np.arange(200_000, dtype=np.int64)
    for left, road in ((1.0, 1.5), (3.0, 1.5), (-0.5, 1.0)):
        delay = Draw(1, 1, "road").lognormal(key, road, ROAD_LOG_SPREAD) - left
        drawn = np.where(delay > 0, 0.04 + 0.05 * np.minimum(delay, 8.0), 0.0).mean()
        found = foresight._when_left(np.array([left]), np.array([road]))[0]
        assert found == pytest.approx(drawn, rel=0.05, abs=2e-4)


def test_cases_are_as_frequent_as_foreseen(trade: Trade) -> None:
    abuse = np.full(trade.lines.height, ABUSE)
    chance = foresight.case_chance(trade.today, trade.lines, trade.sellers, trade.of, abuse)
    truth = (trade.lines["cause"] >= 0).to_numpy()
    assert chance.mean() == pytest.approx(truth.mean(), rel=0.08)
    order = np.argsort(chance, kind="stable")
    for part in np.array_split(order, 5):
        assert chance[part].mean() == pytest.approx(truth[part].mean(), rel=0.25, abs=0.006)


def test_a_suspected_seller_makes_a_case_likelier(trade: Trade) -> None:
    nothing = np.zeros(trade.lines.height)
    suspected = replace(trade.sellers, suspicion=np.full(len(trade.sellers), 0.5))
    plain = foresight.case_chance(trade.today, trade.lines, trade.sellers, trade.of, nothing)
    warned = foresight.case_chance(trade.today, trade.lines, suspected, trade.of, nothing)
    assert (warned > plain).mean() > 0.99
