"""Campaign files: what they say, what is wrong with them, and how campaigns answer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from governance.errors import ConfigurationError
from governance.marketplaces.simulated.campaigns.file import LABELS, Campaigns, load_campaigns
from governance.marketplaces.simulated.campaigns.standing import fresh

RING = """
[prevalence.brushing]
natural = 0.005
oversampling = 4.0

[[campaign]]
name = "ring"
kind = "brushing"
first_day = 10
last_day = 20
members_per_10k_buyers = 5.0
adapts = "{adapts}"
"""


@dataclass(frozen=True)
class Tactic:
    orders_a_week: float = 2.0
    empty_share: float = 0.5


def read(folder: Path, text: str) -> Campaigns:
    path = folder / "campaigns.toml"
    path.write_text(text)
    return load_campaigns(path)


def test_the_file_that_comes_with_us_has_every_kind_and_states_every_prevalence() -> None:
    found = load_campaigns()
    assert {one.kind for one in found.campaigns} == set(LABELS)
    assert found.prevalence.keys() == {label for label in LABELS.values() if label}
    assert all(0 < one.natural < 0.1 and one.oversampling >= 1 for one in found.prevalence.values())


def test_members_are_the_natural_number_times_the_oversampling(tmp_path: Path) -> None:
    found = read(tmp_path, RING.format(adapts="no"))
    assert found.members(found.campaigns[0], buyers=20_000) == 40
    assert [found.campaigns[0].runs(day) for day in (9, 10, 20, 21)] == [False, True, True, False]


def test_a_campaign_overrides_the_numbers_of_its_kind(tmp_path: Path) -> None:
    found = read(tmp_path, RING.format(adapts="no") + "[campaign.tactic]\norders_a_week = 5\n")
    assert found.campaigns[0].plays(Tactic) == Tactic(orders_a_week=5)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "theft"', "'theft' is no kind"),
        ("last_day = 3", "it ends before it begins"),
        ("intensity = 0", "must be above 0"),
        ('adapts = "hides"', "adapts must be one of"),
        ("colour = 3", "unknown colour"),
    ],
)
def test_a_campaign_that_cannot_be_is_named_with_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    key = line.split(" = ")[0]
    kept = [one for one in RING.format(adapts="no").splitlines() if not one.startswith(f"{key} =")]
    with pytest.raises(ConfigurationError, match=said) as refused:
        read(tmp_path, "\n".join([*kept, line]))
    assert "ring" in str(refused.value)


@pytest.mark.parametrize(
    ("tactic", "said"), [("speed = 3", "has no 'speed'"), ('orders_a_week = "many"', "must be float")]
)
def test_a_tactic_that_its_kind_does_not_know_is_refused(tmp_path: Path, tactic: str, said: str) -> None:
    found = read(tmp_path, RING.format(adapts="no") + f"[campaign.tactic]\n{tactic}\n")
    with pytest.raises(ConfigurationError, match=said):
        found.campaigns[0].plays(Tactic)


def test_a_file_that_is_no_campaign_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no campaign file"):
        load_campaigns(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read(tmp_path, "[[campaign")
    with pytest.raises(ConfigurationError, match="two campaigns are called 'ring'"):
        read(tmp_path, RING.format(adapts="no") + RING.format(adapts="no").split("oversampling = 4.0")[1])


@pytest.mark.parametrize(
    ("adapts", "generation", "vigour", "replacements"),
    [("no", 0, 1.0, 0), ("rotate", 1, 1.0, 0), ("slow", 0, 0.459, 0), ("move", 1, 1.0, 6)],
)
def test_a_campaign_whose_members_are_hit_hard_adapts_in_its_way(
    tmp_path: Path, adapts: str, generation: int, vigour: float, replacements: int
) -> None:
    campaigns = read(tmp_path, RING.format(adapts=adapts))
    standing = fresh(campaigns)
    standing.note_acted(np.array([0, 0, 0, 0, 0, 0, -1]))
    standing.answer(campaigns, buyers=20_000)
    assert standing.generation.tolist() == [generation]
    assert standing.vigour.tolist() == pytest.approx([vigour])
    assert standing.replacements.tolist() == [replacements]


def test_a_campaign_that_loses_few_members_goes_on_as_before(tmp_path: Path) -> None:
    campaigns = read(tmp_path, RING.format(adapts="rotate"))
    standing = fresh(campaigns)
    for _ in range(20):
        standing.answer(campaigns, buyers=20_000)
    standing.note_acted(np.array([0]))
    standing.answer(campaigns, buyers=20_000)
    assert standing.generation.tolist() == [0]
