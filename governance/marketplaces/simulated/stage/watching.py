"""An ideal observer of engagement: what it believes of each account's day.

It knows the world's parameters and everybody's lasting habits, sees all that was done, and does not know who belongs to
a campaign. What is an approximation: a member's day is taken as work or as leisure, never both; and the beliefs about
accounts, shared devices and networks, and creators are carried from day to day as probabilities of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import gammaln

from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import HOUR, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.buyers import MEAN_ACTIVITY
from governance.marketplaces.simulated.people.sessions import ELSEWHERE_SHARE, RELAYED, VISITS_PER_BUYER_AND_DAY
from governance.marketplaces.simulated.people.things import is_public
from governance.marketplaces.simulated.stage.account_days import AccountDays, Manners, as_paid
from governance.marketplaces.simulated.stage.buying import exchanged_a_day
from governance.marketplaces.simulated.stage.farms import ClickFarm, is_rented, readiness, running_farms, work_share
from governance.marketplaces.simulated.stage.recruiting import RECRUITING_DAYS
from governance.marketplaces.simulated.stage.touches import Touches
from governance.marketplaces.simulated.stage.viewers import GOES_ON, LOOK, Shelves, chance_of
from governance.marketplaces.simulated.stage.weeks import buying_belief

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_RENTED_BY_OTHERS = 0.01
_FARMED_OF_SHARED = 0.2
_AS_GOOD_AS = 2.0
_PLACE_MEMORY = 0.97
_LEAST = 1e-9
_DOUBT = 0.3
"""Nobody is believed to belong to a farm so much less than others, for farms go on recruiting."""
_HOURS = np.array([market.utc_hours() for market in MARKETS])


def watch_accounts(
    world: "World", today: Today, touches: Touches, days: AccountDays, shelf: Shelves, manner: Manners
) -> None:
    """Fill in what is believed of the account's days, and keep what was learnt of accounts and places."""
    farms = running_farms(world, today)
    if farms and len(days.buyer):
        _believe(world, today, farms, _Seen(world, today, touches, days, manner, _aims(world, today, touches, shelf)))
    world.stage.places = _remembered(world.stage.places, touches, days)


def _believe(world: "World", today: Today, farms: Sequence[tuple[int, Campaign, ClickFarm]], seen: "_Seen") -> None:
    """Bayes' rule for each account's day: work for one of the farms, or something of its own accord."""
    days, viewers = seen.days, world.stage.viewers
    members, works = [], []
    for number, campaign, tactic in farms:
        works.append(work_share(world, number, campaign, tactic))
        members.append(_belonging(world, today, days.buyer, number, campaign, tactic))
    member, share = np.array(members), np.array(works)[:, None]
    member = member / np.maximum(member.sum(axis=0) / 0.999, 1.0)
    prior = np.log(member * share) - np.log(seen.comes)
    honest = 1 - (member * share).sum(axis=0)
    itself = prior + np.array([seen.of_itself(tactic) for _, _, tactic in farms])
    days.by_itself = _shares(itself, honest).sum(axis=0)
    paid = _shares(itself + np.array([seen.of_aims(tactic) for _, _, tactic in farms]), honest)
    days.paid = paid.sum(axis=0)
    after = paid + (1 - days.paid) * member * (1 - share) / honest
    likeliest = after.argmax(axis=0)
    viewers.farm[days.buyer] = np.array([number for number, _, _ in farms])[likeliest]
    viewers.farmed[days.buyer] = after[likeliest, np.arange(len(days.buyer))]
    viewers.seen[days.buyer] = today.index


def _shares(log_odds: Floats, honest: Floats) -> Floats:
    """The posterior of each farm (k, n), from logs of prior and likelihood against those of ordinary life."""
    odds = np.exp(np.clip(log_odds, -30, 30))
    shares: Floats = odds / (honest + odds.sum(axis=0))
    return shares


