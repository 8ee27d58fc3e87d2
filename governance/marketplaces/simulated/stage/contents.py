"""Contents: the videos and live rooms that are still seen, what they show, and how much they draw."""

from dataclasses import dataclass, fields

import numpy as np

from governance.marketplaces.simulated.chance import DAY, HOUR, MINUTE, NEVER, Bools, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.ids import order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.stage.choosing import Urn, fill
from governance.marketplaces.simulated.stage.creators import Creators

SEEN_DAYS = 16
"""A content that is older draws nobody and leaves the state."""

SHOWN = 3
"""Listings that a content shows at most."""

BURST_DAYS = 3

GIVEAWAYS = 0.05
"""Share of the innocent contents in which something is given away."""

_MOST_A_DAY = 4
_FADING_DAYS = 4.0
_LIVE_DRAW = 3.0
_BURSTS = 0.02
_GIVEAWAY_DRAW = 2.5
_OWN_CATEGORY = 0.7
_HOURS = np.array([market.utc_hours() for market in MARKETS])


@dataclass(slots=True)
class Contents:
    """Contents, oldest first. `number` never repeats and depends on creator and day only.

    `first`, `second` and `third` are the listings shown, -1 for none. `burst_day` is when it goes viral, by the factor
    `burst`. A `giveaway` gives things away to those who like and follow. `campaign` is -1, or the campaign for which
    it says what its listings do not.
    """

    number: Ints
    creator: Ints
    market: Ints
    category: Ints
    live: Bools
    born: Ints
    started: Ints
    ended: Ints
    first: Ints
    second: Ints
    third: Ints
    appeal: Floats
    burst_day: Ints
    burst: Floats
    giveaway: Bools
    campaign: Ints
    removed: Bools

    def __len__(self) -> int:
        return len(self.number)

    def shown(self) -> Ints:
        """The listings shown, (n, `SHOWN`), -1 for none."""
        return np.stack([self.first, self.second, self.third], axis=1)

    def drawn(self, day: int, creators: Creators) -> Floats:
        """How much each draws on a day, against others: 0 where it is over, removed or its creator is shut."""
        fresh = np.exp((self.born - day) / _FADING_DAYS) * ~self.live
        fresh = np.where(self.live & (self.born == day), _LIVE_DRAW, fresh)
        viral = (day >= self.burst_day) & (day < self.burst_day + BURST_DAYS)
        factor = np.where(viral, self.burst, 1.0) * np.where(self.giveaway, _GIVEAWAY_DRAW, 1.0)
        stands = ~self.removed & (creators.shut_until[self.creator] <= day)
        drawn: Floats = creators.audience[self.creator] * self.appeal * fresh * factor * stands
        return drawn


def no_contents() -> Contents:
    """Nothing published yet."""
    kinds = {"appeal": np.float64, "burst": np.float64, "live": np.bool_, "giveaway": np.bool_, "removed": np.bool_}
    return Contents(**{one.name: np.zeros(0, dtype=kinds.get(one.name, np.int64)) for one in fields(Contents)})


def chosen(contents: Contents, keep: Bools | Ints) -> Contents:
    """Some of the contents."""
    return Contents(**{one.name: getattr(contents, one.name)[keep] for one in fields(contents)})


def new_contents(today: Today, creators: Creators, listings: Urn) -> Contents:
    """What is published today; `listings` are in groups of market and category, as `place` numbers them."""
    draw = today.draw("contents")
    busy = draw.poisson(np.arange(len(creators)), creators.pace) * creators.open(today.index)
    creator = np.repeat(np.arange(len(creators)), np.minimum(busy, _MOST_A_DAY))
    nth = np.arange(len(creator)) - np.searchsorted(creator, creator)
    number = order_numbers(today.index, creator, nth)
    live = draw.happens(number, creators.live_share[creator])
    own = draw.happens(number, _OWN_CATEGORY)
    category = np.where(own, creators.category[creator], creators.second_category[creator])
    market = creators.market[creator]
    started = today.start + draw.pick(number, _HOURS[market]) * HOUR + draw.integers(number, 0, HOUR)
    started = np.minimum(started, today.start + DAY - 10 * MINUTE)
    shown = _shown(draw, number, listings, place(market, category))
    return Contents(
        number=number,
        creator=creator,
        market=market,
        category=category,
        live=live,
        born=np.full(len(number), today.index, dtype=np.int64),
        started=started,
        ended=live_end(draw, number, started, live),
        first=shown[0],
        second=shown[1],
        third=shown[2],
        appeal=draw.lognormal(number, 1.0, 0.9),
        burst_day=np.where(draw.happens(number, _BURSTS) & ~live, today.index + draw.integers(number, 0, 7), NEVER),
        burst=draw.lognormal(number, 12.0, 0.7),
        giveaway=draw.happens(number, GIVEAWAYS),
        campaign=np.full(len(number), -1, dtype=np.int64),
        removed=np.zeros(len(number), dtype=np.bool_),
    )


def live_end(draw: Draw, number: Ints, started: Ints, live: Bools) -> Ints:
    """When live rooms end; videos end when they begin."""
    lasts = (draw.lognormal(number, 70.0, 0.5) * MINUTE).astype(np.int64)
    return started + np.where(live, lasts, 0)


def place(market: Ints, category: Ints) -> Ints:
    """The number of a market's category."""
    return market * len(CATEGORIES) + category


PLACES = len(MARKETS) * len(CATEGORIES)


def by_place(market: Ints, category: Ints, weight: Floats) -> Urn:
    """Listings or contents in groups of market and category."""
    return fill(group=place(market, category), weight=weight, groups=PLACES)


def _shown(draw: Draw, number: Ints, listings: Urn, group: Ints) -> list[Ints]:
    """The listings shown by each content; the same one is not shown twice."""
    found: list[Ints] = []
    for share in (1.0, 0.5, 0.25):
        one = listings.pick(group, draw.uniform(number))
        twice = np.zeros(len(number), dtype=np.bool_)
        for other in found:
            twice |= one == other
        found.append(np.where(draw.happens(number, share) & ~twice, one, -1))
    return found
