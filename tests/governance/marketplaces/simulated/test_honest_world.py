"""The small world, with every campaign, gives none of its labels away."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from governance.marketplaces.honesty import Honesty, bounds_of, inspect
from governance.marketplaces.observed import OBSERVED
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.settings import PRESETS, Settings
from governance.marketplaces.simulated.world import simulate

pytestmark = pytest.mark.long

POSITIVE_ENTITIES_AT_LEAST = 60

Look = Callable[[str], Honesty]


@pytest.fixture(scope="module")
def look(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Look:
    """What was measured of a label."""

    def fill(folder: Path) -> None:
        preset = PRESETS["small"]
        settings = Settings(seed=7, first_day=date(2024, 1, 1), buyers=preset.buyers, campaigns=load_campaigns())
        simulate(folder, settings, days=preset.days)

    root = made_once("small_world", fill)
    return cache(lambda label: inspect(root, label))


@pytest.mark.parametrize("label", OBSERVED)
def test_nothing_that_lies_open_gives_a_label_away(look: Look, label: str) -> None:
    assert look(label).violations(bounds_of(label)) == ()


@pytest.mark.parametrize("label", OBSERVED)
def test_there_is_enough_of_a_label_to_learn_from(look: Look, label: str) -> None:
    assert look(label).positive_entities >= POSITIVE_ENTITIES_AT_LEAST
