"""Ordinary people at the contents: who looks at what in a visit, and in what manner."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import SECOND, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import numbers
from governance.marketplaces.simulated.stage.choosing import Urn, fill
from governance.marketplaces.simulated.stage.contents import Contents, by_place, place
from governance.marketplaces.simulated.stage.creators import Creators
from governance.marketplaces.simulated.stage.touches import CURIOUS, HOPEFUL, ORDINARY, Touches, drawn_manner

if TYPE_CHECKING:
    from governance.marketplaces.simulated.people.buyers import Buyers

LOOK = 0.55
"""Share of the visits in which one looks at contents."""

GOES_ON = 0.41
"""Chance of one more look after each."""

_MOST_LOOKS = 12
_LEAST = 1e-12
_FOLLOWED, _FAVOURITE, _SECOND = 0.25, 0.35, 0.15


@dataclass(frozen=True, slots=True)
class Shelves:
    """Today's contents to choose from: by market and category, by market, and by creator; `drawn` is their weight."""

    places: Urn
    markets: Urn
    creators: Urn
    drawn: Floats


def shelves(contents: Contents, creators: Creators, today: Today) -> Shelves:
    """What can be looked at today."""
    drawn = contents.drawn(today.index, creators)
    return Shelves(
        places=by_place(contents.market, contents.category, drawn),
        markets=fill(group=contents.market, weight=drawn, groups=int(creators.market.max()) + 1),
        creators=fill(group=contents.creator, weight=drawn, groups=len(creators)),
        drawn=drawn,
    )


def ordinary_touches(
    today: Today, visits: pl.DataFrame, buyers: "Buyers", follows: Ints, shelf: Shelves, habits: "Habits"
) -> Touches:
    """What people look at in their visits of their own accord; `follows` is the creator whom each buyer follows."""
    draw = today.draw("looks")
    visit = joint(visits["buyer"].to_numpy(), visits["nth"].to_numpy())
    looks = np.minimum(1 + np.floor(np.log1p(-draw.uniform(visit)) / np.log(GOES_ON)), _MOST_LOOKS).astype(np.int64)
    looks = np.where(draw.happens(visit, LOOK), looks, 0)
    which = np.repeat(np.arange(len(visit)), looks)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(looks) - looks, looks)
    key = joint(visit[which], nth)
    buyer = visits["buyer"].to_numpy()[which]
    content = _content(draw, key, buyer, buyers, follows, shelf)
    found = np.flatnonzero(content >= 0)
    which, nth, key, buyer, content = which[found], nth[found], key[found], buyer[found], content[found]
    mean, spread, chances = habits.at(content, buyer)
    seconds, reactions = drawn_manner(draw, key, mean=mean, spread=spread, chances=chances)
    return Touches(
        buyer=buyer,
        content=content,
        at=visits["at"].to_numpy()[which] + (nth * 40 + draw.integers(key, 1, 40)) * SECOND,
        device=numbers(visits["device"], seed=today.seed)[which],
        network=numbers(visits["network"], seed=today.seed)[which],
        hand=np.full(len(buyer), ORDINARY, dtype=np.int64),
        campaign=np.full(len(buyer), -1, dtype=np.int64),
        seconds=seconds,
        reactions=reactions,
    )


def _content(draw: Draw, key: Ints, buyer: Ints, buyers: "Buyers", follows: Ints, shelf: Shelves) -> Ints:
    """Which content each look goes to: of whom one follows, of a favourite category, or whatever is seen most."""
    market, mark = buyers.market[buyer], draw.uniform(key)
    way = draw.uniform(key)
    favourite = shelf.places.pick(place(market, buyers.favourite[buyer]), mark)
    second = shelf.places.pick(place(market, buyers.second_favourite[buyer]), mark)
    followed = shelf.creators.pick(np.maximum(follows[buyer], 0), mark)
    followed = np.where(follows[buyer] >= 0, followed, -1)
    by_taste = np.where(way < _FOLLOWED + _FAVOURITE, favourite, second)
    wanted = np.where(way < _FOLLOWED, followed, by_taste)
    wanted = np.where(way < _FOLLOWED + _FAVOURITE + _SECOND, wanted, -1)
    return np.where(wanted >= 0, wanted, shelf.markets.pick(market, mark))


def chance_of(
    contents: Contents, content: Ints, buyer: Ints, buyers: "Buyers", follows: Ints, shelf: Shelves
) -> Floats:
    """How likely ordinary people are to look at just this content, with the tastes that they have."""
    market, weight = buyers.market[buyer], shelf.drawn[content]
    followed = np.maximum(follows[buyer], 0)
    ways = (
        (_FOLLOWED, shelf.creators.total(followed) * (follows[buyer] >= 0), contents.creator[content] == followed),
        (_FAVOURITE, *_in_place(contents, content, market, buyers.favourite[buyer], shelf)),
        (_SECOND, *_in_place(contents, content, market, buyers.second_favourite[buyer], shelf)),
    )
    left, chance = np.ones(len(content)), np.zeros(len(content))
    for share, total, fits in ways:
        left -= np.where(total > 0, share, 0.0)
        chance += np.where(fits & (total > 0), share * weight / np.maximum(total, _LEAST), 0.0)
    everything: Floats = chance + left * weight / np.maximum(shelf.markets.total(market), _LEAST)
    return everything


def _in_place(contents: Contents, content: Ints, market: Ints, category: Ints, shelf: Shelves) -> tuple[Floats, Bools]:
    here = (contents.market[content] == market) & (contents.category[content] == category)
    return shelf.places.total(place(market, category)), here


@dataclass(frozen=True, slots=True)
class Habits:
    """How ordinary people look at each of today's contents, and how each buyer differs from the others for good."""

    contents: Contents
    creators: Creators
    seed_day: Today

    def at(self, content: Ints, buyer: Ints) -> tuple[Floats, Floats, Floats]:
        """Mean and spread of the log of seconds, (n,), and the chances of reactions, (n, 4)."""
        creator = self.contents.creator[content]
        giveaway = self.contents.giveaway[content]
        draw = self.seed_day.draw("habits of viewers")
        usual = np.where(giveaway, np.log(HOPEFUL.seconds), np.log(CURIOUS.seconds))
        mean: Floats = usual + draw.normal(buyer, 0.0, 0.35) + self.creators.lingering[creator]
        spread: Floats = np.where(giveaway, HOPEFUL.spread, CURIOUS.spread)
        chances = np.where(giveaway[:, None], HOPEFUL.chances, CURIOUS.chances)
        eager = draw.normal(buyer, 0.0, 0.7)
        shift = eager[:, None] * np.array([1.0, 1.0, 1.0, 0.3])
        shift[:, 0] += self.creators.liking[creator]
        return mean, spread, shifted(chances, shift)


def shifted(chances: Floats, log_odds: Floats) -> Floats:
    """Chances with their log-odds moved."""
    odds = chances / (1 - chances) * np.exp(log_odds)
    return odds / (1 + odds)
