"""What creators say: captions of videos and transcripts of live rooms."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.facts import CATEGORY_NAMES, Facts
from governance.marketplaces.simulated.words.leaning import Turn, nobody
from governance.marketplaces.simulated.words.parts import Texts, joined, part, turned
from governance.marketplaces.simulated.words.style import written

_PROMISES = Turn(if_honest=0.07, if_not=0.5)
_MORE_PROMISES = Turn(if_honest=0.03, if_not=0.28)


def caption(
    draw: Draw,
    key: Ints,
    language: Ints,
    category: Ints,
    *,
    listing: Ints,
    live: Bools,
    violation: Bools | None = None,
    amount_minor: Ints | None = None,
) -> pl.Series:
    """Captions of videos and transcripts of live rooms.

    Parameters
    ----------
    listing
        Number of the listing shown; the texts name its noun.
    live
        Transcripts of live rooms, several times as long as captions.
    violation
        Contents that promise what no listing does: cures, guarantees, other makes, payment outside the marketplace.
        Honest creators exaggerate as well, but less often.
    amount_minor
        Price named, in minor units.
    """
    frame = {"category": category, "listing": listing} | (
        {} if amount_minor is None else {"amount_minor": amount_minor}
    )
    about = Facts.read(language, key, pl.DataFrame(frame))
    promising = _promising(draw, key, nobody(key) if violation is None else violation)
    text = _spoken(draw, key, about, live, promising)
    return written(text, about, draw, key, 0.5 * draw.uniform(key))


def _spoken(draw: Draw, key: Ints, about: Facts, live: Bools, promising: tuple[Bools, Bools]) -> Texts:
    """The pieces of captions and transcripts; live rooms wander and repeat themselves."""
    language, category = about.language, about.category
    talk, claims = part("captions", "talk"), part("captions", "claim", *CATEGORY_NAMES)
    praise = part("captions", "praise", *CATEGORY_NAMES)
    chat, boast, praised = draw.uniform(key), draw.uniform(key), draw.uniform(key)
    promises, more = promising
    return joined(
        part("captions", "start", "video", "live").pick(draw, key, language, live.astype(np.int64)),
        talk.at(chat, language, said=live & draw.happens(key, 0.8)),
        praise.at(praised, language, category, said=draw.happens(key, 0.8)),
        claims.at(boast, language, category, said=promises),
        talk.at(turned(chat, 1 / 3), language, said=live & draw.happens(key, 0.8)),
        part("captions", "price").pick(draw, key, language, said=draw.happens(key, 0.45)),
        praise.at(turned(praised, 0.5), language, category, said=live & draw.happens(key, 0.7)),
        claims.at(turned(boast, 0.5), language, category, said=more),
        talk.at(turned(chat, 2 / 3), language, said=live & draw.happens(key, 0.6)),
        part("captions", "call").pick(draw, key, language, said=draw.happens(key, 0.6)),
        part("captions", "tags").pick(draw, key, language, said=~live & draw.happens(key, 0.7)),
    )


def caption_log_odds(draw: Draw, key: Ints, violation: Bools) -> Floats:
    """What the texts of `caption` add to the log odds of a violation; `draw` is a fresh one of the same purpose."""
    promises, more = _promising(draw, key, violation)
    return _PROMISES.log_odds(promises) + _MORE_PROMISES.log_odds(more)


def _promising(draw: Draw, key: Ints, breaks: Bools) -> tuple[Bools, Bools]:
    """Whose text promises what no listing does, early on and later."""
    return _PROMISES.taken(draw, key, breaks), _MORE_PROMISES.taken(draw, key, breaks)
