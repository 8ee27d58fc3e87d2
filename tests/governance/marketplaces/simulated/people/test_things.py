import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from governance.marketplaces.simulated.people.things import (
    first_of,
    home_network,
    is_public,
    locker,
    moved_from,
    names,
    next_after,
    public_network,
    relay,
    rented,
    spare_of,
)

_OWNERS = st.integers(0, (1 << 26) - 1)


@given(owner=_OWNERS, other=_OWNERS)
def test_what_one_has_is_never_what_another_has(owner: int, other: int) -> None:
    one, two = np.array([owner], dtype=np.int64), np.array([other], dtype=np.int64)
    second = next_after(first_of(one), one)
    things = {int(thing[0]) for thing in (first_of(one), second, next_after(second, one), spare_of(one))}
    assert len(things) == 4
    if owner != other:
        assert not things & {int(thing[0]) for thing in (first_of(two), next_after(first_of(two), two), spare_of(two))}


def test_a_household_that_parts_has_two_devices() -> None:
    home, lodger = np.array([7], dtype=np.int64), np.array([8], dtype=np.int64)
    assert next_after(first_of(home), lodger)[0] == first_of(lodger)[0] + 1


def test_names_do_not_tell_whose_things_they_are() -> None:
    number = np.arange(500, dtype=np.int64)
    draw = (number % 100) / 100
    kinds = [
        first_of(number),
        spare_of(number),
        home_network(number, 40),
        public_network(number % 3, draw, buyers=9_000),
        relay(draw, buyers=9_000),
        locker(number % 3, draw, buyers=9_000),
        rented(1, number),
        moved_from(number, number),
    ]
    lengths = pl.concat([names("device", kind, seed=3) for kind in kinds]).str.len_chars()
    assert lengths.unique().to_list() == [len("device-") + 16]


def test_only_public_networks_are_public() -> None:
    number = np.arange(50, dtype=np.int64)
    assert is_public(public_network(number % 4, number / 50, buyers=30_000)).all()
    assert not is_public(
        np.concatenate([home_network(number, 3), relay(number / 50, buyers=100), rented(number)])
    ).any()


def test_moving_gives_a_home_that_nobody_had() -> None:
    owner = np.array([5, 6], dtype=np.int64)
    first = moved_from(np.array([5, 5], dtype=np.int64), owner)
    second = moved_from(first, owner)
    assert len({5, 6, *first.tolist(), *second.tolist()}) == 6
