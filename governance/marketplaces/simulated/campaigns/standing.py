"""How each campaign stands: how hard it is pressed by those who act on it, and how it has answered."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.campaigns.file import Campaigns
from governance.marketplaces.simulated.chance import Floats, Ints

_MEMORY = 0.9
_PRESSED = 0.12
_SLOWER = 0.45
_RECOVERY = 1.02


@dataclass(slots=True)
class Standing:
    """One entry for each campaign, in the order of the file.

    `acted` counts members acted on, older ones less (a tenth less each day). `generation` grows with each rotation of
    devices and networks: members use those of their generation. `vigour` scales what members do a day. `replacements`
    are members to be recruited among accounts that are new; who recruits them takes them off. `moved` counts them all:
    a campaign replaces each of its members once at most, so that pressing it does not make it larger.
    """

    acted: Floats
    generation: Ints
    vigour: Floats
    replacements: Ints
    moved: Ints

    def note_acted(self, campaign: Ints) -> None:
        """Members were acted on today; one campaign number for each, -1 for accounts that belong to none."""
        self.acted += np.bincount(campaign[campaign >= 0], minlength=len(self.acted))

    def answer(self, campaigns: Campaigns, *, buyers: int) -> None:
        """At the end of a day: the campaigns whose members were hit hard adapt, each in its own way."""
        size = np.array([campaigns.members(one, buyers=buyers) for one in campaigns.campaigns], dtype=np.float64)
        pressed = self.acted > np.maximum(_PRESSED * size, 0.5)
        for number in np.flatnonzero(pressed):
            self._adapt(int(number), campaigns.campaigns[number].adapts, size=int(size[number]))
        self.acted = np.where(pressed, 0.0, self.acted * _MEMORY)
        self.vigour = np.minimum(self.vigour * _RECOVERY, 1.0)

    def _adapt(self, number: int, how: str, *, size: int) -> None:
        if how == "rotate":
            self.generation[number] += 1
        elif how == "slow":
            self.vigour[number] = _SLOWER
        elif how == "move":
            self.generation[number] += 1
            newcomers = min(max(1, round(self.acted[number])), size - self.moved[number])
            self.replacements[number] += newcomers
            self.moved[number] += newcomers


def fresh(campaigns: Campaigns) -> Standing:
    """The standing of campaigns that nobody has acted on."""
    size = len(campaigns.campaigns)
    none = np.zeros(size, np.int64)
    return Standing(np.zeros(size), none, np.ones(size), none.copy(), none.copy())
