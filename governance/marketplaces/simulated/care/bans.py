"""What happens to buyers whose false stories were found out: some are shut, and their campaigns take note."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS
from governance.marketplaces.simulated.chance import DAY, MINUTE, NEVER, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_BANNED = 0.3
_CLAUSE = "5.1 refunds"
_RELEASED_DAYS = 21
_NUMBERED, _DIGITS = 7, (1 << 50) - 1
_MARKET = pl.Series([market.name for market in MARKETS])


def shut_found(world: "World", today: Today) -> None:
    """Shut some buyers of whom something was said by yesterday: members for good, others until they appeal."""
    care, buyers = world.care, world.people.buyers
    due = care.found["known_at"] < today.start
    found, care.found = care.found.filter(due), care.found.filter(~due)
    banned = today.draw("bans of buyers").happens(found["key"].to_numpy(), _BANNED)
    chosen = np.unique(found["buyer"].to_numpy()[banned])
    chosen = chosen[buyers.shut_until[chosen] <= today.index]
    if not len(chosen):
        return
    guilty = buyers.campaign[chosen] >= 0
    buyers.shut_until[chosen] = np.where(guilty, NEVER, today.index + _RELEASED_DAYS)
    world.standing.note_acted(buyers.campaign[chosen])
    at = today.draw("moments of bans").working_time(chosen, today)
    ids = identifiers("buyer", chosen, seed=today.seed)
    ends = np.where(guilty, 0, at + _RELEASED_DAYS * DAY)
    frame = pl.DataFrame({"subject_id": ids, "occurred_at": at, "known_at": at + MINUTE, "ends": ends})
    numbers = (joint(chosen, today.index, _NUMBERED) & _DIGITS) | (_DIGITS + 1)
    world.outbox.put(
        ENFORCEMENTS,
        frame.with_columns_seq(
            enforcement_id=identifiers("enforcement", numbers, seed=today.seed),
            expires_at=pl.when(pl.col("ends") > 0).then("ends"),
            market=_MARKET[buyers.market[chosen]],
            subject_role=pl.lit("buyer"),
            action=pl.lit("ban"),
            policy_clause=pl.lit(_CLAUSE),
            decided_by=pl.lit("person"),
        ),
    )
