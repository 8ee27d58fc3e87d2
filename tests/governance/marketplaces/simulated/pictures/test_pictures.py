"""Evidence follows what was measured on really rendered pictures."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.evidence import perceptual_hash
from governance.marketplaces.simulated import pictures
from governance.marketplaces.simulated.chance import DAY, Draw, Ints
from governance.marketplaces.simulated.pictures.handling import opened
from governance.marketplaces.simulated.pictures.measured import measurements
from governance.marketplaces.simulated.pictures.sample import sample

SIZE = 3000
KEY = np.arange(SIZE)
CATEGORY = KEY % 12
FINE = np.zeros(SIZE, dtype=np.int64)


def _evidence(abuse: Ints, image: Ints = KEY, key: Ints = KEY) -> pl.DataFrame:
    return pictures.evidence(
        Draw(5, 3, "evidence"),
        key,
        image=image,
        category=CATEGORY[: len(key)],
        state=FINE[: len(key)],
        abuse=abuse,
        taken=np.full(len(key), 400 * DAY),
    )


def _differing(left: pl.Series, right: pl.Series) -> Ints:
    return np.array([(int(one, 16) ^ int(two, 16)).bit_count() for one, two in zip(left, right, strict=True)])


@pytest.mark.parametrize("abuse", ["reused", "cropped", "recompressed", "edited"])
def test_distances_follow_those_of_the_rendered_pictures(abuse: str) -> None:
    listed = pictures.listing_hash(KEY, CATEGORY)
    made = _evidence(np.full(SIZE, pictures.ABUSE[abuse]), image=pictures.of_listing(KEY))
    found = _differing(listed, made["perceptual_hash"])
    expected = pictures.distances(abuse)
    mean = (np.arange(65) * expected).sum() / expected.sum()
    assert abs(found.mean() - mean) < 0.15 + 0.05 * mean


def test_pictures_of_their_own_differ_in_about_half_of_the_bits() -> None:
    listed = pictures.listing_hash(KEY, CATEGORY)
    for abuse in ("none", "mismatched"):
        fresh = _evidence(np.full(SIZE, pictures.ABUSE[abuse]))
        assert 20 < _differing(listed, fresh["perceptual_hash"]).mean() < 36


def test_quality_follows_that_of_the_rendered_pictures() -> None:
    for abuse, quality in measurements().quality.items():
        made = _evidence(np.full(SIZE, pictures.ABUSE[abuse]))
        assert made["sharpness"].median() == pytest.approx(quality.sharpness, rel=0.12)
        assert made["blockiness"].median() == pytest.approx(quality.blockiness, rel=0.03)


def test_densities_tell_sent_pictures_from_those_of_a_camera() -> None:
    abuse = np.where(KEY % 2 == 0, pictures.ABUSE["none"], pictures.ABUSE["recompressed"])
    made = _evidence(abuse)
    likelier = pictures.densities(made, abuse) > pictures.densities(
        made, pictures.ABUSE["none"] + pictures.ABUSE["recompressed"] - abuse
    )
    assert likelier.mean() > 0.85


def test_rows_fit_the_contract() -> None:
    made = _evidence(KEY % len(pictures.ABUSES))
    assert made["perceptual_hash"].str.contains("^[0-9a-f]{16}$").all()
    assert made["captured_at"].null_count() > 0
    assert (made["width_pixels"] > 0).all()
    assert (made["height_pixels"] > 0).all()
    assert (made["sharpness"] > 0).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, SIZE - 1), max_size=30, unique=True))
def test_evidence_depends_on_its_own_key_only(chosen: list[int]) -> None:
    rows = np.array(chosen, dtype=np.int64)
    abuse = KEY % len(pictures.ABUSES)
    draw = Draw(5, 3, "evidence")
    some = pictures.looks(draw, rows, image=rows, category=CATEGORY[rows], state=FINE[rows], abuse=abuse[rows])
    assert some.equals(_evidence(abuse).select(some.columns)[rows])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out_dir = tmp_path_factory.mktemp("pictures")
    sample(out_dir, seed=3, images=60)
    return out_dir


def test_a_sample_is_really_rendered_and_hashed(rendered: Path) -> None:
    frame = pl.read_parquet(rendered / "*.parquet")
    assert frame.height == 60
    image = opened(frame["jpeg"][1])
    assert image.size == (96, 96)
    assert perceptual_hash(image) == frame["perceptual_hash"][1]


def test_the_same_seed_renders_the_same_pictures(rendered: Path, tmp_path: Path) -> None:
    sample(tmp_path, seed=3, images=60)
    assert pl.read_parquet(tmp_path / "*.parquet").equals(pl.read_parquet(rendered / "*.parquet"))
