"""What an image of evidence shows to a machine: a perceptual hash and two measures of how it was handled.

Production code and the simulator measure images with these same functions.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

_BLOCK = 8
"""JPEG codes an image in blocks of this many pixels."""


def perceptual_hash(image: "Image") -> str:
    """The DCT hash of an image, 64 bits as 16 hexadecimal digits (`imagehash.phash`).

    Copies that were scaled, recompressed or slightly edited differ in few bits, other images in about half of them.
    """
    from imagehash import phash

    return str(phash(image))


def sharpness(image: "Image") -> float:
    """Variance of the Laplacian of the grey image, in squared grey levels; little where it is blurred or smooth.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    grey = _grey(image)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def blockiness(image: "Image") -> float:
    """Mean grey step across the edges of 8 x 8 blocks over that inside them: 1 without traces of compression.

    After Wang, Sheikh and Bovik, "No-reference perceptual quality assessment of JPEG compressed images", ICIP 2002.
    One is added to both means, so that an empty image has 1 as well.
    """
    grey = _grey(image)
    across, down = _steps(grey), _steps(grey.T)
    at_edges = np.concatenate([across[0], down[0]]).mean()
    inside = np.concatenate([across[1], down[1]]).mean()
    return float((at_edges + 1) / (inside + 1))


def _steps(grey: "npt.NDArray[np.float64]") -> "tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]":
    """Absolute steps between neighbouring columns: at the edges of blocks, and inside them."""
    steps = np.abs(np.diff(grey, axis=1))
    edges = np.arange(1, grey.shape[1]) % _BLOCK == 0
    return steps[:, edges].ravel(), steps[:, ~edges].ravel()


def _grey(image: "Image") -> "npt.NDArray[np.float64]":
    return np.asarray(image.convert("L"), dtype=np.float64)
