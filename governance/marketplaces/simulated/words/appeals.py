"""Grounds of appeals: why an outcome or an enforcement should not stand."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Ints
from governance.marketplaces.simulated.words.complaints import SAYABLE, STORIES
from governance.marketplaces.simulated.words.facts import Facts
from governance.marketplaces.simulated.words.parts import joined, part
from governance.marketplaces.simulated.words.style import written


def grounds(
    draw: Draw,
    key: Ints,
    language: Ints,
    facts: pl.DataFrame,
    *,
    against_enforcement: Bools,
    manipulation: Bools | None = None,
) -> pl.Series:
    """Grounds of appeals; those who abuse appeals lean towards pleading, which the wronged do as well."""
    about = Facts.read(language, key, facts)
    pleads = np.zeros(len(key), dtype=np.bool_) if manipulation is None else manipulation
    told = (about.story >= 0) & SAYABLE[about.story] & ~against_enforcement & draw.happens(key, 0.4)
    text = joined(
        part("appeals", "opening").pick(draw, key, language, said=draw.happens(key, 0.6)),
        part("appeals", "core", "outcome", "enforcement").pick(
            draw, key, language, against_enforcement.astype(np.int64)
        ),
        part("cases", "problem", *STORIES).pick(draw, key, language, np.maximum(about.story, 0), said=told),
        part("appeals", "plea").pick(draw, key, language, said=draw.happens(key, np.where(pleads, 0.6, 0.35))),
        part("appeals", "end").pick(draw, key, language, said=draw.happens(key, 0.4)),
    )
    return written(text, about, draw, key, draw.uniform(key))
