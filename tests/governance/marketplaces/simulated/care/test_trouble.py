"""Carriers' strikes and bad weeks."""

from datetime import date

import numpy as np
import pytest

from governance.marketplaces.simulated.care import trouble
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.markets import MARKETS


def day(index: int) -> Today:
    return Today(3, date(2024, 1, 1), index)


def test_a_bad_week_is_one_week_of_one_carrier_in_one_region_and_shows_after_two_days() -> None:
    where, carrier, region = np.zeros(4, np.int64), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    weeks = [trouble.bad_week(day(index), where, carrier, region) for index in range(700)]
    slower, seen = np.array([one[0] for one in weeks]), np.array([one[1] for one in weeks])
    assert (slower > 0).mean() == pytest.approx(trouble.BAD_WEEKS, abs=0.03)
    assert set(slower[slower > 0].round(9)) == set(slower[seen].round(9)), "a week that is bad is seen at some time"
    assert (slower[seen] > 0).all()
    assert seen.sum() == (slower > 0).sum() * 5 / 7
    assert not np.array_equal(slower[:, 0] > 0, slower[:, 1] > 0), "regions have weeks of their own"


def test_a_strike_ends_and_leaves_other_carriers_alone() -> None:
    where, carrier = np.zeros(3, np.int64), np.arange(3)
    left = np.array([trouble.on_strike(day(index), where, carrier)[0] for index in range(600)])
    assert 0 < (left > 0).mean() < 0.05
    assert left.max() < 6
    assert not (left > 0).all(axis=1).any()


def test_a_region_is_the_nearest_city() -> None:
    where = np.repeat(np.arange(len(MARKETS)), 2)
    cities = np.array([market.cities[place] for market in MARKETS for place in (0, 2)])
    assert trouble.region(where, cities[:, 0] + 0.2, cities[:, 1]).tolist() == [0, 2] * len(MARKETS)
