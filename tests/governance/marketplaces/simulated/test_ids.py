"""Ids: one for each number, back again, and without a trace of their age."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.marketplaces.simulated.ids import identifiers, numbers, order_numbers


@given(st.lists(st.integers(0, 2**52 - 1), unique=True, min_size=1, max_size=100), st.integers(0, 2**31))
def test_ids_lead_back_to_their_numbers_and_never_clash(wanted: list[int], seed: int) -> None:
    ids = identifiers("buyer", np.array(wanted), seed=seed)
    assert ids.n_unique() == len(wanted)
    assert numbers(ids, seed=seed).tolist() == wanted


def test_the_order_of_ids_tells_nothing_of_the_order_of_numbers() -> None:
    ids = identifiers("seller", np.arange(5_000), seed=7)
    assert abs(np.corrcoef(np.arange(5_000), ids.rank().to_numpy())[0, 1]) < 0.05
    assert ids.str.len_chars().n_unique() == 1


def test_another_seed_gives_other_ids() -> None:
    one, other = (set(identifiers("buyer", np.arange(1_000), seed=seed)) for seed in (7, 8))
    assert not one & other


@pytest.mark.parametrize("day", [0, 364, 5_000])
def test_orders_have_numbers_of_their_own(day: int) -> None:
    buyer, nth = np.meshgrid([0, 1, 2**26 - 1], [0, 15, 4_095])
    found = order_numbers(day, buyer.ravel(), nth.ravel())
    assert len(np.unique(found)) == 9
    assert (found < 2**52).all()
    assert not set(found) & set(order_numbers(day + 1, buyer.ravel(), nth.ravel()))
