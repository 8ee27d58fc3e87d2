"""What is done on the day on which the word comes: listings removed, accomplices and shops that break rules shut."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS, LABELS
from governance.marketplaces.simulated.chance import DAY, MINUTE, NEVER, Draw, Ints, Today, micros
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.said import AUDIT
from governance.marketplaces.simulated.shops.appeals import Appealed, put_appeals

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World
    from governance.marketplaces.simulated.shops.shops import Shops

LISTING, ACCOMPLICE, RING_SHOP, RESTORED = range(4)
"""What is to be done: remove a listing, note a bought review of a buyer, or of a shop, show a listing again."""

DOCKET = pl.Schema({"kind": pl.Int64(), "number": pl.Int64(), "day": pl.Int64()})

GOODS_CLAUSE, GENUINE_CLAUSE = "3.2 counterfeit and prohibited goods", "4.3 genuine orders"

_REMOVALS_UNTIL_BAN, _REVIEWS_UNTIL_BAN, _REVIEWS_UNTIL_LEFT = 3, 3, 5
_APPEAL_IF_RIGHT, _APPEAL_IF_WRONG = 0.12, 0.7
_LIMIT_DAYS, _OUT_DAYS = 14, 14
_NTH = {"product": 8, "buyer": 9, "seller": 10}
_MARKET = pl.Series([market.name for market in MARKETS])


def empty_docket() -> pl.DataFrame:
    """Nothing is to be done."""
    return pl.DataFrame(schema=DOCKET)


def note(shops: "Shops", kind: int, number: Ints, day: Ints) -> None:
    """Remember to do something about each number on a day."""
    new = pl.DataFrame({"number": number, "day": day}).with_columns_seq(kind=pl.lit(kind))
    shops.docket = pl.concat(
        [shops.docket, new.select_seq(pl.col(name).cast(to) for name, to in DOCKET.items())], rechunk=True
    )


def act(world: "World", today: Today) -> None:
    """Do what is due today."""
    shops, due = world.shops, pl.col("day") <= today.index
    now, shops.docket = shops.docket.filter(due), shops.docket.filter(~due)
    if not now.height:
        return
    kind, number = now["kind"].to_numpy(), now["number"].to_numpy()
    shops.listings.removed[number[kind == RESTORED]] = NEVER
    _remove(world, today, np.unique(number[kind == LISTING]))
    _shut_accomplices(world, today, number[kind == ACCOMPLICE])
    _limit_shops(world, today, number[kind == RING_SHOP])


def _remove(world: "World", today: Today, number: Ints) -> None:
    """Remove listings; a shop with several removals is shut, and the wrong ones among them mostly come back."""
    listings, sellers = world.shops.listings, world.shops.sellers
    number = number[listings.removed[number] == NEVER]
    listings.removed[number] = today.index
    at = _put(world, today, "product", number, listings.market[number], "removal", GOODS_CLAUSE)
    _hear_appeals(world, today, number, at)
    owner = listings.seller[number]
    before = sellers.removals.copy()
    np.add.at(sellers.removals, owner, 1)
    shut = np.unique(owner[(sellers.removals[owner] >= _REMOVALS_UNTIL_BAN) & (before[owner] < _REMOVALS_UNTIL_BAN)])
    shut = shut[sellers.shut_until[shut] <= today.index]
    # Somebody looks twice at a shop before it is shut: those who do nothing wrong are not.
    shut = shut[sellers.campaign[shut] >= 0]
    sellers.shut_until[shut] = NEVER
    _put(world, today, "seller", shut, sellers.market[shut], "ban", GOODS_CLAUSE)
    world.standing.note_acted(sellers.campaign[shut])


def _hear_appeals(world: "World", today: Today, number: Ints, at: Ints) -> None:
    """Owners appeal, the wronged ones mostly; those are heard, their listings come back and an audit says so."""
    listings, draw = world.shops.listings, today.draw("appeals of listings")
    wrong = listings.violation[number] < 0
    appeals = draw.happens(number, np.where(wrong, _APPEAL_IF_WRONG, _APPEAL_IF_RIGHT))
    ends = at + micros(draw.uniform(number, 0.7, 5.0))
    number, at, ends, wrong = number[appeals], at[appeals], ends[appeals], wrong[appeals]
    market = _MARKET[listings.market[number]]
    key = order_numbers(today.index, number, _NTH["product"])
    against = identifiers("enforcement", key, seed=today.seed)
    appellant = identifiers("seller", listings.seller[number], seed=today.seed)
    put_appeals(world.outbox, today, [Appealed(against, appellant, market, key, at, ends, wrong)])
    audit = pl.DataFrame(
        {
            "entity_id": identifiers("product", number, seed=today.seed),
            "occurred_at": listings.published[number],
            "known_at": ends,
            "market": market,
            "value": (~wrong).astype(np.int64),
        }
    ).with_columns_seq(label=pl.lit("listing_violation"), labeler=pl.lit(AUDIT), reason=pl.lit("appeal"))
    world.outbox.put(LABELS, audit)
    note(world.shops, RESTORED, number[wrong], (ends[wrong] - today.start) // DAY + today.index + 1)


def _shut_accomplices(world: "World", today: Today, buyer: Ints) -> None:
    """Buyers with several bought reviews are shut out, the honest ones for a while only."""
    buyers, customers = world.people.buyers, world.shops.customers
    np.add.at(customers.noted, buyer, 1)
    shut = np.unique(buyer[customers.noted[buyer] >= _REVIEWS_UNTIL_BAN])
    shut = shut[(buyers.shut_until[shut] <= today.index) & buyers.present(today.index)[shut]]
    honest = buyers.campaign[shut] < 0
    customers.noted[shut] = 0
    buyers.shut_until[shut] = np.where(honest, today.index + _OUT_DAYS, NEVER)
    _put(world, today, "buyer", shut, buyers.market[shut], "ban", GENUINE_CLAUSE)
    world.standing.note_acted(buyers.campaign[shut])


def _limit_shops(world: "World", today: Today, seller: Ints) -> None:
    """Shops with many bought reviews are limited, and think better of it."""
    sellers, beliefs = world.shops.sellers, world.shops.beliefs
    np.add.at(beliefs.noted, seller, 1)
    limited = np.unique(seller[beliefs.noted[seller] >= _REVIEWS_UNTIL_LEFT])
    beliefs.noted[limited] = 0
    sellers.ring[limited] = -1
    _put(world, today, "seller", limited, sellers.market[limited], "limit", GENUINE_CLAUSE, expires_days=_LIMIT_DAYS)


def _put(
    world: "World",
    today: Today,
    role: str,
    number: Ints,
    market: Ints,
    action: str,
    clause: str,
    *,
    expires_days: int | None = None,
) -> Ints:
    """Enforcement rows of today; returns their moments (microseconds)."""
    at = Draw(today.seed, today.index, f"{action} of {role}s").working_time(number, today)
    nth = _NTH[role] + (1 if action == "limit" else 0)
    frame = pl.DataFrame(
        {
            "enforcement_id": identifiers("enforcement", order_numbers(today.index, number, nth), seed=today.seed),
            "occurred_at": at,
            "known_at": at + MINUTE,
            "market": _MARKET[market],
            "subject_id": identifiers(role, number, seed=today.seed),
        }
    )
    told = {"subject_role": role, "action": action, "policy_clause": clause, "decided_by": "person"}
    expires = pl.lit(None, pl.Int64) if expires_days is None else pl.col("occurred_at") + expires_days * DAY
    world.outbox.put(
        ENFORCEMENTS, frame.with_columns_seq(expires_at=expires, **{k: pl.lit(v) for k, v in told.items()})
    )
    return at
