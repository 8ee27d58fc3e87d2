"""Ids of the simulated world: numbers that are counted up, shown scrambled, so that an id tells nothing of its age."""

from functools import cache

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Ints, Words

_BITS = 52
_HALF = 26
_MASK = np.uint64((1 << _BITS) - 1)
_FACTORS = (0x9E3779B97F4A7, 0xD1342543DE82F)
_DIGITS = 16
_SHORTEST = 10 ** (_DIGITS - 1)
"""The smallest number of sixteen digits; all below 2^52 have as many once it is added."""

_BUYER_BITS, _NTH_BITS = 26, 12


def identifiers(prefix: str, numbers: Ints, *, seed: int) -> pl.Series:
    """Ids made of a prefix and sixteen digits; another number never gives the same id.

    >>> ids = identifiers("buyer", np.array([0, 1, 2]), seed=7)
    >>> ids.n_unique(), ids.str.len_chars().unique().to_list()
    (3, [22])
    >>> numbers(ids, seed=7).tolist()
    [0, 1, 2]
    """
    # No expression here: ids are made a hundred times a day, and an expression costs seven times what this does.
    digits = pl.Series(_scrambled(numbers.astype(np.uint64), seed).view(np.int64) + _SHORTEST).cast(pl.String)
    return _start(prefix) + digits


def numbers(ids: pl.Series, *, seed: int) -> Ints:
    """The numbers in ids made by `identifiers` with the same seed."""
    words = (ids.str.slice(-_DIGITS).cast(pl.Int64).to_numpy() - _SHORTEST).astype(np.uint64)
    return _unscrambled(words, seed).view(np.int64)


def order_numbers(day: int, buyer: Ints, nth: Ints | int) -> Ints:
    """A number for the nth order of a buyer on a day, the same whatever others do."""
    return (np.int64(day) << (_BUYER_BITS + _NTH_BITS)) | (buyer << _NTH_BITS) | nth


def owners(numbers: Ints) -> Ints:
    """The accounts in numbers made by `order_numbers`."""
    return (numbers >> _NTH_BITS) & ((1 << _BUYER_BITS) - 1)


@cache
def _start(prefix: str) -> pl.Series:
    return pl.Series([f"{prefix}-"])


def _scrambled(words: Words, seed: int) -> Words:
    """Two rounds of xor-shift and odd multiplication modulo 2^52, each one-to-one."""
    words = words ^ _key(seed)
    for factor in _FACTORS:
        words = words ^ (words >> np.uint64(_HALF))
        words = (words * np.uint64(factor)) & _MASK
    return words ^ (words >> np.uint64(_HALF))


def _unscrambled(words: Words, seed: int) -> Words:
    words = words ^ (words >> np.uint64(_HALF))
    for factor in reversed(_FACTORS):
        words = (words * np.uint64(pow(factor, -1, 1 << _BITS))) & _MASK
        words = words ^ (words >> np.uint64(_HALF))
    return words ^ _key(seed)


def _key(seed: int) -> np.uint64:
    return np.uint64((seed * 0x9E3779B97F4A7C15) & ((1 << _BITS) - 1))
