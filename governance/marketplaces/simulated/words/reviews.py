"""Reviews: what buyers write beside their stars, most often nothing or little."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.complaints import SAYABLE, STORIES
from governance.marketplaces.simulated.words.facts import CATEGORY_NAMES, Facts
from governance.marketplaces.simulated.words.leaning import Turn, nobody
from governance.marketplaces.simulated.words.parts import Texts, joined, part
from governance.marketplaces.simulated.words.style import written

_MOODS = ("bad", "middling", "good")
_GOOD = 4
_NAMES_GOODS = Turn(if_honest=0.5, if_not=0.25)
_ADVISES = Turn(if_honest=0.25, if_not=0.42)


def review(
    draw: Draw,
    key: Ints,
    language: Ints,
    rating: Ints,
    facts: pl.DataFrame,
    *,
    silent: float = 0.55,
    bought: Bools | None = None,
) -> pl.Series:
    """Texts of reviews, null where the buyer gives stars only.

    Parameters
    ----------
    rating
        Stars, 1 to 5.
    facts
        What the texts are about; `story` is what went wrong, told by those who give few stars.
    silent
        Share of reviews without a text.
    bought
        Reviews written to order: they lean towards the general praise that others write as well.
    """
    about = Facts.read(language, key, facts)
    speaks, names, advises = _turns(draw, key, nobody(key) if bought is None else bought, silent)
    mood = np.digitize(rating, (3, _GOOD))
    text = _pieces(draw, key, about, mood, names, advises)
    heat = np.where(mood == 0, draw.uniform(key), 0.4 * draw.uniform(key))
    texts = written(text, about, draw, key, heat)
    frame = pl.DataFrame({"text": texts, "speaks": pl.Series(speaks, dtype=pl.Boolean)})
    return frame.select_seq(pl.when("speaks").then("text")).to_series()


def _pieces(draw: Draw, key: Ints, about: Facts, mood: Ints, names: Bools, advises: Bools) -> Texts:
    """The wordings put together, their facts still missing; who gives few stars mostly says what went wrong."""
    stated = (about.story >= 0) & SAYABLE[about.story] & (mood < 2) & draw.happens(key, 0.7)
    story = np.maximum(about.story, 0)
    good = mood == 2
    goods = good & names
    return joined(
        part("reviews", "verdict", *_MOODS).pick(draw, key, about.language, mood, said=~goods | draw.happens(key, 0.5)),
        part("cases", "problem", *STORIES).pick(draw, key, about.language, story, said=stated),
        part("reviews", "goods", *CATEGORY_NAMES).pick(draw, key, about.language, about.category, said=goods),
        part("reviews", "service", *_MOODS).pick(draw, key, about.language, mood, said=draw.happens(key, 0.35)),
        part("reviews", "aside").pick(draw, key, about.language, said=draw.happens(key, 0.16)),
        part("reviews", "advice", *_MOODS).pick(draw, key, about.language, mood, said=advises),
    )


def review_log_odds(draw: Draw, key: Ints, rating: Ints, bought: Bools, *, silent: float = 0.55) -> Floats:
    """What the texts of `review` add to the log odds of being bought; `draw` is a fresh one of the same purpose."""
    speaks, names, advises = _turns(draw, key, bought, silent)
    named = np.where(rating >= _GOOD, _NAMES_GOODS.log_odds(names), 0.0)
    return np.where(speaks, named + _ADVISES.log_odds(advises), 0.0)


def _turns(draw: Draw, key: Ints, bought: Bools, silent: float) -> tuple[Bools, Bools, Bools]:
    """Who writes at all, who says something of the goods, and who gives advice."""
    speaks = ~draw.happens(key, silent)
    return speaks, _NAMES_GOODS.taken(draw, key, bought), _ADVISES.taken(draw, key, bought)
