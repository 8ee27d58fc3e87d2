"""How goods of each category are drawn: a likeness with a few things that vary, in the middle of the picture."""

from collections.abc import Callable

from governance.marketplaces.simulated.pictures.pen import BIG, Pen, colour, shade


def _phone(pen: Pen) -> None:
    pen.rectangle(0.32, 0.12, 0.68, 0.88, fill=shade(pen.main, 0.5), round_by=0.05)
    pen.rectangle(0.35, 0.17, 0.65, 0.83, fill=pen.second, round_by=0.02)
    for row in range(int(pen.chance.integers(2, 5))):
        pen.rectangle(0.39, 0.24 + 0.13 * row, 0.61, 0.33 + 0.13 * row, fill=shade(pen.second, 0.7), round_by=0.01)


def _electronics(pen: Pen) -> None:
    pen.rectangle(0.18, 0.3, 0.82, 0.72, round_by=float(pen.chance.uniform(0.02, 0.2)))
    for centre in (0.36, 0.64):
        pen.ellipse(centre - 0.11, 0.4, centre + 0.11, 0.62, fill=shade(pen.second, 0.6))
        pen.ellipse(centre - 0.04, 0.47, centre + 0.04, 0.55, fill=pen.second)
    pen.line(0.82, 0.5, 0.95, 0.6, 0.9, 0.85, fill=(30, 30, 30), width=0.02)


def _fashion(pen: Pen) -> None:
    wide = float(pen.chance.uniform(0.66, 0.84))
    pen.polygon(0.36, 0.16, 0.64, 0.16, 0.9, 0.34, 0.8, 0.46, 0.68, 0.38, wide, 0.88, 1 - wide, 0.88, 0.32, 0.38,
                0.2, 0.46, 0.1, 0.34)  # fmt: skip
    pen.ellipse(0.43, 0.12, 0.57, 0.22, fill=shade(pen.main, 0.6))
    for row in range(int(pen.chance.integers(0, 5))):
        pen.line(0.36, 0.42 + 0.09 * row, 0.64, 0.42 + 0.09 * row, width=0.03)


def _shoes(pen: Pen) -> None:
    for down in (0.18, 0.52):
        pen.polygon(
            0.12, down + 0.04, 0.34, down, 0.5, down + 0.12, 0.84, down + 0.18, 0.9, down + 0.28, 0.12, down + 0.28
        )
        pen.rectangle(0.11, down + 0.26, 0.91, down + 0.32, fill=(235, 232, 225), round_by=0.02)
        for step in range(3):
            pen.line(0.42 + 0.08 * step, down + 0.06 + 0.03 * step, 0.38 + 0.08 * step, down + 0.17, width=0.014)


def _beauty(pen: Pen) -> None:
    height = float(pen.chance.uniform(0.3, 0.45))
    pen.rectangle(0.36, height, 0.64, 0.9, round_by=0.06)
    pen.rectangle(0.43, height - 0.17, 0.57, height + 0.02, fill=pen.second, round_by=0.02)
    pen.rectangle(0.39, height + 0.15, 0.61, height + 0.33, fill=(240, 236, 228), round_by=0.01)
    pen.line(0.43, height + 0.22, 0.57, height + 0.22, fill=shade(pen.main, 0.6), width=0.02)


def _home(pen: Pen) -> None:
    pen.polygon(0.34, 0.14, 0.66, 0.14, 0.82, 0.48, 0.18, 0.48)
    pen.line(0.5, 0.48, 0.5, 0.82, fill=pen.second, width=float(pen.chance.uniform(0.03, 0.09)))
    pen.ellipse(0.3, 0.78, 0.7, 0.9, fill=pen.second)


def _kitchen(pen: Pen) -> None:
    pen.ellipse(0.1, 0.3, 0.62, 0.82, fill=shade(pen.main, 0.6))
    pen.ellipse(0.16, 0.36, 0.56, 0.76, fill=shade(pen.main, 0.35))
    pen.line(0.58, 0.5, 0.94, float(pen.chance.uniform(0.2, 0.4)), fill=pen.second, width=0.07)


def _toys(pen: Pen) -> None:
    for row in range(3):
        for column in range(3 - row):
            paint = colour(pen.chance)
            left, top = 0.18 + 0.11 * row + 0.22 * column, 0.66 - 0.22 * row
            pen.rectangle(left, top, left + 0.2, top + 0.2, fill=paint, round_by=0.02)
            pen.ellipse(left + 0.06, top + 0.06, left + 0.14, top + 0.14, fill=shade(paint, 1.3))


def _sports(pen: Pen) -> None:
    pen.line(0.2, 0.5, 0.8, 0.5, fill=(150, 150, 155), width=0.07)
    size = float(pen.chance.uniform(0.12, 0.22))
    for left in (0.1, 0.24, 0.66, 0.8):
        pen.rectangle(left, 0.5 - size, left + 0.1, 0.5 + size, round_by=0.03)


def _books(pen: Pen) -> None:
    pen.rectangle(0.24, 0.12, 0.78, 0.88, round_by=0.01)
    pen.line(0.29, 0.12, 0.29, 0.88, fill=shade(pen.main, 0.6), width=0.03)
    pen.rectangle(0.38, 0.2, 0.7, 0.32, fill=pen.second, round_by=0.01)
    pen.ellipse(0.4, 0.45, 0.4 + pen.chance.uniform(0.15, 0.3), 0.72, fill=shade(pen.second, 1.2))


def _grocery(pen: Pen) -> None:
    pen.polygon(0.28, 0.2, 0.72, 0.2, 0.78, 0.88, 0.22, 0.88)
    pen.rectangle(0.28, 0.12, 0.72, 0.22, fill=shade(pen.main, 0.6), round_by=0.01)
    pen.ellipse(0.34, 0.38, 0.66, 0.68, fill=pen.second)
    for spot in pen.chance.uniform(0.42, 0.56, (4, 2)):
        pen.ellipse(spot[0], spot[1], spot[0] + 0.05, spot[1] + 0.07, fill=(92, 58, 34))


def _jewellery(pen: Pen) -> None:
    pen.draw.arc(pen.box(0.2, 0.08, 0.8, 0.74), 10, 170, (212, 175, 75), round(0.03 * BIG))
    pen.draw.arc(pen.box(0.2, 0.08, 0.8, 0.74), 170, 370, (190, 150, 60), round(0.015 * BIG))
    size = float(pen.chance.uniform(0.06, 0.12))
    pen.polygon(0.5, 0.7 - size, 0.5 + size, 0.76, 0.5, 0.82 + size, 0.5 - size, 0.76)


GOODS: tuple[Callable[[Pen], None], ...] = (
    _phone,
    _electronics,
    _fashion,
    _shoes,
    _beauty,
    _home,
    _kitchen,
    _toys,
    _sports,
    _books,
    _grocery,
    _jewellery,
)
"""How goods of each category are drawn, by the number of the category."""

JEWELLERY = GOODS.index(_jewellery)
"""Hangs: there is nothing in the middle of the picture."""
