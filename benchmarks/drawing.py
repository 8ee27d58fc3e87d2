"""Small plots as PNG files, drawn with Pillow: distributions as curves, shares as bars."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 440, 280
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 46, 40
COLOURS = ("#b5651d", "#1f5fa8")
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_GREY, _INK = "#d9d9d9", "#333333"


class _Panel:
    """Axes from (0, 0) to (1, 1) with a title, a legend and labelled grid lines."""

    def __init__(self, title: str, names: Sequence[str], *, x: str) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.text((LEFT, 6), title, size=13)
        at = LEFT
        for name, colour in zip(names, COLOURS, strict=True):
            self.draw.rectangle((at, 29, at + 10, 37), fill=colour)
            self.text((at + 14, 26), name, size=11)
            at += 34 + int(self.draw.textlength(name, font=_font(11)))
        self.text(((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 16), x, size=11, anchor="ma")

    def text(self, at: tuple[int, int], words: str, *, size: int = 10, anchor: str = "la") -> None:
        """Words at a place in pixels."""
        self.draw.text(at, words, fill=_INK, font=_font(size), anchor=anchor)

    def at(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a point of the unit square."""
        across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + round(x * across), TOP + round((1 - y) * down)

    def level(self, y: float, words: str) -> None:
        """A grid line across, named at the left."""
        self.draw.line((self.at(0, y), self.at(1, y)), fill=_GREY)
        self.text((LEFT - 4, self.at(0, y)[1]), words, anchor="rm")

    def mark(self, x: float, words: str, *, line: bool = True) -> None:
        """A place below the axis, with a grid line upwards."""
        if line:
            self.draw.line((self.at(x, 0), self.at(x, 1)), fill=_GREY)
        self.text((self.at(x, 0)[0], HEIGHT - BOTTOM + 4), words, anchor="ma")


def curves(
    path: Path, title: str, series: Mapping[str, tuple[Floats, Floats]], *, x: str, ticks: Sequence[float]
) -> None:
    """Draw what share of the weight lies at or below each value, from the first to the last tick.

    Parameters
    ----------
    series
        Values and weights of each of two series, by name.
    """
    panel = _Panel(title, list(series), x=x)
    first, last = ticks[0], ticks[-1]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        panel.level(share, f"{share:.0%}")
    for tick in ticks:
        panel.mark((tick - first) / (last - first), f"{tick:g}")
    places = np.linspace(0, 1, WIDTH - LEFT - RIGHT)
    for (values, weights), colour in zip(series.values(), COLOURS, strict=True):
        order = np.argsort(values)
        reached = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
        shares = reached[np.searchsorted(values[order], first + places * (last - first), side="right")]
        panel.draw.line([panel.at(*point) for point in zip(places, shares, strict=True)], fill=colour, width=2)
    panel.image.save(path, optimize=True)


def bars(path: Path, title: str, series: Mapping[str, Sequence[float]], *, x: str, names: Sequence[str]) -> None:
    """Draw the shares of a few kinds side by side."""
    panel = _Panel(title, list(series), x=x)
    highest = max(max(shares) for shares in series.values())
    step = next(step for step in _STEPS if highest <= 5 * step)
    top = step * int(np.ceil(highest / step))
    for level in np.arange(0, top + step / 2, step):
        panel.level(level / top, f"{level:.0%}")
    for place, name in enumerate(names):
        panel.mark((place + 0.5) / len(names), name, line=False)
    for number, (shares, colour) in enumerate(zip(series.values(), COLOURS, strict=True)):
        for place, share in enumerate(shares):
            left = (place + 0.14 + 0.36 * number) / len(names)
            box = (panel.at(left, share / top), panel.at(left + 0.36 / len(names), 0))
            panel.draw.rectangle(box, fill=colour)
    panel.image.save(path, optimize=True)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
