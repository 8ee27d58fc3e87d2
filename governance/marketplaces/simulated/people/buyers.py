"""Buyers of the simulated world: who they are and what they are like, as parallel arrays; a buyer is a row number."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Bools, Floats, Ints

BUYER_DAYS = 500.0
"""Mean time that buyers stay, in days."""

MEAN_ACTIVITY = 1.3

USUAL_SUSPICION = 0.005
"""What an observer thinks of an account of which nothing is known."""


@dataclass(slots=True)
class Buyers:
    """Buyers, one entry each in every array.

    `market`, `favourite` and `second_favourite` (categories) are numbers; `joined` and `leaves` are days counted from
    the first one; `activity` is relative (mean `MEAN_ACTIVITY`), `complaint` is how readily one complains (1 is
    ordinary). `household` is the number of the home, shared by those who live there and new after a move; `device`,
    `phone` and `instrument` (card or bank account) are the numbers of what one has now (see `things`), and
    `device_since` and `spare_since` the days on which the device and a second one were first seen. `public` is the
    share of visits from public networks, `travel` that of days abroad, `careless` how readily one's password is found
    (1 is ordinary). `invited_by` is a buyer, -1 for nobody. `suspicion` is the chance of being a fake that an observer
    who knows the world saw at the sign-up. `campaign` is -1 or the number of the campaign that the account is a member
    of; before the day `shut_until` it cannot act.
    """

    market: Ints
    latitude: Floats
    longitude: Floats
    joined: Floats
    leaves: Floats
    activity: Floats
    complaint: Floats
    favourite: Ints
    second_favourite: Ints
    household: Ints
    device: Ints
    device_since: Ints
    spare_since: Ints
    phone: Ints
    instrument: Ints
    public: Floats
    travel: Floats
    careless: Floats
    invited_by: Ints
    suspicion: Floats
    campaign: Ints
    shut_until: Ints

    def __len__(self) -> int:
        return len(self.market)

    def present(self, day: int) -> Bools:
        """Who may act on a day: signed up before it, not gone, not shut."""
        return (self.joined < day) & (day < self.leaves) & (self.shut_until <= day)

    @property
    def numbers(self) -> Ints:
        """The number of every buyer."""
        return np.arange(len(self), dtype=np.int64)
