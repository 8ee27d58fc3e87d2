"""The counters of the project: bursts that a profile of whole days sees too late."""

from collections.abc import Collection, Sequence

from governance.counters.definition import Counter
from governance.errors import ConfigurationError

_LOGIN = {"kind": ("login",)}
_FIRST = {"version": (1,)}

COUNTERS: tuple[Counter, ...] = (
    Counter(
        name="buyer_lines", table="orders", key="buyer_id", measure="count", meaning="lines that the buyer ordered"
    ),
    Counter(
        name="buyer_spend",
        table="orders",
        key="buyer_id",
        measure="sum",
        of="price_minor",
        meaning="price of the lines that the buyer ordered, reference minor units",
    ),
    Counter(
        name="buyer_devices",
        table="orders",
        key="buyer_id",
        measure="distinct",
        of="device",
        meaning="devices that the buyer ordered from",
    ),
    Counter(
        name="device_buyers",
        table="orders",
        key="device",
        measure="distinct",
        of="buyer_id",
        meaning="buyers who ordered from the device",
    ),
    Counter(
        name="instrument_buyers",
        table="orders",
        key="instrument",
        measure="distinct",
        of="buyer_id",
        meaning="buyers who paid with the instrument",
    ),
    Counter(
        name="address_buyers",
        table="orders",
        key="address",
        measure="distinct",
        of="buyer_id",
        meaning="buyers who order to the address",
    ),
    Counter(
        name="seller_lines", table="orders", key="seller_id", measure="count", meaning="lines ordered from the seller"
    ),
    Counter(
        name="seller_buyers",
        table="orders",
        key="seller_id",
        measure="distinct",
        of="buyer_id",
        meaning="buyers who ordered from the seller",
    ),
    Counter(
        name="coupon_lines", table="orders", key="coupon", measure="count", meaning="lines ordered with the coupon"
    ),
    Counter(
        name="account_wrong_passwords",
        table="sessions",
        key="account_id",
        measure="count",
        where={**_LOGIN, "outcome": ("wrong_password",)},
        meaning="logins to the account with a wrong password",
    ),
    Counter(
        name="account_devices",
        table="sessions",
        key="account_id",
        measure="distinct",
        of="device",
        meaning="devices that visited the account",
    ),
    Counter(
        name="device_accounts",
        table="sessions",
        key="device",
        measure="distinct",
        of="account_id",
        where=_LOGIN,
        meaning="accounts that the device logged into, or tried",
    ),
    Counter(
        name="network_accounts",
        table="sessions",
        key="network",
        measure="distinct",
        of="account_id",
        where=_LOGIN,
        meaning="accounts that the network logged into, or tried",
    ),
    Counter(
        name="network_sign_ups",
        table="accounts",
        key="network",
        measure="distinct",
        of="account_id",
        same=("signed_up_at", "occurred_at"),
        meaning="accounts opened from the network",
    ),
    Counter(
        name="device_sign_ups",
        table="accounts",
        key="device",
        measure="distinct",
        of="account_id",
        same=("signed_up_at", "occurred_at"),
        meaning="accounts opened from the device",
    ),
    Counter(
        name="account_changes",
        table="account_changes",
        key="account_id",
        measure="count",
        meaning="details of the account that were changed",
    ),
    Counter(
        name="buyer_cases_opened",
        table="cases",
        key="buyer_id",
        measure="count",
        where=_FIRST,
        meaning="after-sales cases that the buyer opened",
    ),
    Counter(
        name="seller_cases_opened",
        table="cases",
        key="seller_id",
        measure="count",
        where=_FIRST,
        meaning="after-sales cases about the seller's lines",
    ),
)


_BY_NAME = {counter.name: counter for counter in COUNTERS}


def named(names: Sequence[str]) -> tuple[Counter, ...]:
    """The counters of these names, in their order.

    Raises
    ------
    ConfigurationError
        There is none of a name.
    """
    if unknown := [name for name in names if name not in _BY_NAME]:
        raise ConfigurationError(f"there is no counter {unknown[0]!r}; counters are {', '.join(_BY_NAME)}")
    return tuple(_BY_NAME[name] for name in names)


def counters_over(tables: Collection[str]) -> tuple[Counter, ...]:
    """The counters of the tables that a marketplace delivers."""
    return tuple(counter for counter in COUNTERS if counter.table in tables)
