"""What goes wrong without anybody's bad intent: sellers that fall ill, carriers on strike, regions with a bad week."""

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.sellers import Sellers

SPELLS_PER_SELLER_AND_DAY = 0.004
STRIKES_PER_CARRIER_AND_DAY = 0.004
BAD_WEEKS = 0.06

SEEN_AFTER_DAYS = 2
"""After so many days everybody can see in the scans of others that a carrier or a seller stands still."""

_LONG_SPELLS = 0.3
_LONGEST_STRIKE = 6
_CITIES = max(len(market.cities) for market in MARKETS)
_PLACES = np.array([[*market.cities, *[(999.0, 999.0)] * (_CITIES - len(market.cities))] for market in MARKETS])


def begin_spells(today: Today, sellers: Sellers) -> None:
    """Sellers that cannot ship from today on, most for days, some for weeks: to others it looks like the campaign."""
    draw, number = today.draw("spells"), np.arange(len(sellers))
    starts = draw.happens(number, SPELLS_PER_SELLER_AND_DAY)
    long = draw.happens(number, _LONG_SPELLS)
    lasts = np.where(long, draw.uniform(number, 9.0, 21.0), draw.uniform(number, 3.0, 9.0))
    begins = starts & (sellers.trouble_until <= today.index) & (sellers.turns > today.index)
    sellers.trouble_until = np.where(begins, today.index + lasts, sellers.trouble_until)


def began_lately(today: Today, sellers: Sellers) -> Bools:
    """Sellers whose spell, if they are in one, began so lately that nobody can see it yet."""
    number, lately = np.arange(len(sellers)), np.zeros(len(sellers), dtype=np.bool_)
    for ago in range(SEEN_AFTER_DAYS):
        lately |= Draw(today.seed, today.index - ago, "spells").happens(number, SPELLS_PER_SELLER_AND_DAY)
    return lately


def in_trouble(today: Today, sellers: Sellers) -> Floats:
    """Days for which every seller will not ship, 0 for most."""
    return np.maximum(sellers.trouble_until - today.index, 0.0)


def region(where: Ints, latitude: Floats, longitude: Floats) -> Ints:
    """The nearest of a market's cities (its place in `Market.cities`): carriers have a hub in each."""
    places = _PLACES[where]
    far = (places[:, :, 0] - latitude[:, None]) ** 2 + (places[:, :, 1] - longitude[:, None]) ** 2
    nearest: Ints = np.argmin(far, axis=1)
    return nearest


def on_strike(today: Today, where: Ints, carrier: Ints) -> tuple[Floats, Bools]:
    """Days for which each carrier (by market and number) is still on strike, and whether anybody can see it yet."""
    left, seen = np.zeros(len(where)), np.zeros(len(where), dtype=np.bool_)
    key = joint(where, carrier)
    for ago in range(_LONGEST_STRIKE):
        draw = Draw(today.seed, today.index - ago, "strikes")
        starts, lasts = draw.happens(key, STRIKES_PER_CARRIER_AND_DAY), draw.uniform(key, 2.0, _LONGEST_STRIKE)
        still = np.where(starts, np.maximum(lasts - ago, 0.0), 0.0)
        seen |= (still > 0) & (ago >= SEEN_AFTER_DAYS)
        left = np.maximum(left, still)
    return left, seen


def bad_week(today: Today, where: Ints, carrier: Ints, region: Ints) -> tuple[Floats, Bools]:
    """Days by which a carrier's parcels into a region are slower this week, and whether anybody can see it yet."""
    key = joint(where, carrier, region)
    shift = Draw(today.seed, 0, "weeks of carriers").integers(key, 0, 7)
    week, weekday = np.divmod(today.index + shift, 7)
    draw = Draw(today.seed, 0, "bad weeks")
    bad = draw.happens(joint(key, week), BAD_WEEKS)
    slower = draw.uniform(joint(key, week), 1.0, 4.0)
    return np.where(bad, slower, 0.0), bad & (weekday >= SEEN_AFTER_DAYS)
