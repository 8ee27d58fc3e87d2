"""Merchants that stop shipping: who turns, when, how, and when somebody finds out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from governance.marketplaces.simulated.chance import NEVER, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.shops.recruiting import established, joining
from governance.marketplaces.simulated.shops.sellers import Sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KIND = "merchant_fraud"

STRAIN_DAYS = 14
"""An established merchant that will turn gets slower during this time, as one in honest trouble does."""

SWING_DAYS = 8
"""It takes a merchant that has turned about so many days to get into full swing."""

_VANISHES_AFTER_DAYS = (22, 46)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopsShipping:
    """How the members of a campaign stop to ship.

    They open a `new_account` or are established; turn after `warm_up_low` to `warm_up_high` days; ask for `price_low`
    to `price_high` of their prices then; add `new_listings` on the day before; keep back the share `withholds` of
    their lines once in full swing, of which `fakes` gets a hand-over scan all the same. Of them `found_share` are
    found `found_days` (median, log spread `found_spread`) after they turned, the others vanish. The share `on_rented`
    of new accounts signs up on devices that the campaign rents.
    """

    new_account: bool = True
    warm_up_low: int = 2
    warm_up_high: int = 8
    price_low: float = 0.62
    price_high: float = 0.85
    lure: float = 1.1
    withholds: float = 0.8
    fakes: float = 0.25
    new_listings: int = 0
    found_days: float = 15.0
    found_spread: float = 0.35
    found_share: float = 0.9
    on_rented: float = 0.35


def tactics(world: "World") -> dict[int, StopsShipping]:
    """The tactic of each campaign of this kind, by its number."""
    return {number: one.plays(StopsShipping) for number, one in world.settings.campaigns.of_kind(KIND)}


def recruit(world: "World", today: Today) -> Ints:
    """Turn some established merchants; returns the campaign number of each new account that is to be opened today."""
    opening = []
    for one in joining(world, today, KIND, lead_days=STRAIN_DAYS):
        new = one.campaign.plays(StopsShipping).new_account
        if not new:
            plan(world, today, established(world, today, one.number, one.keen), one.number)
        opening.append(np.full(one.moved + (one.keen if new else 0), one.number, dtype=np.int64))
    return np.concatenate([np.empty(0, dtype=np.int64), *opening])


def plan(world: "World", today: Today, chosen: Ints, number: int) -> None:
    """Make the chosen sellers members: fix when they turn, and when they are found or vanish."""
    sellers, campaign = world.shops.sellers, world.settings.campaigns.campaigns[number]
    tactic, draw = campaign.plays(StopsShipping), today.draw("plans of merchants")
    fresh = sellers.joined[chosen] >= today.index
    low = np.where(fresh, tactic.warm_up_low, max(tactic.warm_up_low, 2))
    turns = np.maximum(today.index + draw.integers(chosen, low, tactic.warm_up_high + 1), campaign.first_day)
    after = np.maximum(5, np.rint(draw.lognormal(chosen, tactic.found_days, tactic.found_spread))).astype(np.int64)
    found = draw.happens(chosen, tactic.found_share)
    sellers.campaign[chosen] = number
    sellers.turns[chosen] = turns
    sellers.found[chosen] = np.where(found, turns + after, NEVER)
    sellers.leaves[chosen] = np.where(found, NEVER, turns + draw.integers(chosen, *_VANISHES_AFTER_DAYS))
    sellers.withholds[chosen] = np.minimum(tactic.withholds * campaign.intensity, 1.0)
    sellers.fakes[chosen] = tactic.fakes


def cut_prices(world: "World", today: Today) -> None:
    """Members who turn tomorrow cut their prices for good."""
    sellers, draw = world.shops.sellers, today.draw("prices of turning merchants")
    turning = np.flatnonzero(sellers.turns == today.index + 1)
    by_campaign = tactics(world)
    low, high, lure = (
        np.array([getattr(by_campaign[number], name) for number in sellers.campaign[turning]], dtype=np.float64)
        for name in ("price_low", "price_high", "lure")
    )
    sellers.price_factor[turning] = draw.uniform(turning, low, high)
    sellers.lure[turning] = lure * draw.uniform(turning, 0.6, 1.4)
    sellers.price_until[turning] = NEVER
    sellers.cut[turning] = today.index


def new_bait(world: "World", today: Today) -> Ints:
    """Owners of the listings that members add on the day before they turn, once for each listing."""
    sellers = world.shops.sellers
    turning = np.flatnonzero(sellers.turns == today.index + 1)
    by_campaign = tactics(world)
    counts = np.array([by_campaign[number].new_listings for number in sellers.campaign[turning]], dtype=np.int64)
    spread = today.draw("bait").integers(turning, -1, 2)
    return np.repeat(turning, np.where(counts > 0, np.maximum(counts + spread, 1), 0))


def swing(days_since: Ints | Floats) -> Floats:
    """How far a merchant is into its swing, 0 to 1, days after it turned."""
    return np.clip((days_since + 3) / SWING_DAYS, 0.0, 1.0)


def withheld(sellers: Sellers, seller: Ints, key: Ints, today: Today) -> Bools:
    """Which of today's lines (given by their sellers and line keys) are never handed over."""
    turned = today.index >= sellers.turns[seller]
    share: Floats = np.where(turned, sellers.withholds[seller] * swing(today.index - sellers.turns[seller]), 0.0)
    return today.draw("withheld").happens(key, share)


def faked(sellers: Sellers, seller: Ints, key: Ints, today: Today) -> Bools:
    """Which of the withheld lines get a hand-over scan without a parcel."""
    return today.draw("faked").happens(key, sellers.fakes[seller])


def strained(sellers: Sellers, day: int) -> Bools:
    """Members whose shop runs badly because they are about to turn."""
    return (day < sellers.turns) & (day >= sellers.turns - STRAIN_DAYS)
