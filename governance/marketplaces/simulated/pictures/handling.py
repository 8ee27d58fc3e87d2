"""What happens to pictures on the way: saved, cropped, sent through messengers, edited."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from governance.marketplaces.simulated.pictures.pen import SIDE

CAMERA_QUALITY = (86, 96)


def saved(image: Image.Image, quality: int) -> bytes:
    """The bytes of a JPEG file."""
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """The picture in a JPEG file."""
    return Image.open(BytesIO(content)).convert("RGB")


def handled(content: bytes, abuse: str, chance: np.random.Generator) -> bytes:
    """A picture after an abuse, as a JPEG file; `reused` ones are sent once more, mostly byte for byte."""
    image, fresh = opened(content), int(chance.integers(*CAMERA_QUALITY))
    if abuse == "reused":
        return content if chance.random() < 0.6 else saved(image, int(chance.integers(75, 96)))
    if abuse == "cropped":
        return saved(_cropped(image, chance), fresh)
    if abuse == "recompressed":
        return _sent(image, chance)
    if abuse == "edited":
        return saved(_edited(image, chance), fresh)
    return content


def _cropped(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    """Up to a quarter of each side cut off, and scaled up again."""
    left, top, right, bottom = chance.uniform(0.0, 0.14, 4) * SIDE
    part = image.crop((round(left), round(top), SIDE - round(right), SIDE - round(bottom)))
    return part.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _sent(image: Image.Image, chance: np.random.Generator) -> bytes:
    """Once or twice through a messenger: smaller, back again, and saved with a low quality."""
    for _ in range(int(chance.integers(1, 3))):
        side = int(SIDE * chance.uniform(0.55, 1.0))
        small = image.resize((side, side), Image.Resampling.BILINEAR).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        content = saved(small, int(chance.integers(22, 60)))
        image = opened(content)
    return content


def _edited(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    """Cracks or a stain painted on, or a piece of the picture copied over another; colours changed."""
    edited = image.copy()
    draw, kind = ImageDraw.Draw(edited), int(chance.integers(0, 3))
    left, top = (int(place) for place in chance.integers(20, 60, 2))
    if kind == 0:
        for angle in np.arange(5) * 1.25 + chance.uniform(0, 1):
            size = chance.uniform(10, 24)
            draw.line((left, top, left + size * np.cos(angle), top + size * np.sin(angle)), (20, 18, 18), 1)
    elif kind == 1:
        draw.ellipse((left, top, left + int(chance.integers(10, 26)), top + int(chance.integers(8, 20))), (88, 64, 40))
    else:
        side = int(chance.integers(16, 30))
        piece = edited.crop((60 - side // 2, 60 - side // 2, 60 + side // 2, 60 + side // 2))
        edited.paste(piece, (left, top))
    bright = np.asarray(edited, dtype=np.float64) * chance.uniform(0.88, 1.12)
    return Image.fromarray(np.clip(bright, 0, 255).astype(np.uint8), "RGB")
