"""Acting on what was said: accounts are shut and contents removed on the day on which the word comes."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS
from governance.marketplaces.simulated.chance import DAY, HOUR, NEVER, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.stage.stage import DOCKET, Stage

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_CLAUSES = {"buyer": "4.2 authentic engagement", "creator": "4.1 creators", "content": "3.3 truthful contents"}
_ACTIONS = {"buyer": "ban", "creator": "limit", "content": "removal"}
_KEY = {"buyer": 1, "creator": 2, "content": 3}
_DIGITS = (1 << 52) - 1
_LIMIT_DAYS = 28
_NAMES = pl.Series([market.name for market in MARKETS])


def note(stage: Stage, role: str, said: pl.DataFrame, today: Today) -> None:
    """Remember to act on `key` of what was said once it is `known_at` (microseconds)."""
    day = (said["known_at"].to_numpy() - today.start) // DAY + today.index
    new = pl.DataFrame({"day": day, "number": said["key"]}).with_columns_seq(role=pl.lit(role))
    stage.docket = pl.concat([stage.docket, new.select_seq(DOCKET.names()).cast(DOCKET)], rechunk=True)


def act(world: "World", today: Today) -> None:
    """Act on whatever is due today, once on each."""
    stage = world.stage
    due = pl.col("day") <= today.index
    now = stage.docket.filter(due).unique(["role", "number"], keep="first", maintain_order=True)
    if now.is_empty():
        return
    stage.docket = stage.docket.filter(~due)
    for role, shut in (("buyer", world.people.buyers), ("creator", stage.creators)):
        number = now.filter(pl.col("role") == role)["number"].to_numpy()
        number = number[shut.shut_until[number] <= today.index]
        shut.shut_until[number] = NEVER if _ACTIONS[role] == "ban" else today.index + _LIMIT_DAYS
        world.standing.note_acted(shut.campaign[number])
        _put(world, today, role, number, shut.market[number])
    _give_up(world, now.filter(pl.col("role") == "creator")["number"].to_numpy())
    wanted = now.filter(pl.col("role") == "content")["number"].to_numpy()
    found = np.isin(stage.contents.number, wanted) & ~stage.contents.removed
    stage.contents.removed |= found
    _put(world, today, "content", stage.contents.number[found], stage.contents.market[found])


def _give_up(world: "World", creator: Ints) -> None:
    """Creators who were found leave a campaign that moves on to others."""
    moving = [number for number, one in enumerate(world.settings.campaigns.campaigns) if one.adapts == "move"]
    campaign = world.stage.creators.campaign
    campaign[creator[np.isin(campaign[creator], moving)]] = -1


def _put(world: "World", today: Today, role: str, number: Ints, market: Ints) -> None:
    if not len(number):
        return
    draw = today.draw(f"enforcements against {role}s on the stage")
    at = draw.working_time(number, today)
    ends = at + _LIMIT_DAYS * DAY
    frame = pl.DataFrame(
        {
            "enforcement_id": identifiers(
                "enforcement", joint(today.index, _KEY[role], number) & _DIGITS, seed=today.seed
            ),
            "occurred_at": at,
            "known_at": at + draw.integers(number, 1, HOUR),
            "market": _NAMES[market],
            "subject_id": identifiers(role, number, seed=today.seed),
            "expires_at": ends if _ACTIONS[role] == "limit" else pl.Series([None] * len(at), dtype=pl.Int64),
        }
    )
    world.outbox.put(
        ENFORCEMENTS,
        frame.with_columns_seq(
            subject_role=pl.lit(role),
            action=pl.lit(_ACTIONS[role]),
            policy_clause=pl.lit(_CLAUSES[role]),
            decided_by=pl.lit("person"),
        ),
    )


def campaign_names(world: "World", campaign: Ints) -> pl.Series:
    """Names of campaigns by their numbers, null for -1."""
    names = pl.Series([*world.settings.campaigns.names, None], dtype=pl.String)
    return names[np.where(campaign >= 0, campaign, len(names) - 1)]
