"""Names of what people use: devices, networks, telephones, addresses and instruments.

All names of one kind look alike, whoever has the thing: sixteen digits that tell nothing of the number behind them.
Numbers up to 2^40 belong to households and buyers, those above to what is shared or rented.
"""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Floats, Ints, joint
from governance.marketplaces.simulated.ids import identifiers

_GENERATIONS = 64
_MOVE = 1 << 26
_PUBLIC = np.int64(1) << 41
_RENTED = np.int64(1) << 42
_SPARE = np.int64(1) << 43
_RENTED_KINDS = (1 << 41) - 1

HOME_LEASE_DAYS = 100
"""Homes get a new network address from their provider after so many days."""


def first_of(owner: Ints) -> Ints:
    """The number of the first device, phone or instrument of a household or buyer."""
    return owner * _GENERATIONS


def next_after(number: Ints, owner: Ints) -> Ints:
    """The number of what a buyer has after replacing the thing `number`."""
    own = number // _GENERATIONS == owner
    return owner * _GENERATIONS + np.where(own, (number + 1) % _GENERATIONS, 1)


def spare_of(owner: Ints) -> Ints:
    """The number of a second device or instrument of a buyer."""
    return _SPARE + owner


def home_network(household: Ints, day: int) -> Ints:
    """The network of a home on a day; the provider changes it now and then."""
    lease = (day + household * 37) // HOME_LEASE_DAYS
    return household * _GENERATIONS + lease % _GENERATIONS


def public_network(market: Ints, draw: Floats, *, buyers: int) -> Ints:
    """One of the public networks of a market (mobile carriers, cafes, offices), the first ones the busiest.

    Parameters
    ----------
    draw
        Uniform numbers of [0, 1).
    buyers
        Buyers that the world is made for; there is a public network for about 60 of them in each market.
    """
    count = max(buyers // 180, 5)
    return _PUBLIC + market * (1 << 24) + np.floor(count * draw**2).astype(np.int64)


def relay(draw: Floats, *, buyers: int) -> Ints:
    """One of the networks of relay services (VPNs), which serve people of every market, honest or not."""
    return rented(5, np.floor(max(buyers // 2500, 4) * draw).astype(np.int64))


def rented(*numbers: Ints | int) -> Ints:
    """The number of a thing that somebody rents for a purpose, named by what it is for."""
    return _RENTED + (joint(*numbers) & _RENTED_KINDS)


def names(kind: str, numbers: Ints, *, seed: int) -> pl.Series:
    """Names of things of a kind (`device`, `network`, `phone`, `address`, `instrument`)."""
    return identifiers(kind, numbers, seed=seed)


def is_public(network: Ints) -> Bools:
    """Whether these are public networks."""
    return (network >= _PUBLIC) & (network < _RENTED)


def moved_from(household: Ints, owner: Ints) -> Ints:
    """The number of the home that a buyer moves to."""
    return owner + (household // _MOVE % _GENERATIONS + 1) * _MOVE


def locker(market: Ints, draw: Floats, *, buyers: int) -> Ints:
    """The number of a parcel locker or shop of a market that parcels can be sent to, some of them busier."""
    return rented(6, market, np.floor((buyers // 600 + 3) * draw**1.5).astype(np.int64))
