"""Facts put into texts, where a wording has `{amount}` and so on (`{Amount}` for one with a capital).

Texts are filled one by one: a day has a few hundred, each with two or three facts, and for so few a query over
columns costs ten times as much. A hundred thousand take no longer than the query would.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from governance.marketplaces.simulated.words.facts import EN, ES, Drawn

_UNITS = (("hari", "hari"), ("día", "días"), ("day", "days"))


@dataclass(frozen=True, slots=True)
class _One:
    """What the facts of one text are drawn from."""

    drawn: Drawn
    place: int

    def text(self, name: str) -> str:
        text: str = self.drawn.texts[name][self.place]
        return text

    @property
    def language(self) -> int:
        return int(self.drawn.language[self.place])


class _Facts(dict[str, str]):
    """The facts of one text, made when they are asked for."""

    def __init__(self, one: _One) -> None:
        super().__init__()
        self.one = one

    def __missing__(self, name: str) -> str:
        plain = name[0].lower() + name[1:]
        teller = _TOLD.get(plain)
        entry = teller(self.one) if teller else self.one.text(plain)
        entry = entry.format_map(self) if "{" in entry else entry
        self[name] = entry if plain == name else entry[:1].upper() + entry[1:]
        return self[name]


def filled(texts: list[str], drawn: Drawn) -> list[str]:
    """Texts with their facts in place and single blanks."""
    return [
        _tidy(text.format_map(_Facts(_One(drawn, place))) if "{" in text else text) for place, text in enumerate(texts)
    ]


def _tidy(text: str) -> str:
    return " ".join(text.split()).replace(" ,", ",").replace(" de el ", " del ")


def _noun(one: _One) -> str:
    return one.text("noun").removeprefix("el ").removeprefix("la ")


def _indefinite(one: _One) -> str:
    noun = _noun(one)
    if one.language == EN:
        return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"
    if one.language == ES:
        return f"una {noun}" if one.text("noun").startswith("la ") else f"un {noun}"
    return noun


def _definite(one: _One) -> str:
    return f"the {_noun(one)}" if one.language == EN else one.text("noun")


def _days(one: _One) -> str:
    """Spans of days, rounded up the way people do, at least one."""
    days = one.drawn.days[one.place]
    if math.isnan(days):
        return one.text("no_days")
    count = max(1, math.ceil(days))
    return f"{count} {_UNITS[one.language][count > 1]}"


def _amount(one: _One) -> str:
    """Amounts of money the way people of the market write them."""
    minor, way = one.drawn.minor[one.place], float(one.drawn.way[one.place])
    if math.isnan(minor) or minor <= 0:
        return one.text("no_amount")
    return _WRITTEN[one.language](round(minor), way)


def _rupiah(minor: int, way: float) -> str:
    whole = minor // 100
    if way < 0.45 and 1000 <= whole < 1_000_000 and whole % 1000 < 50:
        return f"{whole // 1000}rb" if way < 0.3 else f"{whole // 1000} ribu"
    dotted = f"{whole:,}".replace(",", ".")
    return f"Rp{dotted}" if way < 0.8 else f"Rp {dotted}"


def _pesos(minor: int, way: float) -> str:
    whole, cents = divmod(minor, 100)
    if way < 0.3:
        return f"{whole} pesos"
    if way < 0.45:
        return f"${whole}.{cents:02d}"
    return f"${whole}" if way < 0.85 else f"{whole} MXN"


def _pounds(minor: int, way: float) -> str:
    whole, cents = divmod(minor, 100)
    if way < 0.6:
        return f"£{whole}.{cents:02d}"
    if way < 0.85 or not whole:
        return f"£{whole}" if whole else f"{cents}p"
    return f"{whole} quid" if way < 0.93 else f"{whole} pounds"


def _weight(one: _One) -> str:
    """Weights as scales print them; never nothing."""
    return f"{max(0.01, one.drawn.grams[one.place] / 1000):.2f} kg"


_WRITTEN: tuple[Callable[[int, float], str], ...] = (_rupiah, _pesos, _pounds)
_TOLD: Mapping[str, Callable[[_One], str]] = {
    "item": _noun,
    "tag": lambda one: _noun(one).replace(" ", ""),
    "a": _indefinite,
    "the": _definite,
    "days": _days,
    "amount": _amount,
    "grams": _weight,
}
