"""Evidence as it is handed in: hashes and measures that follow what was measured on really rendered pictures."""

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints, Words, joint, mix
from governance.marketplaces.simulated.pictures.kinds import ABUSE, ABUSES, STATE
from governance.marketplaces.simulated.pictures.measured import Quality, measurements, scene

KINDS = ("photo", "video", "receipt")

_BITS = np.arange(64)
_CATEGORIES = 12
_OF_LISTINGS = 0x11577
_TOLD: Floats = np.array([0.78, 0.5, 0.55, 0.15, 0.45, 0.7])
"""Share of pictures whose file says when it was taken, by abuse: messengers remove it."""

_WIDTHS: Ints = np.array([3024, 2160, 1536, 1280, 1080, 960, 720, 600])
_WIDTH_SHARES = (
    (0.34, 0.2, 0.08, 0.08, 0.16, 0.04, 0.08, 0.02),
    (0.16, 0.12, 0.1, 0.14, 0.2, 0.1, 0.13, 0.05),
    (0.14, 0.12, 0.14, 0.14, 0.18, 0.12, 0.11, 0.05),
    (0.03, 0.03, 0.12, 0.24, 0.2, 0.14, 0.18, 0.06),
    (0.18, 0.14, 0.1, 0.12, 0.2, 0.1, 0.12, 0.04),
    (0.34, 0.2, 0.08, 0.08, 0.16, 0.04, 0.08, 0.02),
)
_SHAPES: Floats = np.array([4 / 3, 3 / 4, 16 / 9, 1.0])


def of_listing(listing: Ints) -> Ints:
    """The identity of a listing's main picture."""
    return joint(listing, _OF_LISTINGS)


def listing_hash(listing: Ints, category: Ints) -> pl.Series:
    """The perceptual hash of a listing's main picture, 16 hexadecimal digits; it never changes."""
    return _hexadecimal(_hash(of_listing(listing), scene(category, np.full(len(listing), STATE["fine"]))))


def evidence(
    draw: Draw,
    key: Ints,
    *,
    image: Ints,
    category: Ints,
    state: Ints,
    abuse: Ints,
    kind: Ints | None = None,
    taken: Ints,
) -> pl.DataFrame:
    """What the contract says of pieces of evidence, one row each, in the order given.

    Parameters
    ----------
    image
        Identity of the picture: a new number for a fresh one, the old one's for what is made of an older picture.
    category, state
        What the (older) picture shows; a mismatched one is of another category, drawn here.
    abuse
        Index into `ABUSES`.
    kind
        Index into `KINDS`; photos where it is not given.
    taken
        When the picture was really taken (microseconds); some files do not say so.
    """
    look = looks(draw, key, image=image, category=category, state=state, abuse=abuse)
    kinds = np.zeros(len(key), dtype=np.int64) if kind is None else kind
    told = pl.Series(draw.happens(key, _TOLD[abuse]), dtype=pl.Boolean)
    captured = pl.when(told).then(pl.Series(taken, dtype=pl.Int64))
    return look.with_columns_seq(kind=pl.Series(KINDS, dtype=pl.String)[kinds], captured_at=captured)


def looks(draw: Draw, key: Ints, *, image: Ints, category: Ints, state: Ints, abuse: Ints) -> pl.DataFrame:
    """Hash, sharpness, blockiness and size in pixels of pictures; see `evidence`."""
    other = (category + draw.integers(key, 1, _CATEGORIES)) % _CATEGORIES
    shown = np.where(abuse == ABUSE["mismatched"], other, category)
    words = _hash(image, scene(shown, state)) ^ _flipped(draw, key, abuse)
    sharp, blocky = _qualities(draw, key, abuse)
    width = _WIDTHS[draw.pick(key, np.array(_WIDTH_SHARES)[abuse].reshape(-1, len(_WIDTHS)))]
    # Who crops cuts off some pixels of the width.
    width = width - np.where(abuse == ABUSE["cropped"], draw.integers(key, 0, 200), 0)
    height = np.rint(width * _SHAPES[draw.pick(key, (0.55, 0.2, 0.15, 0.1))]).astype(np.int64)
    return pl.DataFrame(
        {
            "perceptual_hash": _hexadecimal(words),
            "width_pixels": width,
            "height_pixels": height,
            "sharpness": sharp,
            "blockiness": blocky,
        }
    )


