"""What people write when they open a case: what happened, what they want, and what else they think of."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.facts import Facts
from governance.marketplaces.simulated.words.leaning import Turn, nobody
from governance.marketplaces.simulated.words.parts import Texts, joined, only, part, turned
from governance.marketplaces.simulated.words.style import written

STORIES = (
    "changed_mind",
    "out_of_stock",
    "not_received",
    "late",
    "defective",
    "damaged",
    "not_as_described",
    "wrong_item",
    "missing_parts",
    "empty_box",
    "counterfeit",
    "marked_delivered",
    "unauthorised",
    "overcharged",
)
STORY = {name: number for number, name in enumerate(STORIES)}

TEMPERS = ("polite", "plain", "angry")

_NEAR = {
    "not_received": ("late", "marked_delivered"),
    "late": ("not_received", "late"),
    "defective": ("damaged", "not_as_described"),
    "damaged": ("defective", "missing_parts"),
    "not_as_described": ("defective", "counterfeit"),
    "wrong_item": ("not_as_described", "missing_parts"),
    "missing_parts": ("wrong_item", "not_as_described"),
    "empty_box": ("missing_parts", "not_received"),
    "counterfeit": ("not_as_described", "defective"),
    "marked_delivered": ("not_received", "empty_box"),
}
"""What people say instead: they see what is wrong and seldom sort it into our classes."""

_NEIGHBOURS: Ints = np.array([[STORY[near] for near in _NEAR.get(name, (name, name))] for name in STORIES])
SAYABLE = np.array([name not in ("out_of_stock", "unauthorised") for name in STORIES])
"""Stories that buyers tell in the course of things; the others are told in cases only."""


@dataclass(frozen=True, slots=True)
class _Shares:
    """How often texts have their optional pieces."""

    near: float = 0.08
    vague: float = 0.08
    terse: float = 0.2
    aside: float = 0.13
    detail: float = 0.44


_SHARES = _Shares()
_PUSHES = Turn(if_honest=0.13, if_not=0.46)
_PUSHES_MORE = Turn(if_honest=0.12, if_not=0.36)


def complaint(
    draw: Draw,
    key: Ints,
    language: Ints,
    story: Ints,
    facts: pl.DataFrame,
    *,
    manipulation: Bools | None = None,
    temper: Floats | None = None,
) -> pl.Series:
    """Texts of cases.

    Parameters
    ----------
    key, language, story
        The entity that draws go by, the number of the market, and what the writer says happened (index into
        `STORIES`); one entry for each text.
    facts
        What the texts are about; see `Facts`.
    manipulation
        Who wants money for nothing: they lean towards pressure and excuses, which honest people use as well.
    temper
        0 (calm) to 1 (furious); drawn where it is not given.
    """
    about = Facts.read(language, key, facts)
    pushes = _pushing(draw, key, nobody(key) if manipulation is None else manipulation)
    heat = draw.uniform(key) ** 1.3 if temper is None else temper
    return written(_pieces(draw, key, language, _told(draw, key, story), pushes, heat), about, draw, key, heat)


def complaint_log_odds(draw: Draw, key: Ints, story: Ints, manipulation: Bools) -> Floats:
    """What the texts of `complaint` add to the log odds of manipulation; `draw` is a fresh one of the same purpose."""
    pushes, more = _pushing(draw, key, manipulation)
    said = _PUSHES.log_odds(pushes) + np.where(pushes, _PUSHES_MORE.log_odds(more), 0.0)
    return np.where(story == STORY["out_of_stock"], 0.0, said)


def _pushing(draw: Draw, key: Ints, wants: Bools) -> tuple[Bools, Bools]:
    """Whose text has one turn of pressure, and a second one."""
    pushes = _PUSHES.taken(draw, key, wants)
    return pushes, pushes & _PUSHES_MORE.taken(draw, key, wants)


def _told(draw: Draw, key: Ints, story: Ints) -> Ints:
    """The story as it is told: now and then a neighbouring one."""
    side = draw.integers(key, 0, _NEIGHBOURS.shape[1])
    return np.where(draw.happens(key, _SHARES.near), _NEIGHBOURS[story, side], story)


def _pieces(draw: Draw, key: Ints, language: Ints, story: Ints, pushing: tuple[Bools, Bools], heat: Floats) -> Texts:
    """The wordings put together, their facts still missing; sellers who cannot deliver come to the point."""
    mood = np.digitize(heat + draw.normal(key, 0.0, 0.12), (0.4, 0.75))
    by_seller = story == STORY["out_of_stock"]
    full = ~draw.happens(key, _SHARES.terse)
    chatty = full & ~by_seller
    vague = draw.happens(key, _SHARES.vague) & ~by_seller
    greeting, ask, closing = (part("cases", name, *TEMPERS) for name in ("greeting", "ask", "closing"))
    early, first = draw.happens(key, 0.3), draw.happens(key, 0.5)
    pressure, push = part("cases", "pressure"), draw.uniform(key)
    pushes, pushes_more = (turn & ~by_seller for turn in pushing)
    asks = draw.happens(key, 0.62) & ~by_seller
    problem = part("cases", "problem", *STORIES)
    detail = part("cases", "detail", *STORIES)
    aside = part("cases", "aside").pick(draw, key, language, said=chatty & draw.happens(key, _SHARES.aside))
    wish = ask.pick(draw, key, language, mood, said=asks)
    return joined(
        greeting.pick(draw, key, language, mood, said=chatty & draw.happens(key, 0.7)),
        part("messages", "hello", "seller").pick(draw, key, language, said=full & by_seller),
        only(early, wish),
        part("cases", "context").pick(draw, key, language, said=chatty & draw.happens(key, 0.5)),
        only(first, aside),
        problem.pick(draw, key, language, story, said=~vague),
        part("cases", "vague").pick(draw, key, language, said=vague),
        detail.pick(draw, key, language, story, said=chatty & ~vague & draw.happens(key, _SHARES.detail)),
        pressure.at(push, language, said=pushes),
        only(~early, wish),
        pressure.at(turned(push, 0.5), language, said=pushes_more),
        only(~first, aside),
        closing.pick(draw, key, language, mood, said=chatty & draw.happens(key, 0.5)),
        part("messages", "bye", "seller").pick(draw, key, language, said=by_seller & draw.happens(key, 0.4)),
    )
