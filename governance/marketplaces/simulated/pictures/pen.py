"""The pen that goods are drawn with, and its colours."""

from colorsys import hsv_to_rgb
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

SIDE = 96
"""Width and height of a picture in pixels; drawn at twice that and scaled down."""

BIG = SIDE * 2
_RIM = 2

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pen:
    """A drawing and what it is drawn with; places are shares of the picture's side."""

    draw: ImageDraw.ImageDraw
    main: Colour
    second: Colour
    chance: np.random.Generator

    def box(self, *corners: float) -> list[float]:
        """Corners in pixels."""
        return [corner * BIG for corner in corners]

    def rectangle(self, *corners: float, fill: Colour | None = None, round_by: float = 0.03) -> None:
        """A rectangle with rounded corners and a dark rim."""
        rim = shade(fill or self.main, 0.55)
        self.draw.rounded_rectangle(self.box(*corners), round_by * BIG, fill or self.main, rim, _RIM)

    def ellipse(self, *corners: float, fill: Colour | None = None) -> None:
        """An ellipse with a dark rim."""
        self.draw.ellipse(self.box(*corners), fill or self.main, shade(fill or self.main, 0.55), _RIM)

    def polygon(self, *points: float, fill: Colour | None = None) -> None:
        """A polygon with a dark rim."""
        self.draw.polygon(self.box(*points), fill or self.main, shade(fill or self.main, 0.55), _RIM)

    def line(self, *points: float, fill: Colour | None = None, width: float = 0.02) -> None:
        """A line of some width."""
        self.draw.line(self.box(*points), fill or self.second, round(width * BIG), joint="curve")


def shade(colour: Colour, factor: float) -> Colour:
    """A darker or lighter colour."""
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue


def colour(chance: np.random.Generator) -> Colour:
    """A colour of dyed or painted things: any hue, seldom a loud one, sometimes nearly none."""
    strength = chance.choice((0.08, 0.4, 0.65), p=(0.3, 0.45, 0.25)) * chance.uniform(0.7, 1.2)
    red, green, blue = (
        round(255 * part) for part in hsv_to_rgb(chance.uniform(), min(1.0, strength), chance.uniform(0.2, 0.95))
    )
    return red, green, blue