@dataclass(frozen=True, slots=True)
class _Aims:
    """How much more likely than ordinary people somebody is to come to the content of each touch.

    `anything` is for those who look at what everybody sees, `paid` for those who serve creators that buy, as far as the
    observer can tell who does; it is as `anything` where nobody in the market does, and `bought` 0 then.
    """

    anything: Floats
    paid: Floats
    bought: Floats


def _aims(world: "World", today: Today, touches: Touches, shelf: Shelves) -> _Aims:
    creators, contents, buyers = world.stage.creators, world.stage.contents, world.people.buyers
    total = shelf.creators.total(np.arange(len(creators)))
    wanted = np.where(total > 0, buying_belief(world, today), 0.0)
    everywhere = np.bincount(creators.market, weights=wanted, minlength=len(MARKETS))
    content, creator = touches.content, contents.creator[touches.content]
    market, drawn = creators.market[creator], shelf.drawn[content]
    usual = chance_of(contents, content, touches.buyer, buyers, world.stage.viewers.follows, shelf)
    anything = drawn / shelf.markets.total(market) / usual
    buys = everywhere[market] > _LEAST
    bought = wanted[creator] / np.where(buys, everywhere[market], 1.0) * drawn / total[creator] / usual
    return _Aims(anything, np.where(buys, bought, anything), np.where(buys, bought, 0.0))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the observer sees of each account's day, and how much more likely a tactic makes it than ordinary life."""

    world: "World"
    today: Today
    touches: Touches
    days: AccountDays
    manner: Manners
    aims: _Aims

    @property
    def comes(self) -> Floats:
        """The chance that each account looks at something today of its own accord."""
        active = self.world.people.buyers.activity[self.days.buyer] / MEAN_ACTIVITY
        comes: Floats = -np.expm1(-np.maximum(active, 0.02) * VISITS_PER_BUYER_AND_DAY * LOOK)
        return comes

    def of_itself(self, tactic: ClickFarm) -> Floats:
        """The log of the ratio of likelihoods of each account's day, whosever contents it was that it looked at."""
        manner = self._summed(as_paid(self.touches, tactic) - self._unpaid())
        return manner + self._amount(tactic) + self._hour(tactic) + self._things(tactic)

    def of_aims(self, tactic: ClickFarm) -> Floats:
        """What it adds whose contents they were."""
        return self._summed(np.log(tactic.camouflage * self.aims.anything + (1 - tactic.camouflage) * self.aims.paid))

    def _unpaid(self) -> Floats:
        """Looks of those whom no farm pays; a few of these are looks in exchanges."""
        share = min(exchanged_a_day(self.world, self.today) / max(len(self.touches), 1), 0.5)
        favour = np.log(np.maximum(share * self.aims.bought, _LEAST)) + self.manner.exchanged
        unpaid: Floats = np.logaddexp(np.log1p(-share) + self.manner.ordinary, favour)
        return unpaid

    def _summed(self, of_touch: Floats) -> Floats:
        summed: Floats = np.bincount(self.days.of_touch, weights=of_touch, minlength=len(self.days.buyer)).astype(float)
        return summed

    def _amount(self, tactic: ClickFarm) -> Floats:
        more = self.days.looks - 1
        mean = tactic.touches - 1
        poisson = more * np.log(mean) - mean - gammaln(more + 1)
        geometric = np.log(1 - GOES_ON) + more * np.log(GOES_ON)
        amount: Floats = poisson - geometric
        return amount

    def _hour(self, tactic: ClickFarm) -> Floats:
        hour = (self.touches.at[self.days.first] - self.today.start) // HOUR % 24
        market = self.world.people.buyers.market[self.days.buyer]
        ratio: Floats = np.log(tactic.night / (24 * _HOURS[market, hour]) + 1 - tactic.night)
        return ratio

    def _things(self, tactic: ClickFarm) -> Floats:
        """Device and network: shared with others or not, and what these others were like."""
        device, network = self.touches.device[self.days.first], self.touches.network[self.days.first]
        crowded = is_public(network) | is_rented(network)
        usual, places = self._crowded(), self.world.stage.places
        found = np.log(
            np.where(crowded, tactic.shared_network / usual, (1 - tactic.shared_network) / (1 - usual))
        ) + np.where(crowded, _company(places, network * 2 + 1), 0.0)
        rented, honest = is_rented(device), _RENTED_BY_OTHERS
        ratio = np.where(rented, tactic.shared_device / honest, (1 - tactic.shared_device) / (1 - honest))
        things: Floats = found + np.log(ratio) + np.where(rented, _company(places, device * 2), 0.0)
        return things

    def _crowded(self) -> Floats:
        """How often each buyer comes from a network that strangers use: on trips, by relays, and by habit."""
        buyers, buyer = self.world.people.buyers, self.days.buyer
        at_home = RELAYED + (1 - RELAYED - ELSEWHERE_SHARE) * buyers.public[buyer]
        usual: Floats = np.clip(buyers.travel[buyer] + (1 - buyers.travel[buyer]) * at_home, 0.01, 0.99)
        return usual


