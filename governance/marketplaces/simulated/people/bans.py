"""Accounts of buyers that are shut because somebody said so, and the enforcement rows that tell of it."""

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS
from governance.marketplaces.simulated.campaigns.standing import Standing
from governance.marketplaces.simulated.chance import DAY, NEVER, Bools, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.rows import Outbox

APPEAL_DAYS = 14
"""An honest person who was shut out gets back in after so many days."""

_SCHEMA = {"day": pl.Int64(), "buyer": pl.Int64(), "days": pl.Int64()}
_NUMBER = (1 << 50) - 1


def no_bans() -> pl.DataFrame:
    """Nobody waits to be shut."""
    return pl.DataFrame(schema=_SCHEMA)


def decided(
    outbox: Outbox,
    buyers: Buyers,
    bans: pl.DataFrame,
    new: pl.DataFrame,
    *,
    clause: str,
    today: Today,
) -> pl.DataFrame:
    """The waiting bans with new ones; their enforcement rows go to the outbox.

    Parameters
    ----------
    new
        `buyer`, `known_at` (microseconds), `market` (its name) and `decided_by`.
    """
    if new.is_empty():
        return bans
    new = new.unique("buyer", keep="first", maintain_order=True)
    buyer, at = new["buyer"].to_numpy(), new["known_at"].to_numpy()
    member = buyers.campaign[buyer] >= 0
    ids = (joint(buyer, today.index, len(clause)) & _NUMBER) | (1 << 51)
    expires = pl.when(pl.Series(member)).then(None).otherwise(pl.Series(at + APPEAL_DAYS * DAY))
    frame = new.with_columns_seq(
        enforcement_id=identifiers("enforcement", ids, seed=today.seed),
        occurred_at=pl.col("known_at"),
        subject_id=identifiers("buyer", buyer, seed=today.seed),
        subject_role=pl.lit("buyer"),
        action=pl.lit("ban"),
        policy_clause=pl.lit(clause),
        expires_at=expires,
    )
    outbox.put(ENFORCEMENTS, frame)
    day = (at - today.start) // DAY + today.index + 1
    waiting = pl.DataFrame({"day": day, "buyer": buyer, "days": np.where(member, NEVER, APPEAL_DAYS)}, schema=_SCHEMA)
    return pl.concat([bans, waiting], rechunk=True)


def shut(buyers: Buyers, bans: pl.DataFrame, standing: Standing, today: Today) -> pl.DataFrame:
    """Shut those whose day has come, and tell their campaigns; the bans that still wait."""
    due = bans["day"].to_numpy() <= today.index
    fresh = _open(buyers, bans, due, today)
    buyer = bans["buyer"].to_numpy()[fresh]
    until = np.minimum(today.index + bans["days"].to_numpy()[fresh], NEVER)
    buyers.shut_until[buyer] = until
    standing.note_acted(buyers.campaign[buyer])
    return bans.filter(pl.Series(~due))


def _open(buyers: Buyers, bans: pl.DataFrame, due: Bools, today: Today) -> Ints:
    """Rows that are due, one for each account, of accounts that are not shut already."""
    rows = np.flatnonzero(due)
    _, first = np.unique(bans["buyer"].to_numpy()[rows], return_index=True)
    rows = rows[first]
    fresh: Ints = rows[buyers.shut_until[bans["buyer"].to_numpy()[rows]] <= today.index]
    return fresh