def distances(abuse: str) -> Ints:
    """How many of the rendered pairs lie at each Hamming distance, 0 to 64."""
    return np.array(measurements().distances[abuse], dtype=np.int64)


def densities(frame: pl.DataFrame, abuse: Ints | int) -> Floats:
    """The density of the logarithms of sharpness and blockiness of rows of `evidence`, had they this abuse."""
    table = _table()[abuse]
    sharp = (np.log(frame["sharpness"].to_numpy()) - table[..., 0]) / table[..., 1]
    blocky = (np.log(frame["blockiness"].to_numpy()) - table[..., 2]) / table[..., 3]
    free = 1 - table[..., 4] ** 2
    square = (sharp**2 - 2 * table[..., 4] * sharp * blocky + blocky**2) / free
    density: Floats = np.exp(-square / 2) / (2 * np.pi * table[..., 1] * table[..., 3] * np.sqrt(free))
    return density


def _qualities(draw: Draw, key: Ints, abuse: Ints) -> tuple[Floats, Floats]:
    table = _table()[abuse]
    first, second = draw.normal(key), draw.normal(key)
    mixed = table[:, 4] * first + np.sqrt(1 - table[:, 4] ** 2) * second
    return np.exp(table[:, 0] + table[:, 1] * first), np.exp(table[:, 2] + table[:, 3] * mixed)


def _table() -> Floats:
    """(abuse, 5): means and deviations of the logarithms, and their correlation."""

    def row(one: Quality) -> tuple[float, ...]:
        return (
            np.log(one.sharpness),
            one.sharpness_spread,
            np.log(one.blockiness),
            one.blockiness_spread,
            one.correlation,
        )

    return np.array([row(measurements().quality[abuse]) for abuse in ABUSES])


def _hash(image: Ints, shows: Ints) -> Words:
    """Hashes of pictures, each bit set as often as in the rendered pictures of such a scene."""
    share = np.array(measurements().set_share)[shows]
    words = mix(joint(image[:, None], _BITS[None, :]).view(np.uint64))
    unit = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return _packed(unit < share)


def _flipped(draw: Draw, key: Ints, abuse: Ints) -> Words:
    """The bits in which a picture differs from the one that it was made of; none for a picture of its own."""
    counts = np.array([measurements().distances[name] for name in ABUSES], dtype=np.float64)
    made = ~np.isin(abuse, [ABUSE["none"], ABUSE["mismatched"]])
    many = np.where(made, draw.pick(key, counts[abuse].reshape(-1, counts.shape[1])), 0)
    found = np.zeros(len(key), dtype=np.uint64)
    rows = np.flatnonzero(many)
    order = draw.uniform(joint(key[rows, None], _BITS[None, :]))
    ranks = order.argsort(axis=1).argsort(axis=1)
    found[rows] = _packed(ranks < many[rows, None])
    return found


def _packed(bits: Bools) -> Words:
    """Rows of 64 bits, the lowest first, as words."""
    packed: npt.NDArray[np.uint8] = np.packbits(bits, axis=1, bitorder="little")
    return packed.reshape(-1, 8).view("<u8").ravel()


def _hexadecimal(words: Words) -> pl.Series:
    """Words as sixteen hexadecimal digits each."""
    digits = words.astype(">u8").tobytes().hex()
    return pl.Series([digits[place : place + 16] for place in range(0, len(digits), 16)], dtype=pl.String)
