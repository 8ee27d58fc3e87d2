"""Keyed hashes of personal data: the only form in which it gets past the door."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from governance.errors import ConfigurationError

_HEX_CHARACTERS = 32
_KEY_BYTES_AT_LEAST = 16


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """HMAC-SHA256 under a named key (RFC 2104), cut to 128 bits.

    The name of the key stands before each hash, so that values hashed with different keys can be
    told apart when a key is replaced.

    >>> PUBLISHED.column(pl.Series(["01310-100", None])).to_list()
    ['published:36ba278766a57d93f83c1309127dcc09', None]
    """

    key_id: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key_id or ":" in self.key_id:
            raise ConfigurationError(f"key id {self.key_id!r}: give the key a name without a colon")
        if len(self.key) < _KEY_BYTES_AT_LEAST:
            raise ConfigurationError(
                f"key {self.key_id!r} is shorter than {_KEY_BYTES_AT_LEAST} bytes: make a longer one"
            )

    def column(self, values: pl.Series) -> pl.Series:
        """Hash a text column; null stays null, equal values get equal hashes."""
        distinct = values.drop_nulls().unique()
        hashes = pl.Series([self.text(value) for value in distinct], dtype=pl.String)
        return values.replace_strict(distinct, hashes, default=None, return_dtype=pl.String)

    def columns(self, frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        """The frame with the named columns hashed."""
        return frame.with_columns(self.column(frame[name]) for name in names)

    def text(self, value: str) -> str:
        """Hash one text, as `column` does."""
        digest = hmac.digest(self.key, value.encode(), "sha256").hex()
        return f"{self.key_id}:{digest[:_HEX_CHARACTERS]}"


PUBLISHED = KeyedHash("published", b"known to everybody: hides nothing from anybody")
"""For marketplaces whose personal values are already nobody's (synthetic or pseudonymous); protects nothing."""
