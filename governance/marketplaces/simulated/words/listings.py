"""Listings: titles and descriptions, honest ones and those that hide what they sell."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.facts import CATEGORY_NAMES, Facts
from governance.marketplaces.simulated.words.leaning import Turn
from governance.marketplaces.simulated.words.parts import Texts, joined, only, part, turned
from governance.marketplaces.simulated.words.style import written

EVASIONS = ("none", "counterfeit", "prohibited")

HINTS = ("none", "copy", "gadget", "forbidden", "remedy")
"""What hints are worded for: nobody hides grandma's recipe in a headset, nor spare parts in a dress."""

_WORDED: Ints = np.array(
    [
        [0] * len(CATEGORY_NAMES),
        [HINTS.index("gadget" if name in ("phones", "electronics") else "copy") for name in CATEGORY_NAMES],
        [HINTS.index("remedy" if name in ("beauty", "grocery") else "forbidden") for name in CATEGORY_NAMES],
    ]
)
"""Whose hints (index into `HINTS`) a listing drops, by what it hides (index into `EVASIONS`) and by category."""


_TITLE_HINTS = Turn(if_honest=0.035, if_not=0.33)
_BODY_HINTS = Turn(if_honest=0.05, if_not=0.52)
_BODY_HINTS_TWICE = Turn(if_honest=0.2, if_not=0.3)


@dataclass(frozen=True, slots=True)
class _Hints:
    """Whose hints a text drops (index into `HINTS`), and where."""

    worded: Ints
    title: Bools
    body: Bools
    twice: Bools


def listing(
    draw: Draw, key: Ints, language: Ints, category: Ints, *, evasion: Ints | None = None
) -> tuple[pl.Series, pl.Series]:
    """Titles and descriptions of listings.

    Parameters
    ----------
    draw
        For versions of one listing the same draw every time, such as `Draw(seed, 0, "listing words")`.
    key
        Numbers of the listings: nouns hang on them, in cases and reviews as well.
    evasion
        Index into `EVASIONS`. Hints and code words are more frequent where something is hidden; honest sellers of
        spare parts, look-alikes and herbal goods use the same ones.
    """
    about = Facts.read(language, key, pl.DataFrame({"category": category, "listing": key}))
    hints = _hinting(draw, key, np.zeros(len(key), dtype=np.int64) if evasion is None else evasion, category)
    title = written(_title(draw, key, about, hints), about, draw, key)
    return title, written(_description(draw, key, about, hints), about, draw, key)


def listing_log_odds(draw: Draw, key: Ints, evasion: Ints) -> Floats:
    """What the texts of `listing` add to the log odds of evasion; `draw` is a fresh one of the same purpose.

    Which kind of hint it is says nothing more, for the innocent drop both kinds about equally.
    """
    hints = _hinting(draw, key, evasion, np.zeros(len(key), dtype=np.int64))
    more = np.where(hints.body, _BODY_HINTS_TWICE.log_odds(hints.twice), 0.0)
    return _TITLE_HINTS.log_odds(hints.title) + _BODY_HINTS.log_odds(hints.body) + more


def _hinting(draw: Draw, key: Ints, evasion: Ints, category: Ints) -> _Hints:
    """Whose texts drop hints; the innocent drop either kind."""
    hidden = evasion > 0
    return _Hints(
        worded=_WORDED[np.where(hidden, evasion, 1 + draw.happens(key, 0.5)), category],
        title=_TITLE_HINTS.taken(draw, key, hidden),
        body=_BODY_HINTS.taken(draw, key, hidden),
        twice=_BODY_HINTS_TWICE.taken(draw, key, hidden),
    )


def _title(draw: Draw, key: Ints, about: Facts, hints: _Hints) -> Texts:
    language, early = about.language, draw.happens(key, 0.4)
    hint = part("listings", "title_hint", *HINTS).pick(draw, key, language, hints.worded, said=hints.title)
    name, feature = (part("listings", one, *CATEGORY_NAMES) for one in ("name", "feature"))
    return joined(
        part("listings", "before").pick(draw, key, language, said=draw.happens(key, 0.45)),
        only(early, hint),
        part("listings", "brand").pick(draw, key, language, said=draw.happens(key, 0.6)),
        name.pick(draw, key, language, about.category),
        feature.pick(draw, key, language, about.category, said=draw.happens(key, 0.75)),
        only(~early, hint),
        part("listings", "after").pick(draw, key, language, said=draw.happens(key, 0.3)),
    )


def _description(draw: Draw, key: Ints, about: Facts, hints: _Hints) -> Texts:
    language, category = about.language, about.category
    body, hint = part("listings", "body", *CATEGORY_NAMES), part("listings", "hint", *HINTS)
    mark, other = draw.uniform(key), draw.uniform(key)
    return joined(
        part("listings", "opening").pick(draw, key, language, said=draw.happens(key, 0.7)),
        body.at(mark, language, category),
        body.at(turned(mark, 0.5), language, category, said=draw.happens(key, 0.55)),
        hint.at(other, language, hints.worded, said=hints.body),
        part("listings", "terms").pick(draw, key, language, said=draw.happens(key, 0.7)),
        hint.at(turned(other, 0.5), language, hints.worded, said=hints.body & hints.twice),
        part("listings", "end").pick(draw, key, language, said=draw.happens(key, 0.5)),
    )
