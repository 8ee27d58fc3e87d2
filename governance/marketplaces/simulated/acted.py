"""Accounts that somebody outside acted on: they are shut from now on, and their campaigns take note."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from governance.errors import ConfigurationError
from governance.marketplaces.simulated.chance import NEVER, Bools, Ints, Today
from governance.marketplaces.simulated.ids import numbers
from governance.marketplaces.simulated.life import World


def act_on(world: World, today: Today, ids: Sequence[str]) -> None:
    """Shut the accounts with these ids from today on.

    Raises
    ------
    ConfigurationError
        An id is none of a buyer, seller or creator of this world.
    """
    groups = {
        "buyer": (world.people.buyers.campaign, world.people.buyers.shut_until),
        "seller": (world.shops.sellers.campaign, world.shops.sellers.shut_until),
        "creator": (world.stage.creators.campaign, world.stage.creators.shut_until),
    }
    if unknown := [one for one in ids if one.rsplit("-", 1)[0] not in groups]:
        raise ConfigurationError(f"{unknown[0]!r} is no account; ids begin with buyer-, seller- or creator-")
    for role, (campaign, shut_until) in groups.items():
        chosen = _chosen(role, [one for one in ids if one.startswith(f"{role}-")], len(campaign), world.settings.seed)
        fresh = chosen[shut_until[chosen] <= today.index]
        shut_until[fresh] = NEVER
        world.standing.note_acted(campaign[fresh])


def _chosen(role: str, ids: Sequence[str], size: int, seed: int) -> Ints:
    digits = pl.Series(list(ids), dtype=pl.String)
    found = numbers(digits, seed=seed)
    known: Bools = (found >= 0) & (found < size)
    if not known.all():
        raise ConfigurationError(f"{ids[int(np.flatnonzero(~known)[0])]} is no {role} of this world")
    return np.unique(found)