def _belonging(world: "World", today: Today, buyer: Ints, number: int, campaign: Campaign, tactic: ClickFarm) -> Floats:
    """The chance that each of these accounts belongs to a farm before its day is seen.

    Every day on which it stayed away, since it was seen or since the farm had its members, speaks against it.
    """
    viewers, base = world.stage.viewers, _base(world, today, number, tactic)[buyer]
    held = np.where(viewers.farm[buyer] == number, np.maximum(viewers.farmed[buyer], _DOUBT * base), base)
    full = campaign.first_day + RECRUITING_DAYS // 2
    since = np.maximum(np.maximum(viewers.seen[buyer], full), world.people.buyers.joined[buyer])
    away = (1 - work_share(world, number, campaign, tactic)) ** np.maximum(today.index - since - 1, 0)
    belonging: Floats = held * away / (1 - held * (1 - away))
    return belonging


def _base(world: "World", today: Today, number: int, tactic: ClickFarm) -> Floats:
    """The chance that each buyer is a member of a farm, as far as its age tells; how many there are is known."""
    buyers = world.people.buyers
    members = ((buyers.campaign == number) & buyers.present(today.index)).sum()
    ready = readiness(buyers, tactic, today.index)
    base: Floats = np.clip(members * ready / max(float(ready.sum()), 1.0), _LEAST, 0.5)
    return base


def _company(places: pl.DataFrame, place: Ints) -> Floats:
    """The log of how much more often than others those who were seen in a place are of a click farm."""
    wanted = pl.DataFrame({"place": place}).join(places, on="place", how="left", maintain_order="left")
    farmed = wanted["farmed"].fill_null(0.0).to_numpy() + _AS_GOOD_AS * _FARMED_OF_SHARED
    share = np.clip(farmed / (wanted["days"].fill_null(0.0).to_numpy() + _AS_GOOD_AS), 1e-4, 1 - 1e-4)
    company: Floats = np.log(share / (1 - share)) - np.log(_FARMED_OF_SHARED / (1 - _FARMED_OF_SHARED))
    return company


def _remembered(places: pl.DataFrame, touches: Touches, days: AccountDays) -> pl.DataFrame:
    """What is known of shared places after today; those that nobody came to for long are forgotten."""
    device, network = touches.device[days.first], touches.network[days.first]
    shared, rented = is_public(network) | is_rented(network), is_rented(device)
    place = np.concatenate([network[shared] * 2 + 1, device[rented] * 2])
    paid = np.concatenate([days.paid[shared], days.paid[rented]])
    new = pl.DataFrame({"place": place, "farmed": paid, "days": np.ones(len(place))})
    older = places.with_columns_seq(pl.col("farmed", "days") * _PLACE_MEMORY).filter(pl.col("days") > 0.1)
    return pl.concat([older, new]).group_by("place", maintain_order=True).agg(pl.col("farmed", "days").sum())
