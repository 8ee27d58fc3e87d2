"""Refund abuse: buyers who order in order to claim the money back, and what their history tells of them.

Members order like anybody else, and now and then something that they mean to claim about: it never came, the box was
empty, it is broken. Stories are told with photos of their own, borrowed, or edited ones; members of one campaign and
generation borrow from one album.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people import Buyers
from governance.marketplaces.simulated.plans import no_plans, planned

if TYPE_CHECKING:
    from governance.marketplaces.simulated.campaigns.file import Campaign
    from governance.marketplaces.simulated.campaigns.standing import Standing
    from governance.marketplaces.simulated.life import World

KIND = "refund_abuse"
ORDINARY_LINES_PER_DAY = 0.017
"""Order lines a day of a buyer of activity 1."""

_SETTLED_DAYS = 5
_NTHS = 16
_HOURS: Floats = np.array([market.utc_hours() for market in MARKETS])


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAbuse:
    """Numbers of the tactic.

    Each member places `orders_per_day` for a story, on the dearest of `looks_at` listings. `new_accounts` is how many
    days old accounts are at most when they are recruited, 0 for any age.
    """

    orders_per_day: float = 0.022
    looks_at: int = 2
    new_accounts: int = 0


@dataclass(slots=True)
class Suspects:
    """What is known of every buyer, one entry each.

    `log_odds` is what the buyer's orders and cases say of membership, beside the share of members among all;
    `claims` counts recent cases that are no cancellations, older ones less.
    """

    log_odds: Floats = field(default_factory=lambda: np.empty(0))
    claims: Floats = field(default_factory=lambda: np.empty(0))

    def grow(self, size: int) -> None:
        """Make room for new buyers."""
        more = np.zeros(size - len(self.log_odds))
        self.log_odds = np.concatenate([self.log_odds, more])
        self.claims = np.concatenate([self.claims, more])


def recruit(world: "World", today: Today) -> None:
    """Campaigns that begin today find their members; those that moved find others among newer accounts."""
    settings, buyers = world.settings, world.people.buyers
    for number, campaign in settings.campaigns.of_kind(KIND):
        tactic = campaign.plays(RefundAbuse)
        if campaign.first_day == today.index:
            wanted = settings.campaigns.members(campaign, buyers=settings.buyers)
            _join(buyers, today, number, wanted, youngest_days=tactic.new_accounts)
        elif world.standing.replacements[number] and campaign.runs(today.index):
            _join(buyers, today, number, int(world.standing.replacements[number]), youngest_days=60)
            world.standing.replacements[number] = 0


def _join(buyers: Buyers, today: Today, number: int, wanted: int, *, youngest_days: int) -> None:
    young = buyers.joined > today.index - youngest_days if youngest_days else True
    stays = buyers.leaves > today.index + 30
    free = np.flatnonzero(buyers.present(today.index) & (buyers.campaign < 0) & stays & young)
    rank = today.draw(f"recruits of refund abuse {number}").uniform(free)
    buyers.campaign[free[np.argsort(rank, kind="stable")[:wanted]]] = number


def rate(campaign: "Campaign", number: int, standing: "Standing") -> float:
    """Orders for a story that each of its members places in a day."""
    return campaign.plays(RefundAbuse).orders_per_day * campaign.intensity * float(standing.vigour[number])


def plans(world: "World", today: Today) -> pl.DataFrame:
    """Today's orders for a story."""
    placed = [
        _orders(world, today, number, campaign)
        for number, campaign in world.settings.campaigns.of_kind(KIND)
        if campaign.runs(today.index)
    ]
    return pl.concat(placed) if placed else no_plans()


def _orders(world: "World", today: Today, number: int, campaign: "Campaign") -> pl.DataFrame:
    buyers = world.people.buyers
    members = np.flatnonzero((buyers.campaign == number) & buyers.present(today.index))
    draw = today.draw(f"orders for a story {number}")
    chosen = members[draw.happens(members, rate(campaign, number, world.standing))]
    listing = _wanted(world, today, chosen, campaign.plays(RefundAbuse).looks_at)
    frame = pl.DataFrame(
        {
            "buyer": chosen,
            "nth": np.full(len(chosen), _NTHS * (number + 1)),
            "at": _moments(draw, chosen, buyers.market[chosen], today),
            "listing": listing,
            "campaign": np.full(len(chosen), number),
            "abuse": np.full(len(chosen), number + 1),
        }
    )
    return planned(frame.filter(pl.col("listing") >= 0))


