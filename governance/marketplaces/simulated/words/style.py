"""How people write: carefully or in haste, with typos, abbreviations, capitals, and their own habits."""

from collections.abc import Callable

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.facts import EN, ES, ID, Facts, drawn, persistent
from governance.marketplaces.simulated.words.filling import filled
from governance.marketplaces.simulated.words.parts import Texts

_SHORT: dict[int, dict[str, str]] = {
    EN: {
        " you ": " u ", " please": " pls", " are ": " r ", " because ": " cos ", " your ": " ur ", " and ": " n ",
        " don't ": " dont ", " didn't ": " didnt ", " doesn't ": " doesnt ", " I'm ": " im ", " won't ": " wont ",
        " it's ": " its ", " thanks": " thx", " through ": " thru ", " really ": " rly ", " I've ": " ive ",
    },
    ES: {
        " que ": " q ", " por ": " x ", " porque ": " xq ", " también ": " tmb ", " para ": " pa ", " x favor": " x fa",
        " mensaje": " msj", " hola": " ola", " gracias": " grax", " donde ": " dnd ", " te ": " t ",
    },
    ID: {
        " yang ": " yg ", " tidak ": " gk ", " dengan ": " dgn ", " saya ": " sy ", " sudah ": " udh ",
        " barang ": " brg ", " tolong ": " tlg ", " untuk ": " utk ", " banget": " bgt", " bisa ": " bs ",
        " kalau ": " klo ", " terima kasih": " mksh", " sampai ": " smp ", " belum ": " blm ", " juga ": " jg ",
        " karena ": " krn ",
    },
}  # fmt: skip
_ACCENTS = str.maketrans("áéíóúÁÉÍÓÚ", "aeiouAEIOU", "¿¡")


def written(
    texts: Texts, facts: Facts, draw: Draw, key: Ints, temper: Floats | None = None, *, careful: Bools | None = None
) -> pl.Series:
    """Texts with their facts in place, as their authors type them.

    `temper` runs from 0 (calm) to 1 (furious); without it somebody proofreads all of them, `careful` says whose.
    """
    lines = filled(texts.tolist(), drawn(facts, draw, key))
    lines = [line[:1].upper() + line[1:] for line in lines]
    if temper is not None:
        by_hand = np.ones(len(key), dtype=np.bool_) if careful is None else ~careful
        _type(lines, facts, draw, key, temper, by_hand)
    return pl.Series(lines, dtype=pl.String)


def _type(lines: list[str], facts: Facts, draw: Draw, key: Ints, temper: Floats, by_hand: Bools) -> None:
    """Change lines in place, each habit in those that have it."""
    hasty, language = persistent(facts.author, 11, 0.22), facts.language
    short, plain = hasty & draw.happens(key, 0.6), persistent(facts.author, 12, 0.45) & (language == ES)
    small = (hasty | draw.happens(key, 0.06)) & draw.happens(key, 0.75)
    shouts = draw.happens(key, np.where(temper > 0.85, 0.12, 0.006))
    stressed = draw.happens(key, 0.03 + 0.3 * np.maximum(temper - 0.6, 0))
    slips = draw.happens(key, np.where(hasty, 0.6, 0.16))
    habits: list[tuple[Bools, Callable[[str], str]]] = [
        *((short & (language == number), _shortened(words)) for number, words in _SHORT.items()),
        (plain, lambda line: line.translate(_ACCENTS)),
        (small, str.lower),
        (draw.happens(key, 0.16), lambda line: line.rstrip(".!")),
        (stressed, lambda line: line.rstrip(".!") + "!!!"),
        (shouts, str.upper),
    ]
    for has, habit in habits:
        for place in np.flatnonzero(has & by_hand):
            lines[place] = habit(lines[place])
    for slipped in (slips, slips & draw.happens(key, 0.4)):
        kind, where = draw.uniform(key), draw.uniform(key)
        for place in np.flatnonzero(slipped & by_hand):
            lines[place] = _slip(lines[place], float(kind[place]), float(where[place]))


def _shortened(words: dict[str, str]) -> Callable[[str], str]:
    def habit(line: str) -> str:
        for word, short in words.items():
            line = line.replace(word, short)
        return line

    return habit


def _slip(line: str, kind: float, where: float) -> str:
    """One slip of the finger: a letter left out, doubled, or swapped with the next, within a word; never in a figure.

    >>> _slip("hello", 0.1, 0.5), _slip("hello", 0.5, 0.3), _slip("hello", 0.9, 0.3), _slip("hello", 0.9, 0.1)
    ('helo', 'heello', 'hlelo', 'hello')
    """
    at = int(where * len(line))
    before, two, after = line[:at], line[at : at + 2], line[at + 2 :]
    if len(two) < 2 or not (before[-1:] + two).isalpha() or not before:
        return line
    if kind < 0.4:
        return before + two[1] + after
    return before + (two[0] + two if kind < 0.6 else two[::-1]) + after
