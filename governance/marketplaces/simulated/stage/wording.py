"""What is said in contents."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.chance import Floats, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.shops.categories import PRICE
from governance.marketplaces.simulated.stage.contents import Contents
from governance.marketplaces.simulated.stage.straying import Spoken

if TYPE_CHECKING:
    from governance.marketplaces.simulated.shops.listings import Listings

_PURPOSE = "captions"


def texts(today: Today, new: Contents, spoken: Spoken, listings: "Listings") -> pl.Series:
    """Captions of today's videos and transcripts of its live rooms; they name the first listing's noun and price."""
    dollars = np.array([market.dollars for market in MARKETS])
    usual = np.rint(PRICE[spoken.category] * 100 / dollars[new.market]).astype(np.int64)
    price = np.where(new.first >= 0, listings.price_minor[np.maximum(new.first, 0)], usual)
    text = words.caption(
        today.draw(_PURPOSE),
        new.number,
        new.market,
        spoken.category,
        listing=new.first,
        live=new.live,
        violation=spoken.evasive,
        amount_minor=price,
    )
    return pl.Series(text, dtype=pl.String)


def texts_odds(today: Today, new: Contents, spoken: Spoken) -> Floats:
    """What the texts add to the log odds that somebody speaks in evading words; above 0 where one is heard."""
    return words.caption_log_odds(today.draw(_PURPOSE), new.number, spoken.evasive)
