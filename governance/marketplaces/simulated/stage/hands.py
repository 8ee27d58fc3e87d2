"""Whose hands were paid: the decisions about accounts that engaged often on a day, and what is said of them."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, HOUR, Bools, Ints, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import DECISIONS
from governance.marketplaces.simulated.said import Saying, say
from governance.marketplaces.simulated.stage.account_days import AccountDays, account_days, manners
from governance.marketplaces.simulated.stage.docket import campaign_names, note
from governance.marketplaces.simulated.stage.touches import Touches
from governance.marketplaces.simulated.stage.viewers import Habits, Shelves
from governance.marketplaces.simulated.stage.watching import watch_accounts
from governance.marketplaces.simulated.stage.weeks import count_week

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

AT_LEAST = 3
"""Engagements of an account on a day that are decided about."""

LABEL = "click_farm"
DECIDED_AFTER = 2 * HOUR
"""How long after the midnight that ends a day its accounts are decided about: once the day's rows have landed."""

_SAYING = Saying(
    label=LABEL,
    labeler="enforcement",
    found=0.72,
    delay_days=8.0,
    delay_by_segment={"ID": 1.0, "MX": 1.3, "GB": 0.8},
    mistaken=0.004,
    audited=0.03,
    reason="paid_engagement",
)
_SHUT = 0.3
_BY_RULE_ROWS = 14
_NAMES = pl.Series([market.name for market in MARKETS])


def judge(world: "World", today: Today, touches: Touches, rows: Ints, shelf: Shelves, habits: Habits) -> None:
    """Today's accounts and creators as an ideal observer sees them, and what labelers say of the accounts."""
    days, manner = account_days(touches, rows), manners(world, today, touches, habits)
    watch_accounts(world, today, touches, days, shelf, manner)
    count_week(world, today, touches, days, manner)
    _decide(world, today, days)


def _decide(world: "World", today: Today, days: AccountDays) -> None:
    asked = np.flatnonzero(days.rows >= AT_LEAST)
    buyer, at = days.buyer[asked], today.start + DAY + DECIDED_AFTER
    frame = pl.DataFrame(
        {
            "key": buyer,
            "entity_id": identifiers("buyer", buyer, seed=today.seed),
            "occurred_at": np.full(len(buyer), at),
            "market": _NAMES[world.people.buyers.market[buyer]],
            "truth": days.farmed[asked].astype(np.float64),
            "oracle": days.paid[asked],
            "campaign": campaign_names(world, days.campaign[asked]),
        }
    ).with_columns_seq(label=pl.lit(LABEL))
    world.outbox.reveal(DECISIONS, frame)
    truth: Bools = days.farmed[asked]
    automatic = days.rows[asked] >= _BY_RULE_ROWS
    draw = today.draw("said of hands")
    said = say(world.outbox, draw, _SAYING, frame, truth=truth, automatic=automatic)
    acted = said.filter(pl.Series(today.draw("hands shut").happens(said["key"].to_numpy(), _SHUT)))
    note(world.stage, "buyer", acted, today)
