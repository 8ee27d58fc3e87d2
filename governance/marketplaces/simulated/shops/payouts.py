"""Payouts: once a week each seller is paid for what it sold the week before last, less what it owes and a reserve."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import PAYOUTS
from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, NEVER, Bools, Ints, Today
from governance.marketplaces.simulated.ids import identifiers, numbers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.shops.listings import rates

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

PERIOD_DAYS = 7
RESERVE_SHARE, RESERVE_DAYS = 0.1, 60
"""Part of every payout that is kept from sellers that are younger than so many days."""

RELEASED_SHARE = 0.2
"""Part of the reserve that is released with every payout of a seller that is older than that."""

_MARKET = pl.Series([market.name for market in MARKETS])
_CURRENCY = pl.Series([market.currency for market in MARKETS])


@dataclass(slots=True)
class Accounts:
    """What is owed to each seller, in minor units: for the `current` period, for the one `before` it, what is held back
    while it is stopped, the `reserve`, and what it owes for cases (`debt`).
    """

    current: Ints
    before: Ints
    held: Ints
    reserve: Ints
    debt: Ints


def empty_accounts(size: int) -> Accounts:
    """Nothing is owed to so many sellers."""
    return Accounts(*(np.zeros(size, dtype=np.int64) for _ in range(5)))


def earn(world: "World", lines: pl.DataFrame) -> None:
    """Credit sellers with today's lines: price and shipping, less their own discounts and the commission."""
    own = pl.col("discount_minor") - pl.col("subsidy_minor")
    commission = (pl.col("price_minor") * pl.col("commission_rate")).round().cast(pl.Int64)
    earned = lines.select_seq(pl.col("price_minor") + pl.col("shipping_minor") - own - commission).to_series()
    np.add.at(world.shops.accounts.current, lines["seller"].to_numpy(), earned.to_numpy())


def charge(world: "World", outcomes: pl.DataFrame) -> None:
    """Charge sellers what they bear in cases, as first decided."""
    first = outcomes.filter((pl.col("version") == 1) & pl.col("seller_id").is_not_null())
    seller = numbers(first["seller_id"], seed=world.settings.seed)
    np.add.at(world.shops.accounts.debt, seller, first["seller_minor"].to_numpy())


def settle(world: "World", today: Today) -> None:
    """Pay the sellers whose day of the week it is."""
    sellers, accounts = world.shops.sellers, world.shops.accounts
    chosen = sellers.numbers[(sellers.numbers + today.index) % PERIOD_DAYS == 0]
    stopped = sellers.shut_until[chosen] > today.index
    banned = sellers.shut_until[chosen] == NEVER
    due = accounts.before[chosen]
    borne = np.minimum(accounts.debt[chosen], due)
    young = (today.index - sellers.joined[chosen]) < RESERVE_DAYS
    reserve = np.where(young, np.rint((due - borne) * RESERVE_SHARE), 0).astype(np.int64)
    released = np.where(young | stopped, 0, np.rint(accounts.reserve[chosen] * RELEASED_SHARE)).astype(np.int64)
    back = np.where(stopped, 0, accounts.held[chosen])
    amount = due - borne - reserve + released + back
    held = np.where(stopped, amount, 0)
    _book(world, chosen, borne=borne, reserve=reserve, released=released, held=held - back)
    _put(world, today, chosen, amount - held, held, reserve, released, stopped=stopped, banned=banned)


def _book(world: "World", chosen: Ints, *, borne: Ints, reserve: Ints, released: Ints, held: Ints) -> None:
    accounts = world.shops.accounts
    accounts.debt[chosen] -= borne
    accounts.reserve[chosen] += reserve - released
    accounts.held[chosen] += held
    accounts.before[chosen] = accounts.current[chosen]
    accounts.current[chosen] = 0


def _put(
    world: "World",
    today: Today,
    chosen: Ints,
    amount: Ints,
    held: Ints,
    reserve: Ints,
    released: Ints,
    *,
    stopped: Bools,
    banned: Bools,
) -> None:
    """A row when a payout is scheduled or held, and another when it is paid the day after."""
    sellers = world.shops.sellers
    draw = today.draw("payouts of sellers")
    at = today.start + draw.integers(chosen, 2 * HOUR, 6 * HOUR)
    market = sellers.market[chosen]
    frame = pl.DataFrame(
        {
            "payout_id": identifiers("payout", order_numbers(today.index, chosen, 0), seed=today.seed),
            "occurred_at": at,
            "known_at": at + MINUTE,
            "market": _MARKET[market],
            "account_id": identifiers("seller", chosen, seed=today.seed),
            "amount_minor": amount,
            "held_minor": held,
            "reserve_minor": reserve,
            "released_minor": released,
            "currency": _CURRENCY[market],
            "reference_rate": rates(today)[market],
            "destination": names("bank", sellers.bank[chosen], seed=today.seed),
            "paid_at": at + draw.integers(chosen, 16 * HOUR, 40 * HOUR),
            "status": pl.Series(np.where(stopped, "held", "scheduled")),
            "ended": pl.Series(np.where(stopped, "cancelled", "paid")),
        }
    ).with_columns_seq(role=pl.lit("seller"), version=pl.lit(1), **_period(today))
    world.outbox.put(PAYOUTS, _versions(frame, pl.Series(~stopped | banned)))


def _period(today: Today) -> dict[str, pl.Expr]:
    """The week before last."""
    ends = today.start - PERIOD_DAYS * DAY
    return {"period_from": pl.lit(ends - PERIOD_DAYS * DAY), "period_to": pl.lit(ends)}


def _versions(frame: pl.DataFrame, ended: pl.Series) -> pl.DataFrame:
    """Payouts of something, and once more those that have `ended`."""
    something = pl.sum_horizontal("amount_minor", "held_minor", "reserve_minor") > 0
    later = frame.with_columns_seq(version=pl.lit(2), known_at=pl.col("paid_at"), status=pl.col("ended"))
    return pl.concat([frame, later.filter(ended)]).filter(something)
