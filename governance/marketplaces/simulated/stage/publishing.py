"""Publishing: today's contents, and their rows."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import CONTENTS
from governance.marketplaces.simulated.chance import HOUR, SECOND, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.categories import CATEGORIES
from governance.marketplaces.simulated.stage.choosing import Urn
from governance.marketplaces.simulated.stage.contents import SEEN_DAYS, Contents, by_place, chosen, new_contents
from governance.marketplaces.simulated.stage.creators import new_creators
from governance.marketplaces.simulated.stage.docket import act
from governance.marketplaces.simulated.stage.moderating import moderate
from governance.marketplaces.simulated.stage.stage import new_books
from governance.marketplaces.simulated.stage.straying import Spoken, recruit_strays, stray
from governance.marketplaces.simulated.stage.wording import texts
from governance.marketplaces.simulated.state import extended

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_NAMES = pl.Series([market.name for market in MARKETS])
_KINDS = pl.Series(["video", "live"])
_LANGUAGES = pl.Series([market.language for market in MARKETS])
_CATEGORY = pl.Series([category.name for category in CATEGORIES])


def publish(world: "World", today: Today) -> None:
    """New creators come, and today's contents are published."""
    stage = world.stage
    act(world, today)
    stage.creators = new_creators(world.settings, today, world.outbox, stage.creators)
    stage.books = extended(stage.books, new_books(len(stage.creators) - len(stage.books.owed)))
    recruit_strays(world, today)
    new = new_contents(today, stage.creators, _offered(world, today))
    spoken = stray(world, today, new)
    _put_contents(world, today, new, spoken)
    moderate(world, today, new, spoken)
    seen = stage.contents.born > today.index - SEEN_DAYS
    stage.contents = extended(chosen(stage.contents, seen), new)


def _offered(world: "World", today: Today) -> Urn:
    """Listings that may be shown: those of open sellers, by their appeal."""
    listings, sellers = world.shops.listings, world.shops.sellers
    weight = listings.appeal * listings.offered(sellers, today.index)
    return by_place(listings.market, listings.category, weight)


def _put_contents(world: "World", today: Today, new: Contents, spoken: Spoken) -> None:
    """A row when a content starts; a live room has another one when it has ended."""
    draw = today.draw("rows of contents")
    known = new.started + draw.integers(new.number, SECOND, 30 * SECOND)
    names = _NAMES[new.market]
    frame = pl.DataFrame(
        {
            "content_id": identifiers("content", new.number, seed=today.seed),
            "occurred_at": new.started,
            "known_at": known,
            "market": names,
            "creator_id": identifiers("creator", new.creator, seed=today.seed),
            "kind": _KINDS[new.live.astype(np.int64)],
            "product_ids": _product_ids(new, seed=today.seed),
            "category": _CATEGORY[new.category],
            "text": texts(today, new, spoken, world.shops.listings),
            "language": _LANGUAGES[new.market],
            "started_at": new.started,
        }
    )
    world.outbox.put(CONTENTS, frame)
    ended = pl.Series(new.ended)
    over = frame.with_columns_seq(known_at=ended + draw.integers(new.number, 0, HOUR), ended_at=ended)
    world.outbox.put(CONTENTS, over.filter(pl.Series(new.live)))


def _product_ids(contents: Contents, *, seed: int) -> pl.Series:
    columns = {
        f"listing {place}": pl.select(
            pl.when(pl.Series(shown >= 0)).then(identifiers("product", np.maximum(shown, 0), seed=seed))
        ).to_series()
        for place, shown in enumerate(contents.shown().T)
    }
    together = pl.concat_str(*columns, separator=" ", ignore_nulls=True)
    return pl.DataFrame(columns).select_seq(pl.when(together != "").then(together)).to_series()
