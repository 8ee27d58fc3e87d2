"""What the stage hands from one day to the next."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Floats, Ints, Today
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.stage.contents import Contents, no_contents
from governance.marketplaces.simulated.stage.creators import Creators, first_creators

DOCKET = pl.Schema({"day": pl.Int64(), "role": pl.String(), "number": pl.Int64()})
"""Who is to be acted on when: a buyer, a creator or a content."""

PLACES_SEEN = pl.Schema({"place": pl.Int64(), "farmed": pl.Float64(), "days": pl.Float64()})
"""Devices and networks that many share: how many days accounts came from each, and how many of these were paid for,
as far as an ideal observer can tell; older days count less."""

_BOOKED = {"owed": np.int64, "views": np.int64, "likes": np.int64}


@dataclass(slots=True)
class Viewers:
    """What each buyer is as a viewer: the creator it follows (-1 for none), and the day on which it was `seen` last.

    `farmed` is an ideal observer's belief that it belongs to the click farm `farm` (a campaign's number, -1 for none).
    """

    follows: Ints
    farmed: Floats
    farm: Ints
    seen: Ints


@dataclass(slots=True)
class Books:
    """What each creator has in its week so far: `owed` from sales (minor units), `views` and `likes`.

    `bought_for` is the campaign for which it bought engagement that came, -1 where none did.

    An ideal observer's notes: `slight`, `even` and `heavy` sum the evidence that a small, middling or large part of
    its engagement was bought; `cheats` and `strays` are the beliefs that it belongs to those who buy engagement, or
    who sell what their listings do not say.
    """

    owed: Ints
    views: Ints
    likes: Ints
    bought_for: Ints
    slight: Floats
    even: Floats
    heavy: Floats
    cheats: Floats
    strays: Floats


@dataclass(slots=True)
class Stage:
    """Creators, the contents that are still seen, and what hangs on them."""

    creators: Creators
    contents: Contents
    viewers: Viewers
    books: Books
    docket: pl.DataFrame
    places: pl.DataFrame


def begin(settings: Settings, today: Today, outbox: Outbox) -> Stage:
    """Creators without contents; they begin to publish on the first day."""
    creators = first_creators(settings, today, outbox)
    return Stage(
        creators=creators,
        contents=no_contents(),
        viewers=new_viewers(0),
        books=new_books(len(creators)),
        docket=pl.DataFrame(schema=DOCKET),
        places=pl.DataFrame(schema=PLACES_SEEN),
    )


def new_viewers(size: int) -> Viewers:
    """Viewers of whom nothing is known."""
    nobody = np.full(size, -1, dtype=np.int64)
    return Viewers(follows=nobody, farmed=np.zeros(size), farm=nobody.copy(), seen=nobody.copy())


def new_books(size: int) -> Books:
    """Books of creators who have just come."""
    values: dict[str, Any] = {
        one.name: np.zeros(size, dtype=_BOOKED.get(one.name, np.float64)) for one in fields(Books)
    }
    return Books(**values | {"bought_for": np.full(size, -1, dtype=np.int64)})
