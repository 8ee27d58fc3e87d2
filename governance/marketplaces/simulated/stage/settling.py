"""Commission: what creators are owed for sales and views, settled every week, and what is found out by then."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import PAYOUTS
from governance.marketplaces.simulated.chance import DAY, HOUR, Bools, Draw, Ints, Today, micros
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.things import first_of, names
from governance.marketplaces.simulated.rows import DECISIONS
from governance.marketplaces.simulated.said import Saying, say
from governance.marketplaces.simulated.stage.buying import WEEK, settles
from governance.marketplaces.simulated.stage.docket import campaign_names, note
from governance.marketplaces.simulated.stage.weeks import begin_week, buying_belief

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LABEL = "creator_cheating"

_SAYING = Saying(
    label=LABEL,
    labeler="enforcement",
    found=0.62,
    delay_days=9.0,
    delay_by_segment={"ID": 0.9, "MX": 1.3, "GB": 0.8},
    mistaken=0.004,
    audited=0.03,
    reason="bought_engagement",
)
_BONUS_DOLLARS_A_VIEW = 0.03
_RULE_VIEWS, _RULE_LIKES = 20, 0.6
_LIMITED = 0.4
_PLANNED, _SETTLED = pl.Series(["scheduled", "held"]), pl.Series(["paid", "cancelled"])
_NAMES = pl.Series([market.name for market in MARKETS])
_CURRENCY = pl.Series([market.currency for market in MARKETS])
_DOLLARS = np.array([market.dollars for market in MARKETS])


def end_day(world: "World", today: Today, lines: pl.DataFrame) -> None:
    """Settle the weeks that end with the midnight before today, then count what today's lines earn."""
    creators, books = world.stage.creators, world.stage.books
    everybody = np.arange(len(creators))
    ends = settles(everybody, today.index)
    paid = np.flatnonzero(ends & (books.owed + books.views > 0))
    _settle(world, today, paid)
    begin_week(world, today, np.flatnonzero(ends))
    sold = lines.filter(pl.col("creator") >= 0)
    creator = sold["creator"].to_numpy()
    earned = np.rint(sold["price_minor"].to_numpy() * creators.rate[creator])
    books.owed += np.bincount(creator, weights=earned, minlength=len(creators)).astype(np.int64)


def _settle(world: "World", today: Today, creator: Ints) -> None:
    """Payouts of these creators' weeks; the rule holds some, and people look into others."""
    books, draw = world.stage.books, today.draw("settlements")
    held = (books.views[creator] >= _RULE_VIEWS) & (books.likes[creator] >= _RULE_LIKES * books.views[creator])
    at = today.start + 3 * HOUR + draw.integers(creator, 0, 4 * HOUR)
    campaign = books.bought_for[creator]
    frame = pl.DataFrame(
        {
            "key": creator,
            "entity_id": identifiers("creator", creator, seed=today.seed),
            "occurred_at": at,
            "market": _NAMES[world.stage.creators.market[creator]],
            "truth": (campaign >= 0).astype(np.float64),
            "oracle": buying_belief(world, today)[creator],
            "campaign": campaign_names(world, campaign),
        }
    ).with_columns_seq(label=pl.lit(LABEL))
    world.outbox.reveal(DECISIONS, frame)
    said = say(world.outbox, today.draw("said of creators"), _SAYING, frame, truth=campaign >= 0, automatic=held)
    note(world.stage, "creator", said.filter(pl.Series(draw.happens(said["key"].to_numpy(), _LIMITED))), today)
    _put_payouts(world, today, draw, frame, held=held, cheated=campaign >= 0)


def _put_payouts(world: "World", today: Today, draw: Draw, frame: pl.DataFrame, *, held: Bools, cheated: Bools) -> None:
    """A version when the week is settled, and one when it is paid, or cancelled after it was held."""
    creators, creator, at = world.stage.creators, frame["key"].to_numpy(), frame["occurred_at"].to_numpy()
    market, amount = creators.market[creator], _amounts(world, creator)
    moved = (amount > 0) & draw.happens(creator, 0.012)
    creators.bank[creator] += moved
    first = frame.select_seq("market", "occurred_at").with_columns_seq(
        payout_id=identifiers("payout", order_numbers(today.index, creator, np.full(len(creator), 1)), seed=today.seed),
        known_at=pl.Series(at + draw.integers(creator, 1, 20 * HOUR // 60)),
        version=pl.lit(1),
        account_id=frame["entity_id"],
        role=pl.lit("creator"),
        status=_PLANNED[held.astype(np.int64)],
        amount_minor=pl.Series(amount),
        held_minor=pl.Series(amount * held),
        reserve_minor=pl.lit(0),
        released_minor=pl.lit(0),
        currency=_CURRENCY[market],
        reference_rate=pl.Series(np.array([one.reference_rate(today.index) for one in MARKETS])[market]),
        destination=names("bank", first_of(creator) + creators.bank[creator], seed=today.seed),
        period_from=pl.lit(today.start - WEEK * DAY),
        period_to=pl.lit(today.start),
    )
    waits = draw.uniform(creator, 1.0, 3.0) + held * draw.uniform(creator, 4.0, 9.0)
    later = pl.Series(at + micros(waits))
    cancelled = held & draw.happens(creator, np.where(cheated, 0.8, 0.1))
    status = _SETTLED[cancelled.astype(np.int64)]
    second = first.with_columns_seq(
        occurred_at=later, known_at=later, version=pl.lit(2), status=status, held_minor=pl.lit(0)
    )
    world.outbox.put(PAYOUTS, first)
    world.outbox.put(PAYOUTS, second)


def _amounts(world: "World", creator: Ints) -> Ints:
    """What is paid for a week: the share of what was sold, and a bonus for each view (minor units)."""
    books = world.stage.books
    bonus = books.views[creator] * _BONUS_DOLLARS_A_VIEW * 100 / _DOLLARS[world.stage.creators.market[creator]]
    amounts: Ints = books.owed[creator] + np.rint(bonus).astype(np.int64)
    return amounts
