"""Moderation: whether a content sells what its listings do not say, as an ideal observer and as moderators see it."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import expit, logit, logsumexp

from governance.marketplaces.simulated.chance import HOUR, Floats, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.rows import DECISIONS
from governance.marketplaces.simulated.said import Saying, say
from governance.marketplaces.simulated.shops.categories import DEMAND
from governance.marketplaces.simulated.stage.contents import GIVEAWAYS, Contents
from governance.marketplaces.simulated.stage.docket import campaign_names, note
from governance.marketplaces.simulated.stage.straying import (
    EVASIVE,
    KIND,
    RAMBLES,
    Spoken,
    Straying,
    night_share,
    running_strays,
    strays_share,
)
from governance.marketplaces.simulated.stage.wording import texts_odds

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LABEL = "content_violation"

_SAYING = Saying(
    label=LABEL,
    labeler="moderation",
    found=0.74,
    delay_days=2.5,
    delay_spread=0.7,
    delay_by_segment={"ID": 1.2, "MX": 1.0, "GB": 0.7},
    mistaken=0.006,
    audited=0.02,
    audit_days=5.0,
    reason="misleading_content",
)
_BY_RULE = 0.35
_STRIKE = 0.3
_NAMES = pl.Series([market.name for market in MARKETS])
_HOURS = np.array([market.utc_hours() for market in MARKETS])


def moderate(world: "World", today: Today, new: Contents, spoken: Spoken) -> None:
    """Reveal today's decisions, and let the rule and the moderators speak; what they find is removed later."""
    by_texts = texts_odds(today, new, spoken)
    oracle = _believed(world, today, new, spoken, by_texts)
    truth = new.campaign >= 0
    frame = pl.DataFrame(
        {
            "key": new.number,
            "entity_id": identifiers("content", new.number, seed=today.seed),
            "occurred_at": new.started,
            "market": _NAMES[new.market],
            "truth": truth.astype(np.float64),
            "oracle": oracle,
            "campaign": campaign_names(world, new.campaign),
        }
    ).with_columns_seq(label=pl.lit(LABEL))
    world.outbox.reveal(DECISIONS, frame)
    draw = today.draw("moderation")
    stopped = (by_texts > 0) & (spoken.category != new.category) & draw.happens(new.number, _BY_RULE)
    new.removed |= stopped
    said = say(world.outbox, draw, _SAYING, frame, truth=truth, automatic=stopped)
    note(world.stage, "content", said, today)
    strikes = said.filter(pl.Series(draw.happens(said["key"].to_numpy(), _STRIKE)))
    creator = pl.DataFrame({"key": new.number, "creator": new.creator})
    struck = strikes.join(creator, on="key", how="left", maintain_order="left").select_seq(
        pl.col("creator").alias("key"), "known_at"
    )
    note(world.stage, "creator", struck, today)


def _believed(world: "World", today: Today, new: Contents, spoken: Spoken, by_texts: Floats) -> Floats:
    """The posterior of an ideal observer, by Bayes' rule.

    Exact for each content given the belief about its creator. That belief takes it that members of campaigns which are
    over are as many of those believed to be members as they are of all members.
    """
    running = running_strays(world, today)
    if not running or not len(new):
        return np.zeros(len(new))
    creators, books = world.stage.creators, world.stage.books
    here = creators.open(today.index)
    members = np.array([max((here & (creators.campaign == number)).sum(), 0.1) for number, _, _ in running])
    shares = [strays_share(world, number, one, tactic) for number, one, tactic in running]
    of_kind = [number for number, _ in world.settings.campaigns.of_kind(KIND)]
    share = float(np.average(shares, weights=members))
    share *= min(float(members.sum()) / max((here & np.isin(creators.campaign, of_kind)).sum(), 1), 1.0)
    member = logit(np.clip(books.strays, 1e-6, 1 - 1e-6))
    tactics = [tactic for _, _, tactic in running]
    seen = np.array([_evidence(world, today, new, spoken, tactic) + _read(by_texts, tactic) for tactic in tactics])
    evidence = logsumexp(seen, axis=0, b=members[:, None] / members.sum())
    oracle = expit(logit(expit(member[new.creator]) * share) + evidence)
    np.add.at(member, new.creator, np.log(share * np.exp(evidence) + 1 - share))
    books.strays = expit(member)
    return np.asarray(oracle, dtype=np.float64)


def _evidence(world: "World", today: Today, new: Contents, spoken: Spoken, tactic: Straying) -> Floats:
    """The log of how much more likely each content is where it strays in this way than where it does not."""
    hour = (new.started - today.start) // HOUR
    usual = _HOURS[new.market, hour]
    by_night = night_share(hour, new.market)
    # Of those who ramble, some hit upon the category that they show.
    hit = (DEMAND / DEMAND.sum())[new.category]
    odds = Odds(np.full(len(new), 0.5))
    odds.saw(new.live, if_member=tactic.live, if_honest=world.stage.creators.live_share[new.creator])
    odds.saw(new.giveaway, if_member=tactic.giveaway, if_honest=GIVEAWAYS)
    odds.saw(spoken.category != new.category, if_member=tactic.rambles * (1 - hit), if_honest=RAMBLES * (1 - hit))
    odds.weigh((1 - tactic.night) * usual + tactic.night * by_night, usual)
    return odds.log_odds


def _read(by_texts: Floats, tactic: Straying) -> Floats:
    """What the texts add to it: some of those who stray evade, and so do a few of the others."""
    evading = np.exp(by_texts)
    member, honest = (share * evading + (1 - share) for share in (tactic.evasive, EVASIVE))
    return np.asarray(np.log(member / honest), dtype=np.float64)
