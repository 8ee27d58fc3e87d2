"""Renders a few thousand pictures, handles them, measures what came out, and writes both.

`python -m governance.marketplaces.simulated.pictures.sample OUT` writes Parquet files of JPEG bytes into OUT and
replaces `measured.json` beside this module, from which all evidence of the simulated world is drawn.
"""

import json
import math
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from governance.evidence import blockiness, perceptual_hash, sharpness
from governance.marketplaces.simulated.pictures.drawing import photograph
from governance.marketplaces.simulated.pictures.goods import GOODS
from governance.marketplaces.simulated.pictures.handling import CAMERA_QUALITY, handled, opened, saved
from governance.marketplaces.simulated.pictures.kinds import ABUSES, STATES
from governance.marketplaces.simulated.pictures.measured import MEASURED, SCENES, Measured, Quality, scene

_PER_FILE = 1000


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the sample; the distance is that of its hash to the picture it was made of, in bits."""

    number: int
    original: int
    category: int
    state: str
    abuse: str
    perceptual_hash: str
    distance: int
    sharpness: float
    blockiness: float
    jpeg: bytes


def sample(out_dir: Path, *, seed: int, images: int = 3000) -> Measured:
    """Render `images` pictures, half of them as a camera saves them, write them and return what was measured."""
    pictures = rendered(seed=seed, images=images)
    frame = pl.DataFrame([asdict(picture) for picture in pictures])
    out_dir.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(frame.iter_slices(_PER_FILE)):
        part.write_parquet(out_dir / f"pictures-{number:03d}.parquet")
    return measured(frame, seed=seed)


def rendered(*, seed: int, images: int) -> list[Picture]:
    """Pictures of all categories and states in turn, each original followed by one made of it."""
    pictures: list[Picture] = []
    for number in range(images // 2):
        category, state = number % len(GOODS), STATES[number // len(GOODS) % len(STATES)]
        abuse = ABUSES[1 + number % (len(ABUSES) - 1)]
        pictures += _pair(seed, number, category, state, abuse)
    return pictures


def _pair(seed: int, number: int, category: int, state: str, abuse: str) -> tuple[Picture, Picture]:
    """An original, and it handled; a mismatched one is a new picture of other goods."""
    chance = np.random.default_rng([seed, number])
    other = (category + int(chance.integers(1, len(GOODS)))) % len(GOODS)
    content = _shot(category, state, seed * 1_000_003 + number, other, chance)
    if abuse == "mismatched":
        made = _shot(other, state, seed * 1_000_003 + number + 500_000, category, chance)
    else:
        made = handled(content, abuse, chance)
    first = _measured(2 * number, 2 * number, category, state, "none", content, content)
    return first, _measured(2 * number + 1, 2 * number, category, state, abuse, made, content)


def _shot(category: int, state: str, seed: int, other: int, chance: np.random.Generator) -> bytes:
    return saved(photograph(category, state, seed, other=other), int(chance.integers(*CAMERA_QUALITY)))


def _measured(
    number: int, original: int, category: int, state: str, abuse: str, content: bytes, before: bytes
) -> Picture:
    image = opened(content)
    found, old = perceptual_hash(image), perceptual_hash(opened(before))
    return Picture(
        number=number,
        original=original,
        category=category,
        state=state,
        abuse=abuse,
        perceptual_hash=found,
        distance=(int(found, 16) ^ int(old, 16)).bit_count(),
        sharpness=sharpness(image),
        blockiness=blockiness(image),
        jpeg=content,
    )


def measured(frame: pl.DataFrame, *, seed: int) -> Measured:
    """Distances and quality by abuse, and how often each bit of the hash is set in each scene."""
    words = [int(text, 16) for text in frame["perceptual_hash"]]
    bits = np.array([[word >> place & 1 for place in range(64)] for word in words], dtype=np.float64)
    shows = scene(frame["category"].to_numpy(), frame["state"].replace_strict(STATES, range(len(STATES))).to_numpy())
    fresh = (frame["abuse"] == "none").to_numpy() & (frame["state"] != "wrong_item").to_numpy()
    scenes = [bits[fresh & (shows == number)] for number in range(SCENES)]
    # Laplace's rule of succession: no bit is quite certain, and a scene that is missing says nothing.
    set_share = [((seen.sum(axis=0) + 1) / (len(seen) + 2)).round(3).tolist() for seen in scenes]
    by_abuse = {abuse: frame.filter(abuse=abuse) for abuse in ABUSES}
    return Measured(
        seed=seed,
        images=frame.height,
        set_share=set_share,
        distances={
            abuse: np.bincount(part["distance"].to_numpy(), minlength=65).tolist() for abuse, part in by_abuse.items()
        },
        quality={abuse: _quality(part) for abuse, part in by_abuse.items()},
    )


def _quality(part: pl.DataFrame) -> Quality:
    sharp, blocky = (np.log(part[name].to_numpy()) for name in ("sharpness", "blockiness"))
    return Quality(
        sharpness=round(math.exp(sharp.mean()), 2),
        sharpness_spread=round(float(sharp.std()), 4),
        blockiness=round(math.exp(blocky.mean()), 4),
        blockiness_spread=round(float(blocky.std()), 4),
        correlation=round(float(np.corrcoef(sharp, blocky)[0, 1]), 4),
    )


def main(out_dir: str) -> None:
    """Write the sample of seed 7 and `measured.json`."""
    found = sample(Path(out_dir), seed=7)
    MEASURED.write_text(_as_text(found), encoding="utf-8")


def _as_text(found: Measured) -> str:
    """JSON with one line for each inner list or table."""
    return re.sub(r"\n {2,}|\n (?=[\]}])", " ", json.dumps(asdict(found), indent=1)).replace("], [", "],\n  [") + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
