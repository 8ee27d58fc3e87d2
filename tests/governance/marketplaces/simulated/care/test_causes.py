"""Causes strike as often as their chances say, and blame is shared out whole."""

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.care import causes
from governance.marketplaces.simulated.care.causes import BLAME, CAUSES, LOGISTICS, NAMES, NUMBER, SELLER
from governance.marketplaces.simulated.care.shipping import plan_shipping
from governance.marketplaces.simulated.chance import DAY
from governance.marketplaces.simulated.plans import EMPTY

from .conftest import Trade, placed


def test_all_blame_is_somebodys() -> None:
    assert BLAME.sum(axis=1).tolist() == pytest.approx([1.0] * len(CAUSES))


def test_causes_strike_as_often_as_their_chances_say(trade: Trade) -> None:
    honest = trade.lines.filter(pl.col("abuse") == 0)
    of = causes.habits(honest, trade.complaint, trade.sellers.defects)
    expected = sum(causes.on_arrival(of).values()).mean()
    arrived = ("mix_up", "wrong_item", "defect", "damaged", "poor_packing", "misdescribed", "mistranslated",
               "second_thoughts", "misuse", "misdelivered", "overlooked", "overcharged")  # fmt: skip
    assert honest["cause"].is_in([NUMBER[name] for name in arrived]).mean() == pytest.approx(expected, rel=0.1)


def test_what_was_ordered_for_a_story_mostly_becomes_one(trade: Trade) -> None:
    told = trade.lines.filter(pl.col("cause") == NUMBER["false_story"])
    ordered = trade.lines.filter((pl.col("abuse") > 0) & ~pl.col("lost"))
    assert (told["abuse"] > 0).all()
    assert 0.8 < told.height / ordered.height < 0.95


def test_no_case_is_older_than_its_order_and_all_come_within_fifty_days(trade: Trade) -> None:
    struck = trade.lines.filter(pl.col("cause") >= 0)
    age = (struck["opened"] - struck["occurred_at"]) / DAY
    assert age.min() > 0
    assert age.max() <= causes.OPENED_WITHIN_DAYS


def test_the_fate_of_a_line_does_not_depend_on_other_lines(trade: Trade) -> None:
    some = placed(trade.today, trade.sellers).sample(500, shuffle=True, seed=1)
    again = plan_shipping(trade.today, some, trade.sellers)
    again = causes.strike(trade.today, again, causes.habits(again, trade.complaint, trade.sellers.defects))
    same = trade.lines.filter(pl.col("line_key").is_in(some["line_key"].to_list()))
    assert again.sort("line_key").equals(same.sort("line_key"))


def test_accomplices_never_complain(trade: Trade) -> None:
    lines = trade.lines.with_columns(parcel=pl.lit(EMPTY)).drop("cause", "cancelled", "opened")
    assert (causes.strike(trade.today, lines, trade.of)["cause"] == causes.NONE).all()


def test_a_late_parcel_is_blamed_on_whoever_delayed_it() -> None:
    late = pl.DataFrame(
        {"handed_over": [0, 2 * DAY, 3 * DAY], "ship_by": [DAY, DAY, DAY], "late_days": [2.0, 2.0, 1.5]}
    )
    blame = causes.blame_of(late, np.full(3, NAMES.index("late")))
    assert blame[:, SELLER].tolist() == [0.0, 0.5, 1.0]
    assert blame[:, LOGISTICS].tolist() == [1.0, 0.5, 0.0]
