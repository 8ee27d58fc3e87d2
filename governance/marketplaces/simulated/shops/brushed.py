"""Is this review of a line bought? What an ideal observer believes, what people say of it, and what is done then.

The decision is taken when the review comes, before it counts. What shows, each drawn for accomplices from one
distribution and for everybody else from another: the hour of the order and whether its device is one that strangers
share, the weight of the parcel against the listing's, the stars and the words. What is known of buyer and shop is taken
from the posteriors of their earlier reviews; there the observer is an approximation of message passing between
accomplices and shops: odds of a line = odds by the buyer x odds by the shop / odds of any line, times the likelihood
ratios.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.chance import DAY, HOUR, Bools, Floats, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.said import Saying, say
from governance.marketplaces.simulated.shops import brushing, docket
from governance.marketplaces.simulated.shops.brushing import (
    AT_WORK,
    FIRST_HOUR,
    GATHERING_DAYS,
    LAST_HOUR,
    OFFSET_HOURS,
)
from governance.marketplaces.simulated.shops.memory import line_keys

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LABEL = "brushing"

REVIEW_WORDS = "texts of reviews"
"""The purpose of the draws that the texts of reviews are made with, on the day of the order."""

SAYING = Saying(
    label=LABEL,
    labeler="investigation",
    found=0.65,
    delay_days=7.0,
    delay_by_segment={"ID": 1.3, "GB": 0.8},
    mistaken=0.003,
    audited=0.02,
    rechecked=0.15,
    audit_days=6.0,
    reason="orders_among_accomplices",
)

STRANGERS_SHARE_DEVICE = 0.01
"""Share of ordinary lines from a device that strangers order from, too."""

STARS: Floats = np.array([0.07, 0.06, 0.13, 0.27, 0.47])
"""Shares of one to five stars that an observer starts from; what it sees of ordinary reviews is added."""

_SEEN_BEFORE = 200.0
_REVIEWS_PER_BUYER_AND_DAY, _REVIEWED_BY_RING = 0.0065, 0.9
_BUYER_WEIGHT, _SHOP_WEIGHT = 1.5, 3.0
_EMPTY_GRAMS, _EMPTY_SPREAD = 60.0, 0.3
_SCALE_SPREAD, _WRONG_SCALES, _WRONG_LOW, _WRONG_HIGH = 0.05, 0.02, 0.1, 1.6
_RULE_LIGHT, _RULE_ACTS = 0.12, 0.2
_HOURS: Floats = np.array([market.utc_hours() for market in MARKETS])


def order_odds(world: "World", today: Today, lines: pl.DataFrame) -> Floats:
    """What the order itself says: the logarithm of the likelihood ratio of its hour and its device."""
    tactics = list(brushing.tactics(world).values())
    odds = Odds(np.full(lines.height, 0.5))
    where = lines["where"].to_numpy()
    hour = np.minimum((lines["occurred_at"].to_numpy() - today.start) // HOUR, 23)
    local = (hour + OFFSET_HOURS[where]) % 24
    at_work = (local >= FIRST_HOUR) & (local < LAST_HOUR)
    ring = np.where(at_work, AT_WORK / (LAST_HOUR - FIRST_HOUR), 0.0) + (1 - AT_WORK) / 24
    odds.weigh(ring, _HOURS[where, hour])
    shared = float(np.mean([one.on_rented for one in tactics] or [0.3]))
    odds.saw(lines["shared"].to_numpy(), if_member=shared, if_honest=STRANGERS_SHARE_DEVICE)
    return odds.log_odds


def written_to_order(lines: pl.DataFrame) -> Bools:
    """Lines whose review, if one comes, is written for money; friends of a shop agree on stars, not on words."""
    return ((lines["stars"] > 0) & (lines["campaign"] >= 0)).to_numpy()


def review_odds(today: Today, lines: pl.DataFrame) -> Floats:
    """What the words of a good review of today's lines will say: the logarithm of their likelihood ratio."""
    stars = np.full(lines.height, 5)
    return words.review_log_odds(today.draw(REVIEW_WORDS), lines["line_key"].to_numpy(), stars, written_to_order(lines))


def judge(world: "World", today: Today, reviews: pl.DataFrame) -> None:
    """Decide about the reviews that became known today; what is said of them goes to the outbox and to the docket."""
    if not reviews.height:
        return
    key = line_keys(reviews["order_line_id"], seed=world.settings.seed)
    known = pl.DataFrame({"line_key": key}).join(world.shops.lines, on="line_key", how="left", maintain_order="left")
    decided = reviews.select_seq(
        "market",
        "rating",
        key=pl.Series(key),
        entity_id="order_line_id",
        occurred_at=pl.col("occurred_at").dt.epoch("us"),
    )
    decided = decided.hstack(known.drop("line_key")).filter(pl.col("seller").is_not_null())
    oracle = _posterior(world, today, decided)
    campaign = decided["campaign"].cast(pl.Int64).to_numpy()
    of_ring = np.isin(campaign, list(brushing.tactics(world)))
    behind = np.where(of_ring, campaign, -1)
    reveal(world.outbox, LABEL, decided, campaign=behind, oracle=oracle, campaigns=world.settings.campaigns)
    _learn(world, decided, oracle, of_ring)
    _say(world, today, decided, of_ring)