def _moments(draw: Draw, chosen: Ints, market: Ints, today: Today) -> Ints:
    """Moments of today, at the hours at which everybody orders."""
    hour = draw.pick(chosen, _HOURS[market])
    at: Ints = today.start + np.minimum(hour * HOUR + draw.integers(chosen, 0, HOUR), DAY - 10 * MINUTE)
    return at


def dearness(world: "World", today: Today, lines: pl.DataFrame) -> Floats:
    """Likelihood of each line's price for a story over that of an ordinary order (n).

    The dearest of k listings has density k u^(k-1) at the rank u of its price, 0 to 1, within its market. Ordinary
    orders are taken to be spread evenly over the ranks, which is an approximation.
    """
    listings, looks_at = world.shops.listings, RefundAbuse().looks_at
    where, price = lines["where"].to_numpy(), lines["price_minor"].to_numpy()
    rank = np.zeros(lines.height)
    for market in range(len(MARKETS)):
        prices = np.sort(listings.price_minor[(listings.market == market) & (listings.listed < today.index)])
        here = where == market
        rank[here] = np.searchsorted(prices, price[here], side="right") / max(len(prices), 1)
    return np.asarray(looks_at * np.maximum(rank, 0.02) ** (looks_at - 1), dtype=np.float64)


def _wanted(world: "World", today: Today, chosen: Ints, looks_at: int) -> Ints:
    """The dearest of some listings of each buyer's market that are for sale; -1 where there is none."""
    listings, sellers = world.shops.listings, world.shops.sellers
    offered = np.flatnonzero((listings.listed < today.index) & sellers.open(today.index)[listings.seller])
    offered = offered[np.argsort(listings.market[offered], kind="stable")]
    market = world.people.buyers.market[chosen]
    low = np.searchsorted(listings.market[offered], market, side="left")
    high = np.searchsorted(listings.market[offered], market, side="right")
    draw, best = today.draw("listings for a story"), np.full(len(chosen), -1, dtype=np.int64)
    for look in range(looks_at):
        seen = offered[np.minimum(draw.integers(joint(chosen, look), low, np.maximum(high, low + 1)), len(offered) - 1)]
        dearer = (best < 0) | (listings.price_minor[seen] > listings.price_minor[best])
        best = np.where((high > low) & dearer, seen, best)
    return best


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of the campaigns that run: the share of members among buyers, and their mean rate of stories."""

    members: float
    stories_per_day: float


def prior(world: "World", today: Today) -> Prior:
    """The world's parameters of today, which the ideal observer knows."""
    settings = world.settings
    running = [one for one in settings.campaigns.of_kind(KIND) if one[1].first_day <= today.index]
    sizes = np.array([settings.campaigns.members(one, buyers=settings.buyers) for _, one in running], dtype=np.float64)
    on = np.array([one.runs(today.index - _SETTLED_DAYS) or one.runs(today.index) for _, one in running], dtype=bool)
    rates = np.array([rate(one, number, world.standing) for number, one in running])
    if not (sizes * on).sum():
        return Prior(0.0, 0.0)
    present = max(int(world.people.buyers.present(today.index).sum()), 1)
    return Prior(float((sizes * on).sum()) / present, float((sizes * on * rates).sum() / (sizes * on).sum()))


def ordinary_rate(buyers: Buyers, chosen: Ints) -> Floats:
    """Ordinary order lines a day of some buyers, by their habit."""
    return ORDINARY_LINES_PER_DAY * np.maximum(buyers.activity[chosen], 0.02)


def membership(suspects: Suspects, chosen: Ints, share: float) -> Floats:
    """Probability of some buyers to be members."""
    odds = share / max(1 - share, 1e-9) * np.exp(np.clip(suspects.log_odds[chosen], -30.0, 30.0))
    return np.asarray(odds / (1 + odds), dtype=np.float64)
