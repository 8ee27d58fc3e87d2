"""Label rates: rows of one seller depend on each other, and the test must not take them for independent."""

import numpy as np
import polars as pl
import pytest

from monitoring.proportions import Proportion


def claims(seed, *, sellers=150, spread=1.0, factor=1.0):
    """Some lines of each seller, which has a rate of claims of its own, .06 on average where `factor` is 1."""
    rng = np.random.default_rng(seed)
    lines = rng.poisson(12, sellers)
    rates = np.clip(0.06 * factor * rng.lognormal(-(spread**2) / 2, spread, sellers), 0, 1)
    seller = np.repeat(np.arange(sellers), lines)
    return pl.DataFrame({"seller": seller, "label": (rng.random(len(seller)) < rates[seller]).astype(int)})


def p_values(repeats, **options):
    sides = [[claims([side, seed]) for side in (0, 1)] for seed in range(repeats)]
    return np.array([Proportion.of(a, **options).p_value(Proportion.of(b, **options)) for a, b in sides])


def test_rows_that_a_seller_repeats_count_as_one():
    rng = np.random.default_rng(0)
    once = pl.DataFrame({"seller": np.arange(2_000), "label": (rng.random(2_000) < 0.1).astype(int)})
    tenfold = Proportion.of(pl.concat([once] * 10), group="seller")
    assert tenfold.design_effect == pytest.approx(10, rel=0.01)
    assert tenfold.rate == Proportion.of(once).rate
    assert Proportion.of(once, group="seller").design_effect == pytest.approx(1, rel=0.01)


def test_without_a_positive_each_seller_speaks_once():
    silent = pl.DataFrame({"seller": [1, 1, 1, 2, 2, 2], "label": [0] * 6})
    assert Proportion.of(silent, group="seller") == Proportion(0, 6, 3.0)
    assert Proportion.of(silent.head(0), group="seller") == Proportion(0, 0)


def test_sellers_with_rates_of_their_own_do_not_make_label_rates_drift():
    naive, honest = p_values(300), p_values(300, group="seller")
    assert (naive < 0.05).mean() > 0.1
    assert (honest < 0.05).mean() <= 0.07


def test_a_rate_that_doubles_is_found_though_lines_depend_on_each_other():
    found = [
        Proportion.of(claims([0, seed]), group="seller").p_value(
            Proportion.of(claims([1, seed], factor=2.0), group="seller")
        )
        for seed in range(20)
    ]
    assert sum(p_value < 0.005 for p_value in found) >= 18


def test_the_order_of_rows_makes_no_difference():
    matured = claims([0, 1])
    shuffled = matured.sample(fraction=1.0, shuffle=True, seed=2)
    assert Proportion.of(shuffled, group="seller") == Proportion.of(matured, group="seller")