def _posterior(world: "World", today: Today, decided: pl.DataFrame) -> Floats:
    customers, beliefs = world.shops.customers, world.shops.beliefs
    base = _usual_share(world, today)
    buyer, seller = decided["buyer"].to_numpy(), decided["seller"].to_numpy()
    by_buyer = (customers.bought[buyer] + _BUYER_WEIGHT * base) / (customers.seen[buyer] + _BUYER_WEIGHT)
    by_shop = (beliefs.bought[seller] + _SHOP_WEIGHT * base) / (beliefs.seen[seller] + _SHOP_WEIGHT)
    odds = Odds(np.clip(by_buyer, 1e-6, 1 - 1e-6))
    odds.weigh(by_shop / (1 - by_shop), np.full(len(seller), base / (1 - base)))
    # Rings never give fewer than four stars; what the words of such reviews say makes no difference.
    odds.log_odds = odds.log_odds + (decided["odds"] + decided["words"]).cast(pl.Float64).to_numpy()
    stars, tactics = decided["rating"].to_numpy() - 1, list(brushing.tactics(world).values())
    five = float(np.mean([one.five_stars for one in tactics] or [0.9]))
    seen = STARS * _SEEN_BEFORE + world.shops.stars.seen
    odds.weigh(np.array([0.0, 0.0, 0.0, 1 - five, five])[stars], (seen / seen.sum())[stars])
    empty = float(np.mean([one.empty for one in tactics] or [0.5]))
    _weigh_parcels(odds, decided, empty)
    return odds.posterior


def _weigh_parcels(odds: Odds, decided: pl.DataFrame, empty: float) -> None:
    """The weight on the scale against the listing's: densities of its logarithm; nothing where no scan is known."""
    scanned = decided["grams"].is_not_null().to_numpy()
    grams = decided["grams"].fill_null(1).cast(pl.Float64).to_numpy()
    listed = np.maximum(decided["listed_grams"].cast(pl.Float64).to_numpy(), 1.0)
    ratio = grams / listed
    near = _normal(np.log(ratio), 0.0, _SCALE_SPREAD)
    anywhere = np.where((ratio > _WRONG_LOW) & (ratio < _WRONG_HIGH), ratio / (_WRONG_HIGH - _WRONG_LOW), 0.0)
    ordinary = (1 - _WRONG_SCALES) * near + _WRONG_SCALES * anywhere
    light = _normal(np.log(grams / _EMPTY_GRAMS), 0.0, _EMPTY_SPREAD)
    ring = empty * light + (1 - empty) * ordinary
    odds.weigh(np.where(scanned, ring, 1.0), np.where(scanned, ordinary, 1.0))


def _normal(values: Floats, mean: float, deviation: float) -> Floats:
    density: Floats = np.exp(-(((values - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    return density


def _usual_share(world: "World", today: Today) -> float:
    """Share of bought reviews among all, by what is known of the rings that are at work."""
    bought = 0.0
    for number, campaign in world.settings.campaigns.of_kind(brushing.KIND):
        members = world.settings.campaigns.members(campaign, buyers=world.settings.buyers)
        tactic = campaign.plays(brushing.BuysOrders)
        pace = campaign.intensity * float(world.standing.vigour[number]) * campaign.runs(today.index)
        gathered = min((today.index - campaign.first_day) / GATHERING_DAYS, 1.0)
        bought += members * gathered * tactic.orders_a_day * pace * _REVIEWED_BY_RING
    return max(bought / (bought + world.settings.buyers * _REVIEWS_PER_BUYER_AND_DAY), 1e-4)


def _learn(world: "World", decided: pl.DataFrame, oracle: Floats, of_ring: Bools) -> None:
    """What was believed of these reviews counts when the next ones of the same buyers and shops come."""
    customers, beliefs = world.shops.customers, world.shops.beliefs
    buyer, seller = decided["buyer"].to_numpy(), decided["seller"].to_numpy()
    np.add.at(customers.bought, buyer, oracle)
    np.add.at(customers.seen, buyer, 1.0)
    np.add.at(beliefs.bought, seller, oracle)
    np.add.at(beliefs.seen, seller, 1.0)
    stars = decided["rating"].to_numpy()[~of_ring] - 1
    world.shops.stars.seen += np.bincount(stars, minlength=len(STARS))


def _say(world: "World", today: Today, decided: pl.DataFrame, of_ring: Bools) -> None:
    draw, key = today.draw("said of reviews"), decided["key"].to_numpy()
    light = (decided["grams"].cast(pl.Float64) / decided["listed_grams"]).fill_null(1.0).to_numpy() < _RULE_LIGHT
    by_rule = light & (decided["rating"].to_numpy() >= 4) & draw.happens(key, _RULE_ACTS)
    said = say(world.outbox, draw, SAYING, decided, truth=of_ring, automatic=by_rule)
    acted = decided.select_seq("key", "buyer", "seller").join(said, on="key", maintain_order="left")
    day = today.index + (acted["known_at"].to_numpy() - today.start) // DAY + 1
    docket.note(world.shops, docket.ACCOMPLICE, acted["buyer"].to_numpy(), day)
    docket.note(world.shops, docket.RING_SHOP, acted["seller"].to_numpy(), day)
