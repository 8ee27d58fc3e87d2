"""Parts of texts: many interchangeable wordings for each language and class, read from TOML files beside this module.

A line of a file is a pattern: `(a|b|)` stands for one of its alternatives, and every line has the same chance whatever
the number of its alternatives. Lines under `any` belong to every class of their part, so classes share wordings.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from governance.errors import GovernanceError
from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.markets import MARKETS

Texts = npt.NDArray[np.object_]
"""Strings as Python objects: gathering and joining them costs no query, which matters for the few texts of a day."""

LANGUAGES = tuple(market.language for market in MARKETS)

_CHOICE = re.compile(r"\(([^()]*)\)")
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Part:
    """The wordings of one part of a text.

    `wordings` holds the alternatives of all lines, the first entry empty; line i has `count[i]` of them from
    `start[i]` on; the cell of a language and a class has `lines[language, class]` lines from
    `first[language, class]` on.
    """

    wordings: Texts
    start: Ints
    count: Ints
    first: Ints
    lines: Ints

    def pick(self, draw: Draw, key: Ints, language: Ints, of: Ints | int = 0, *, said: Bools | None = None) -> Texts:
        """A wording for each key, of the class `of`; empty for those not `said`, and where a class has none."""
        return self.at(draw.uniform(key), language, of, said=said)

    def at(self, mark: Floats, language: Ints, of: Ints | int = 0, *, said: Bools | None = None) -> Texts:
        """The wordings at marks of [0, 1); marks that are half a unit apart never fall on one line of several."""
        lines = self.lines[language, of]
        mark = mark * lines
        within = np.minimum(mark.astype(np.int64), np.maximum(lines - 1, 0))
        line = self.first[language, of] + within
        place = self.start[line] + ((mark - within) * self.count[line]).astype(np.int64)
        spoken = lines > 0 if said is None else said & (lines > 0)
        chosen: Texts = self.wordings[np.where(spoken, place, 0)]
        return chosen


@cache
def part(file: str, name: str, *classes: str) -> Part:
    """The part `name` of the texts in `<file>.<language>.toml`, its classes in the order given (one if none are)."""
    cells = [_cell(_texts(file, language)[name], of) for language in LANGUAGES for of in (classes or (_ANY,))]
    lines = [expanded(line) for cell in cells for line in cell]
    wordings = np.array(["", *(wording for line in lines for wording in line), ""], dtype=object)
    count = np.array([*map(len, lines), 1], dtype=np.int64)
    sizes = np.array(list(map(len, cells)), dtype=np.int64)
    shape = (len(LANGUAGES), len(classes) or 1)
    return Part(
        wordings=wordings,
        start=1 + np.cumsum(count) - count,
        count=count,
        first=(np.cumsum(sizes) - sizes).reshape(shape),
        lines=sizes.reshape(shape),
    )


def expanded(pattern: str) -> list[str]:
    """All wordings that a pattern stands for.

    >>> expanded("(Hi|Hello)( there|), ok")
    ['Hi there, ok', 'Hi, ok', 'Hello there, ok', 'Hello, ok']
    """
    found = [pattern]
    while any("(" in text for text in found):
        found = [text for wording in found for text in _opened(wording)]
    if any(")" in text for text in found):
        raise GovernanceError(f"The pattern {pattern!r} has a bracket that was never opened.")
    return list(dict.fromkeys(found))


def _opened(wording: str) -> list[str]:
    """The wordings in which the first innermost choice is made."""
    choice = _CHOICE.search(wording)
    if choice is None:
        return [wording]
    before, after = wording[: choice.start()], wording[choice.end() :]
    return [before + option + after for option in choice[1].split("|")]


def _cell(lines: Mapping[str, Sequence[str]] | Sequence[str], of: str) -> list[str]:
    """The lines of a class: its own and those of every class."""
    if not isinstance(lines, Mapping):
        return list(lines)
    if of == _ANY:
        return list(lines.get(_ANY, ()))
    return [*lines.get(of, ()), *lines.get(_ANY, ())]


@cache
def _texts(file: str, language: str) -> Mapping[str, Mapping[str, Sequence[str]] | Sequence[str]]:
    path = Path(__file__).with_name(f"{file}.{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def joined(*pieces: Texts) -> Texts:
    """Texts put together with blanks between their pieces; blanks that are too many go when texts are written."""
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + " " + piece
    return whole


def only(chosen: Bools, texts: Texts) -> Texts:
    """The chosen texts; the others are empty."""
    kept: Texts = np.where(chosen, texts, "")
    return kept


def turned(mark: Floats, by: float) -> Floats:
    """Marks of [0, 1) moved on around the circle, so that a text does not say the same thing twice."""
    return (mark + by) % 1.0
