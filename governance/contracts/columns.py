"""Columns as tables are written down with them, and those that many tables share."""

from governance.contracts.schema import Column, Kind


def text(name: str, meaning: str, *, nullable: bool = False, personal: bool = False) -> Column:
    """A text."""
    return Column(name=name, kind=Kind.STRING, meaning=meaning, nullable=nullable, personal=personal)


def choice(name: str, meaning: str, *one_of: str) -> Column:
    """One of some words."""
    return Column(name=name, kind=Kind.STRING, meaning=meaning, one_of=one_of)


def count(name: str, meaning: str, *, at_least: int = 0, nullable: bool = False, unit: str | None = None) -> Column:
    """A whole number."""
    return Column(name=name, kind=Kind.INTEGER, meaning=meaning, nullable=nullable, unit=unit, at_least=at_least)


def money(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """An amount in minor units."""
    return count(name, meaning, nullable=nullable, unit="ISO 4217 minor unit")


def number(name: str, meaning: str, low: float, high: float, *, nullable: bool = False, unit: str) -> Column:
    """A real number within bounds."""
    return Column(name=name, kind=Kind.FLOAT, meaning=meaning, nullable=nullable, unit=unit, at_least=low, at_most=high)


def flag(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """Yes or no."""
    return Column(name=name, kind=Kind.BOOLEAN, meaning=meaning, nullable=nullable)


def moment(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """A time."""
    return Column(name=name, kind=Kind.TIMESTAMP, meaning=meaning, nullable=nullable, unit="UTC microseconds")


def latitude(name: str, meaning: str) -> Column:
    """A coarse latitude."""
    return number(name, meaning, -90, 90, nullable=True, unit="degrees, coarse")


def longitude(name: str, meaning: str) -> Column:
    """A coarse longitude."""
    return number(name, meaning, -180, 180, nullable=True, unit="degrees, coarse")


TIMES = (
    moment("occurred_at", "when it happened"),
    moment("known_at", "when we learnt it; decides the daily partition"),
    text("market", "country or region of the marketplace"),
)

CURRENCY = (
    text("currency", "ISO 4217 code of the amounts"),
    # Amounts in the reference currency are whole minor units, halves rounded up, wherever they are computed.
    number("reference_rate", "units of the reference currency for one unit, that day", 1e-9, 1e9, unit="ratio"),
)

VERSION = count("version", "1 when first reported, one more for each correction", at_least=1)

PARTIES = (
    text("buyer_id", "account that bought"),
    text("seller_id", "account that sold; null where an order has several", nullable=True),
    text("product_id", "listing; null where an order has several", nullable=True),
    text("category", "category of the listing; null where an order has several", nullable=True),
)
