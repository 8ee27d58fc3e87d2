"""What was measured on the sample of rendered pictures, kept in `measured.json` (made by `sample.py`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from governance.marketplaces.simulated.chance import Ints
from governance.marketplaces.simulated.pictures.kinds import STATE

MEASURED = Path(__file__).with_name("measured.json")

_CATEGORIES = 12
SCENES = _CATEGORIES + 2
"""What a picture may look like from afar: goods of each category, an empty box, a parcel."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Sharpness and blockiness, log-normal with a correlation: medians, and deviations of the logarithms."""

    sharpness: float
    sharpness_spread: float
    blockiness: float
    blockiness_spread: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of one sample.

    `set_share[scene][place]` is how often a bit of the hash is set (the lowest is place 0); `distances[abuse]` counts
    the pairs at each Hamming distance (0 to 64) between a picture and what was made of it.
    """

    seed: int
    images: int
    set_share: Sequence[Sequence[float]]
    distances: Mapping[str, Sequence[int]]
    quality: Mapping[str, Quality]


def scene(category: Ints, state: Ints) -> Ints:
    """What pictures look like: the scene of their category, or of cartons."""
    return np.select(
        [state == STATE["empty_box"], state == STATE["parcel"]], [_CATEGORIES, _CATEGORIES + 1], default=category
    )


@cache
def measurements() -> Measured:
    """The measurements that the simulated world draws from."""
    stored = json.loads(MEASURED.read_text(encoding="utf-8"))
    quality = {abuse: Quality(**values) for abuse, values in stored.pop("quality").items()}
    return Measured(**stored, quality=quality)
