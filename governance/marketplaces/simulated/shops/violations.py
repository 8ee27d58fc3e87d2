"""Listings that break the rules: counterfeit and prohibited goods, and how likely an ideal observer finds each to be.

What shows at publication is drawn from one distribution for listings that break the rules and from another for all
others: the price against the category's, the turns of title and description, whether the picture is somebody else's.
What shows of the seller: the main category, whether its identity was checked, a device that other shops use. The
posterior is Bayes' rule for both together, with the membership of the seller carried from one of its listings to the
next. It is an approximation where the observer is told what it could only guess: which price cuts are a shop's
promotion, and a seller's main category.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.shops.categories import CATEGORIES, DEMAND, PRICE, SPREAD
from governance.marketplaces.simulated.shops.listings import PRICE_LOG_MEAN, Listings, dollars_of, rounded
from governance.marketplaces.simulated.shops.recruiting import established, joining, rates_today
from governance.marketplaces.simulated.shops.sellers import BY_AGENCIES, SELLER_DAYS, Sellers, standing_sellers
from governance.marketplaces.simulated.words.listings import EVASIONS, HINTS
from governance.marketplaces.simulated.words.parts import part

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KIND = "listing_violation"

REUSES_IMAGE = 0.04
"""Share of ordinary listings that show somebody else's picture."""

VERIFIED, VERIFIED_MEMBERS = 0.85, 0.7

_PRONE = {"phones": 2.0, "fashion": 2.0, "shoes": 2.5, "beauty": 1.8, "jewellery": 2.5, "electronics": 1.2}
_WANTED: Floats = DEMAND * np.array([_PRONE.get(category.name, 0.35) for category in CATEGORIES])
PRONE: Floats = _WANTED / _WANTED.sum()
"""What members deal in."""

_PICTURES_BACK = 4_000
_SHORTEST_HINT, _HINT_READ = 5, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BreaksRules:
    """How the members of a campaign break the rules for listings.

    They open a `new_account` or are established, `violates` of what they list breaks the rules, and each lists
    `listings_a_day`. Such listings offer `goods` (see `words.EVASIONS`); `evades` of them are worded to hide it,
    `copies` show somebody else's picture, and they cost `price_factor` (median) of what others would. The share
    `on_rented` of new accounts signs up on devices that the campaign rents.
    """

    new_account: bool = True
    violates: float = 0.6
    goods: str = "counterfeit"
    evades: float = 0.85
    copies: float = 0.3
    price_factor: float = 0.6
    listings_a_day: float = 0.06
    on_rented: float = 0.35


def tactics(world: "World") -> dict[int, BreaksRules]:
    """The tactic of each campaign of this kind, by its number."""
    return {number: one.plays(BreaksRules) for number, one in world.settings.campaigns.of_kind(KIND)}


def recruit(world: "World", today: Today) -> Ints:
    """Win some established merchants; returns the campaign number of each new account that is to be opened today."""
    sellers, opening = world.shops.sellers, []
    for one in joining(world, today, KIND):
        new = one.campaign.plays(BreaksRules).new_account
        if not new:
            sellers.campaign[established(world, today, one.number, one.keen)] = one.number
        opening.append(np.full(one.moved + (one.keen if new else 0), one.number, dtype=np.int64))
    return np.concatenate([np.empty(0, dtype=np.int64), *opening])


def join(sellers: Sellers, today: Today, chosen: Ints, number: int) -> None:
    """Make new accounts members; they deal in what is worth faking."""
    sellers.campaign[chosen] = number
    sellers.category[chosen] = today.draw("what members deal in").pick(chosen, PRONE)


def listing_today(world: "World", today: Today) -> Ints:
    """Members who list something more today."""
    sellers, draw = world.shops.sellers, today.draw("listings of members")
    rates = _by_campaign(world, "listings_a_day")[sellers.campaign]
    members = np.flatnonzero((rates > 0) & sellers.open(today.index))
    vigour = world.standing.vigour[sellers.campaign[members]]
    return members[draw.happens(members, rates[members] * vigour)]


def break_rules(world: "World", draw: Draw, number: Ints, added: Listings) -> None:
    """Give new listings what shows of them at publication; those of members break the rules more often than not."""
    campaign = world.shops.sellers.campaign[added.seller]
    breaks = draw.happens(number, _by_campaign(world, "violates")[campaign])
    added.violation[breaks] = campaign[breaks]
    evades = np.where(breaks, _by_campaign(world, "evades")[campaign], 0.0)
    copies = np.where(breaks, _by_campaign(world, "copies")[campaign], REUSES_IMAGE)
    added.wording = np.where(draw.happens(number, evades), _goods(world)[campaign], 0)
    older = draw.integers(number, np.maximum(number - _PICTURES_BACK, 0), number)
    seen = np.concatenate([world.shops.listings.image, number])
    added.image = np.where(draw.happens(number, copies), seen[older], number)
    factor = np.where(breaks, _by_campaign(world, "price_factor")[campaign], 1.0)
    added.list_minor = rounded(added.list_minor * factor, added.market)
    added.usual_minor = added.list_minor.copy()
    added.price_minor = rounded(added.usual_minor * world.shops.sellers.price_factor[added.seller], added.market)


