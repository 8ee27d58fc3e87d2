"""What the truth says of decisions about people: was it so, what would an ideal observer have thought, who was it."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.campaigns.file import Campaigns
from governance.marketplaces.simulated.chance import Floats, Ints
from governance.marketplaces.simulated.rows import DECISIONS, Outbox


def reveal(
    outbox: Outbox, label: str, decisions: pl.DataFrame, *, campaign: Ints, oracle: Floats, campaigns: Campaigns
) -> None:
    """Write decisions (`entity_id`, `occurred_at` in microseconds) into the truth.

    Parameters
    ----------
    campaign
        Number of the campaign that was behind each of them, -1 where none was: that is what makes it true.
    oracle
        The ideal observer's chance that one was.
    """
    known = pl.Series([*campaigns.names, None], dtype=pl.String)
    frame = decisions.select_seq(
        "entity_id",
        "occurred_at",
        label=pl.lit(label),
        truth=pl.Series(campaign >= 0),
        oracle=pl.Series(oracle),
        campaign=known[np.where(campaign >= 0, campaign, len(campaigns.names))],
    )
    outbox.reveal(DECISIONS, frame)
