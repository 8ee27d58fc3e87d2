"""Listings of the simulated world: what sellers offer at which price."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import NEVER, Bools, Draw, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.categories import GRAMS, PRICE, SPREAD
from governance.marketplaces.simulated.shops.sellers import Sellers

LISTINGS_PER_SELLER = 5
MAIN_CATEGORY = 0.7
PRICE_LOG_MEAN = -0.2
PHOTOS, DESCRIPTION_CHARACTERS, DESCRIPTION_LOG_SPREAD = 3.2, 270.0, 0.7

_DOLLARS: Floats = np.array([market.dollars for market in MARKETS])
_STEP: Ints = np.array([market.price_step_minor for market in MARKETS], dtype=np.int64)


@dataclass(slots=True)
class Listings:
    """Listings, one entry each in every array. `usual_minor` is what one asks for without any promotion, `price_minor`
    what it asks for now. `published` is the moment of its publication in microseconds, `image` the number of its main
    picture, `wording` what its text hides (an index into `words.EVASIONS`). `violation` is the number of the campaign
    for which it breaks the rules, -1 for the others; nobody can buy it from the day `removed` on.
    """

    seller: Ints
    market: Ints
    category: Ints
    listed: Ints
    published: Ints
    removed: Ints
    list_minor: Ints
    usual_minor: Ints
    price_minor: Ints
    appeal: Floats
    photos: Ints
    description_characters: Ints
    grams: Ints
    image: Ints
    wording: Ints
    violation: Ints

    def __len__(self) -> int:
        return len(self.seller)

    def offered(self, sellers: Sellers, day: int) -> Bools:
        """What can be bought on a day."""
        return (self.listed < day) & (self.removed > day) & sellers.open(day)[self.seller]


def rates(today: Today) -> Floats:
    """Dollars for one unit of each market's currency today."""
    return np.array([market.reference_rate(today.index) for market in MARKETS])


def drawn_listings(draw: Draw, number: Ints, sellers: Sellers, owner: Ints, *, at: Ints, listed: int) -> Listings:
    """One new ordinary listing with each number for each entry of `owner`, mostly in the owner's main category."""
    size = len(owner)
    main = draw.happens(number, MAIN_CATEGORY)
    category = np.where(main, sellers.category[owner], sellers.second_category[owner])
    market = sellers.market[owner]
    dollars = PRICE[category] * np.exp(SPREAD[category] * draw.normal(number, PRICE_LOG_MEAN))
    usual = rounded(dollars * 100 / _DOLLARS[market], market)
    description = draw.lognormal(number, DESCRIPTION_CHARACTERS, DESCRIPTION_LOG_SPREAD)
    grams = GRAMS[category] * draw.lognormal(number, 1.0, 0.5)
    return Listings(
        seller=owner,
        market=market,
        category=category,
        listed=np.full(size, listed, dtype=np.int64),
        published=at,
        removed=np.full(size, NEVER, dtype=np.int64),
        list_minor=usual,
        usual_minor=usual.copy(),
        price_minor=rounded(usual * sellers.price_factor[owner], market),
        appeal=draw.lognormal(number, 1.0, 0.8),
        photos=1 + draw.poisson(number, PHOTOS),
        description_characters=40 + np.rint(description).astype(np.int64),
        grams=np.maximum(30, np.rint(grams)).astype(np.int64),
        image=number.copy(),
        wording=np.zeros(size, dtype=np.int64),
        violation=np.full(size, -1, dtype=np.int64),
    )


def rounded(minor: Floats | Ints, market: Ints) -> Ints:
    """Prices rounded to what shops in that market write on tags, and never nothing."""
    step = _STEP[market]
    price: Ints = np.maximum(step, np.rint(minor / step).astype(np.int64) * step)
    return price


def dollars_of(minor: Ints, market: Ints) -> Floats:
    """Prices in dollars, at the usual rate of each market's currency."""
    return np.asarray(minor * _DOLLARS[market] / 100, dtype=np.float64)