def title_hints(titles: pl.Series) -> Bools:
    """Which titles drop a hint that a rule knows; one with a typo in the wrong place goes unseen."""
    known = [one.lower() for one in part("listings", "title_hint", *HINTS).wordings if len(one) > _SHORTEST_HINT]
    patterns = sorted({one[:_HINT_READ] for one in known if "{" not in one})
    return titles.str.to_lowercase().str.contains_any(patterns).to_numpy()


def judge(world: "World", today: Today, number: Ints, by_texts: Floats) -> Floats:
    """An ideal observer's probability that each new listing breaks the rules, the sellers' listings in their order.

    `by_texts` is what title and description add to the log odds that they hide something.
    """
    listings, beliefs = world.shops.listings, world.shops.beliefs
    owner, tactic = listings.seller[number], _typical(world, today)
    violating, ordinary = _likelihoods(listings, number, tactic, by_texts)
    found = np.zeros(len(number))
    for turn in _turns(owner):
        seller = owner[turn]
        member = tactic.violates * violating[turn] + (1 - tactic.violates) * ordinary[turn]
        odds = Odds(beliefs.breaks_rules[seller])
        odds.weigh(member, ordinary[turn])
        beliefs.breaks_rules[seller] = odds.posterior
        found[turn] = odds.posterior * tactic.violates * violating[turn] / member
    return found


def prior(world: "World", today: Today, sellers: Sellers, number: Ints) -> Floats:
    """Probability that each seller that signs up today is a member, by what it shows at sign-up."""
    opened = standing_sellers(world.settings.buyers) / SELLER_DAYS
    of_kind = list(tactics(world).values())
    rates = rates_today(world, today, KIND) * np.array([one.new_account for one in of_kind], dtype=np.float64)
    joins = float(rates.sum())
    odds = Odds(np.full(len(number), joins / (joins + opened)))
    odds.saw(sellers.verified[number], if_member=VERIFIED_MEMBERS, if_honest=VERIFIED)
    shared = sellers.shares_device()[number]
    odds.saw(shared, if_member=float(np.mean([one.on_rented for one in of_kind] or [0.3])), if_honest=BY_AGENCIES)
    category = sellers.category[number]
    odds.weigh(PRONE[category], DEMAND[category] / DEMAND.sum())
    return odds.posterior


def _likelihoods(listings: Listings, number: Ints, tactic: BreaksRules, by_texts: Floats) -> tuple[Floats, Floats]:
    """Density of what shows of each listing, if it breaks the rules and if it does not."""
    category = listings.category[number]
    dollars = dollars_of(listings.list_minor[number], listings.market[number])
    cheap = np.log(dollars / PRICE[category]) / SPREAD[category] - PRICE_LOG_MEAN
    violating = np.exp(-((cheap - np.log(tactic.price_factor) / SPREAD[category]) ** 2) / 2)
    ordinary = np.exp(-(cheap**2) / 2)
    copied = listings.image[number] != number
    # Texts that hide nothing read alike, whether the listing breaks the rules or not.
    read = tactic.evades * np.exp(by_texts) + (1 - tactic.evades)
    return violating * read * _seen(copied, tactic.copies), ordinary * _seen(copied, REUSES_IMAGE)


def _seen(happened: Bools, share: float) -> Floats:
    return np.where(happened, share, 1 - share)


def _turns(owner: Ints) -> list[Ints]:
    """Places of the first listing of each owner, of the second, and so on."""
    order = np.argsort(owner, kind="stable")
    ranked = owner[order]
    nth = np.arange(len(owner)) - np.searchsorted(ranked, ranked)
    return [order[nth == turn] for turn in range(int(nth.max()) + 1 if len(nth) else 0)]


def _typical(world: "World", today: Today) -> BreaksRules:
    """The tactic of the campaigns that run, mixed by how many join them: what an observer who knows them expects."""
    of_kind, weights = list(tactics(world).values()), rates_today(world, today, KIND) + 1e-9
    if not of_kind:
        return BreaksRules()
    violates, evades, copies, price_factor = (
        float(np.average([getattr(one, name) for one in of_kind], weights=weights))
        for name in ("violates", "evades", "copies", "price_factor")
    )
    return BreaksRules(violates=violates, evades=evades, copies=copies, price_factor=price_factor)


def _goods(world: "World") -> Ints:
    """What the listings of each campaign hide, by the campaign's number (an index into `words.EVASIONS`)."""
    values = np.zeros(len(world.settings.campaigns.campaigns) + 1, dtype=np.int64)
    for number, tactic in tactics(world).items():
        values[number] = EVASIONS.index(tactic.goods)
    return values


def _by_campaign(world: "World", name: str) -> Floats:
    """A number of each campaign's tactic by the campaign's number, 0 for other kinds and, at the end, for none."""
    values = np.zeros(len(world.settings.campaigns.campaigns) + 1)
    for number, tactic in tactics(world).items():
        values[number] = getattr(tactic, name)
    return values
