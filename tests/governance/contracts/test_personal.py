"""Keyed hashes of personal data."""

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.personal import PUBLISHED, KeyedHash
from governance.errors import ConfigurationError

SECRET = KeyedHash("2026-a", b"sixteen bytes or more")


@given(st.lists(st.one_of(st.none(), st.text())))
def test_each_value_becomes_its_own_hmac_and_null_stays_null(values: list[str | None]) -> None:
    hashed = SECRET.column(pl.Series("address", values, dtype=pl.String))

    expected = [
        None if value is None else "2026-a:" + hmac.new(SECRET.key, value.encode(), hashlib.sha256).hexdigest()[:32]
        for value in values
    ]
    assert hashed.to_list() == expected
    assert hashed.name == "address"


def test_another_key_gives_another_hash_and_says_which_key_it_was() -> None:
    address = pl.Series(["01310-100"])

    assert PUBLISHED.column(address)[0].startswith("published:")
    assert SECRET.column(address)[0].startswith("2026-a:")
    assert SECRET.column(address)[0][-32:] != PUBLISHED.column(address)[0][-32:]


def test_only_the_named_columns_of_a_frame_are_hashed() -> None:
    frame = pl.DataFrame({"address": ["somewhere"], "price_minor": [1]})

    hashed = SECRET.columns(frame, ["address"])

    assert hashed["address"][0].startswith("2026-a:")
    assert hashed["price_minor"].to_list() == [1]


def test_the_key_is_never_printed() -> None:
    assert "sixteen" not in repr(SECRET)


@pytest.mark.parametrize(("key_id", "key"), [("a", b"short"), ("", b"x" * 16), ("a:b", b"x" * 16)])
def test_a_key_that_would_not_protect_or_cannot_be_told_apart_is_refused(key_id: str, key: bytes) -> None:
    with pytest.raises(ConfigurationError):
        KeyedHash(key_id, key)
