"""Does this new listing break the rules? The decision at publication, and what is said and done about it."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, Bools, Ints, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.said import Saying, say
from governance.marketplaces.simulated.shops import docket, violations
from governance.marketplaces.simulated.shops.products import put_products, texts_odds

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

SAYING = Saying(
    label=violations.KIND,
    labeler="moderation",
    found=0.82,
    delay_days=2.6,
    delay_by_segment={"ID": 1.25, "GB": 0.8},
    mistaken=0.004,
    audited=0.015,
    rechecked=0.12,
    audit_days=4.0,
    reason="counterfeit_or_prohibited",
)

_RULE_ACTS = 0.25
_MARKET = pl.Series([market.name for market in MARKETS])


def publish(world: "World", today: Today, new: Ints, changed: Ints) -> None:
    """Put the rows of today's new listings, and of those whose prices change; decide about the new ones."""
    listings, outbox = world.shops.listings, world.outbox
    at = np.concatenate([listings.published[new], today.draw("price changes").moment(changed, today)])
    rows = put_products(outbox, today, listings, np.concatenate([new, changed]), at=at).head(len(new))
    if rows.height:
        decide(world, today, new, violations.title_hints(rows["title"]))


def decide(world: "World", today: Today, number: Ints, hinting: Bools) -> None:
    """Decide about new listings; removals wait in the docket for the day on which somebody says so.

    `hinting` are those whose titles drop a hint that a rule knows.
    """
    shops, draw = world.shops, today.draw("said of listings")
    listings = shops.listings
    oracle = violations.judge(world, today, number, texts_odds(listings, number, seed=today.seed))
    decisions = pl.DataFrame(
        {
            "key": number,
            "entity_id": identifiers("product", number, seed=today.seed),
            "occurred_at": listings.published[number],
            "market": _MARKET[listings.market[number]],
        }
    )
    behind = listings.violation[number]
    reveal(world.outbox, violations.KIND, decisions, campaign=behind, oracle=oracle, campaigns=world.settings.campaigns)
    # A rule knows some words; what it stops nobody else looks at, but for auditors.
    by_rule = hinting & draw.happens(number, _RULE_ACTS)
    said = say(world.outbox, draw, SAYING, decisions, truth=behind >= 0, automatic=by_rule)
    day = today.index + (said["known_at"].to_numpy() - today.start) // DAY + 1
    docket.note(shops, docket.LISTING, said["key"].to_numpy(), day)
    stopped = number[by_rule]
    docket.note(shops, docket.LISTING, stopped, np.full(len(stopped), today.index + 1))
