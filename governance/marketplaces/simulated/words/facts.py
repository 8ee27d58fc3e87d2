"""The facts of a text: amounts, days, goods and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, joint, mix
from governance.marketplaces.simulated.words.parts import LANGUAGES, Texts, part

ID, ES, EN = (LANGUAGES.index(language) for language in ("id", "es", "en"))

CATEGORY_NAMES = (
    "phones",
    "electronics",
    "fashion",
    "shoes",
    "beauty",
    "home",
    "kitchen",
    "toys",
    "sports",
    "books",
    "grocery",
    "jewellery",
)
"""The categories in the order of their numbers; `shops` imports words, so words cannot import `shops.categories`."""

_BY_CATEGORY = {"fault": "faults", "damage": "damages", "mismatch": "mismatches", "piece": "pieces"}
_GENERAL = {
    "strange": "strange",
    "when": "times",
    "carrier": "carriers",
    "no_amount": "amountless",
    "no_days": "dayless",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What texts are about, one entry for each text; `listing` and `story` are -1 and amounts NaN where unknown."""

    language: Ints
    category: Ints
    listing: Ints
    author: Ints
    story: Ints
    amount_minor: Floats
    days: Floats
    grams: Floats

    @classmethod
    def read(cls, language: Ints, key: Ints, frame: pl.DataFrame) -> "Facts":
        """Facts from a frame that may lack any of its columns; who has no author's number writes once only."""

        def whole(name: str, otherwise: Ints) -> Ints:
            if name not in frame.columns:
                return otherwise
            column = frame[name].cast(pl.Int64)
            if not column.null_count():
                return column.to_numpy()
            return np.where(column.is_null().to_numpy(), otherwise, column.fill_null(0).to_numpy())

        def number(name: str) -> Floats:
            if name not in frame.columns:
                return np.full(len(key), np.nan)
            # NumPy has NaN where Polars has nothing.
            return frame[name].cast(pl.Float64).to_numpy()

        nothing = np.full(len(key), -1, dtype=np.int64)
        return cls(
            language=language,
            category=whole("category", np.zeros(len(key), dtype=np.int64)),
            listing=whole("listing", nothing),
            author=whole("author", key),
            story=whole("story", nothing),
            amount_minor=number("amount_minor"),
            days=number("days"),
            grams=number("grams"),
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """What may stand in each text: drawn nouns and clauses by name, and figures; one entry for each text.

    `way` (0 to 1) says how an amount is written; days, amounts (minor units) and grams are NaN where unknown.
    """

    language: Ints
    texts: Mapping[str, Texts]
    minor: Floats
    days: Floats
    grams: Floats
    way: Floats


def drawn(facts: Facts, draw: Draw, key: Ints) -> Drawn:
    """Nouns of the listings, and drawn clauses about what may be wrong with such goods."""
    language = facts.language
    listing = np.where(facts.listing < 0, key, facts.listing)
    texts = {"noun": nouns(language, facts.category, listing), "colour": colours(language, facts.category, listing)}
    for name, file in _BY_CATEGORY.items():
        texts[name] = part("things", file, *CATEGORY_NAMES).pick(draw, key, language, facts.category)
    for name, file in _GENERAL.items():
        texts[name] = part("things", file).pick(draw, key, language)
    grams = np.where(np.isnan(facts.grams), draw.lognormal(key, 700.0, 0.7), facts.grams)
    return Drawn(language, texts, facts.amount_minor, facts.days, grams, draw.uniform(key))


def nouns(language: Ints, category: Ints, listing: Ints) -> Texts:
    """The noun of a listing, in Spanish with its article; it hangs on the listing alone."""
    return _for_good("nouns", language, category, listing)


def colours(language: Ints, category: Ints, listing: Ints) -> Texts:
    """The colour or version of a listing: the same in its title, its description and in what is said of it."""
    return _for_good("colours", language, category, listing)


def _for_good(name: str, language: Ints, category: Ints, listing: Ints) -> Texts:
    """A wording that hangs on the listing alone."""
    return part("things", name, *CATEGORY_NAMES).pick(Draw(0, 0, name), joint(listing, 1), language, category)


def persistent(author: Ints, purpose: int, share: float) -> Bools:
    """A habit that an author keeps for life, held by `share` of all authors."""
    word = mix(joint(author, purpose).view(np.uint64))
    return np.asarray((word >> np.uint64(11)).astype(np.float64) * 2.0**-53 < share, dtype=np.bool_)
