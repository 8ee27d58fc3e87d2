"""Draws small photographs: goods of a category on a table, in one of several states."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from governance.marketplaces.simulated.chance import Floats
from governance.marketplaces.simulated.pictures.goods import GOODS, JEWELLERY
from governance.marketplaces.simulated.pictures.kinds import STATES
from governance.marketplaces.simulated.pictures.pen import BIG, SIDE, Colour, Pen, colour, shade

_HANGS = 0.85
_CARDBOARD = (176, 132, 84)

_TABLES: tuple[Colour, ...] = (
    (226, 222, 214),
    (196, 198, 200),
    (150, 152, 150),
    (92, 90, 94),
    (188, 152, 108),
    (142, 104, 70),
    (98, 70, 52),
    (214, 196, 170),
    (120, 134, 150),
    (134, 146, 122),
    (176, 142, 142),
)
"""Sheets, stone, wood and cloth."""


def photograph(category: int, state: str, seed: int, *, other: int = 0) -> Image.Image:
    """A picture of 96 x 96 pixels of goods of a category; the seed makes the goods, the table, the light and the angle.

    `other` is the category that a wrong item is of.
    """
    chance = np.random.default_rng([seed, category, STATES.index(state)])
    picture = _table(chance)
    shown = other if state == "wrong_item" else category
    layer = Image.new("RGBA", (BIG, BIG))
    pen = Pen(ImageDraw.Draw(layer), colour(chance), colour(chance), chance)
    if state in ("parcel", "empty_box"):
        _carton(pen, opened=state == "empty_box")
    else:
        _variant(pen)
        GOODS[shown](pen)
        if state == "damaged":
            _damage(pen, lower=_HANGS if shown == JEWELLERY else 0.0)
    placed = _placed(layer, chance)
    shadow = Image.new("RGBA", placed.size, (0, 0, 0, 0))
    shadow.paste((20, 20, 25, 120), mask=placed.getchannel("A"))
    softened = shadow.filter(ImageFilter.GaussianBlur(BIG / 42))
    picture.paste(softened, (BIG // 38, BIG // 27), softened)
    picture.paste(placed, (0, 0), placed)
    return _lit(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), chance)


def _table(chance: np.random.Generator) -> Image.Image:
    """A background: plain, boards, tiles or cloth, with uneven light."""
    base = np.array(_TABLES[chance.integers(0, len(_TABLES))], dtype=np.float64) + chance.normal(0, 12, 3)
    across, down = np.meshgrid(np.linspace(0, 1, BIG), np.linspace(0, 1, BIG))
    pattern, period = int(chance.integers(0, 4)), chance.uniform(4, 11)
    waves: tuple[Floats, ...] = (
        np.zeros_like(across),
        14.0 * (np.floor(down * period) % 2) + 5 * np.sin(40 * across + 9 * down),
        18.0 * ((np.floor(across * period) + np.floor(down * period)) % 2),
        9.0 * np.sin(across * period * 12) * np.sin(down * period * 12),
    )
    slope = chance.uniform(-45, 45) * (across - 0.5) + chance.uniform(-45, 45) * (down - 0.5)
    pixels = base[None, None, :] + (waves[pattern] + slope)[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


def _placed(layer: Image.Image, chance: np.random.Generator) -> Image.Image:
    """The goods turned, moved and nearer or farther."""
    size = round(BIG * chance.uniform(0.72, 1.08))
    turned = layer.resize((size, size), Image.Resampling.BILINEAR).rotate(
        chance.uniform(-28, 28), Image.Resampling.BICUBIC
    )
    placed = Image.new("RGBA", (BIG, BIG))
    spare = BIG - size
    corner = [round(spare / 2 + chance.uniform(-0.1, 0.1) * BIG) for _ in range(2)]
    placed.paste(turned, (corner[0], corner[1]))
    return placed


def _lit(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
    """A hand that shakes, light and the camera's noise."""
    blurred = picture.filter(ImageFilter.GaussianBlur(float(np.abs(chance.normal(0, 0.55)))))
    pixels = np.asarray(blurred, dtype=np.float64) * chance.uniform(0.7, 1.2)
    grain = chance.normal(0, chance.uniform(1.0, 6.0), (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8), "RGB")


