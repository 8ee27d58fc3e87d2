"""Measures of images: hashes that survive handling, and numbers that know blur and blocks."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from governance.evidence import blockiness, perceptual_hash, sharpness


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    chance = np.random.default_rng(1)
    patches = Image.fromarray(chance.integers(20, 236, (7, 7), dtype=np.uint8))
    pixels = np.asarray(patches.resize((96, 96), Image.Resampling.BICUBIC)) + chance.normal(0, 6, (96, 96))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB")


def _recompressed(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=12)
    return Image.open(file)


def test_a_hash_has_sixteen_hexadecimal_digits_and_survives_recompression(scene: Image.Image) -> None:
    left, right = perceptual_hash(scene), perceptual_hash(_recompressed(scene))
    assert len(left) == 16
    assert (int(left, 16) ^ int(right, 16)).bit_count() <= 8


def test_blur_takes_sharpness_away(scene: Image.Image) -> None:
    assert sharpness(scene.filter(ImageFilter.GaussianBlur(2))) < 0.2 * sharpness(scene)


def test_an_even_image_has_no_sharpness_and_no_blocks() -> None:
    even = Image.new("RGB", (64, 64), (90, 120, 60))
    assert (sharpness(even), blockiness(even)) == (0.0, 1.0)


def test_strong_compression_shows_in_blocks(scene: Image.Image) -> None:
    assert blockiness(_recompressed(scene)) > 1.3 > blockiness(scene)