def _variant(pen: Pen) -> None:
    """A price tag, a leaflet or nothing beside the goods."""
    if pen.chance.random() < 0.3:
        pen.rectangle(0.68, 0.7, 0.9, 0.86, fill=(240, 238, 225), round_by=0.01)
        pen.line(0.71, 0.75, 0.86, 0.75, fill=(90, 90, 90), width=0.012)
        pen.line(0.71, 0.8, 0.82, 0.8, fill=(90, 90, 90), width=0.012)


def _damage(pen: Pen, *, lower: float) -> None:
    """Cracks, a tear, or a stain over the goods, lower down where their middle is empty."""
    kind, dark = int(pen.chance.integers(0, 3)), (25, 20, 18)
    if kind == 0:
        centre = pen.chance.uniform(0.38, 0.62, 2) * (1 - lower) + np.array([0.5, 0.76]) * lower
        for angle in np.arange(7) * 0.9 + pen.chance.uniform(0, 1):
            bend = angle + pen.chance.uniform(-0.4, 0.4)
            near = centre + 0.13 * np.array([np.cos(angle), np.sin(angle)])
            far = near + 0.14 * np.array([np.cos(bend), np.sin(bend)])
            pen.line(*centre, *near, *far, fill=dark, width=0.011)
    elif kind == 1:
        left, top = pen.chance.uniform(0.32, 0.5, 2) * (1 - lower) + np.array([0.42, 0.68]) * lower
        pen.polygon(left, top, left + 0.16, top + 0.05, left + 0.1, top + 0.12, left + 0.2, top + 0.2,
                    left + 0.05, top + 0.13, left + 0.07, top + 0.07, fill=dark)  # fmt: skip
    else:
        for across, down, size in pen.chance.uniform((0.3, 0.3, 0.06), (0.6, 0.6, 0.2), (4, 3)):
            left, top = across * (1 - lower) + 0.42 * lower, down * (1 - lower) + 0.68 * lower
            pen.ellipse(left, top, left + size, top + size * 0.7, fill=(96, 70, 42))


def _carton(pen: Pen, *, opened: bool) -> None:
    """A parcel with tape and label, or an open carton with nothing in it but shadow and some paper."""
    brown = shade(_CARDBOARD, float(pen.chance.uniform(0.8, 1.2)))
    left, top = pen.chance.uniform(0.1, 0.25, 2)
    pen.rectangle(left, top, 1 - left, 1 - top, fill=brown, round_by=0.01)
    if not opened:
        tape = float(pen.chance.uniform(left + 0.15, 0.85 - left))
        pen.line(tape, top, tape, 1 - top, fill=(214, 190, 140), width=float(pen.chance.uniform(0.04, 0.1)))
        across, down = (
            float(pen.chance.uniform(left + 0.04, 0.72 - left)),
            float(pen.chance.uniform(top + 0.04, 0.72 - top)),
        )
        pen.rectangle(across, down, across + 0.2, down + 0.2, fill=(245, 245, 240), round_by=0.01)
        for row in range(5):
            height, end = down + 0.04 + 0.03 * row, across + float(pen.chance.uniform(0.1, 0.18))
            pen.line(across + 0.03, height, end, height, fill=(40, 40, 40), width=0.01)
        return
    pen.rectangle(left + 0.07, top + 0.07, 0.93 - left, 0.93 - top, fill=shade(brown, 0.45), round_by=0.01)
    pen.polygon(left, top, left + 0.07, top + 0.07, left + 0.07, 0.93 - top, left, 1 - top, fill=shade(brown, 0.75))
    for flap in (-0.09, 0.0):
        pen.polygon(left, top, 1 - left, top, 0.95 - left, top + flap, left + 0.05, top + flap, fill=shade(brown, 1.15))
    for spot in pen.chance.uniform(0.34, 0.6, (int(pen.chance.integers(0, 4)), 2)):
        angles = np.sort(pen.chance.uniform(0, 2 * np.pi, int(pen.chance.integers(5, 9))))
        reach = pen.chance.uniform(0.04, 0.12, len(angles))
        points = spot[:, None] + reach * np.array([np.cos(angles), np.sin(angles)])
        pen.polygon(*points.T.ravel().tolist(), fill=shade((214, 206, 190), float(pen.chance.uniform(0.75, 1.1))))
