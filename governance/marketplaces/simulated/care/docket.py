"""The docket: cases wait here until they are opened; then everything that follows from them is settled and sent off."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import OUTCOMES
from governance.marketplaces.simulated.care import abusers, judge, traces
from governance.marketplaces.simulated.care.appeals import put_appeals
from governance.marketplaces.simulated.care.cases import filed, put_cases
from governance.marketplaces.simulated.care.causes import NAMES, PARTIES, SELLER, blame_of, habits
from governance.marketplaces.simulated.care.conversation import put_messages
from governance.marketplaces.simulated.care.judge import Belief, View
from governance.marketplaces.simulated.care.proof import put_evidence
from governance.marketplaces.simulated.care.ruling import decided, put_consequences, quick
from governance.marketplaces.simulated.care.shipping import usual_handling, usual_road
from governance.marketplaces.simulated.care.telling import case_texts, heard
from governance.marketplaces.simulated.care.verdicts import REFUND_ABUSE, RESPONSIBILITY, say_abuse, say_responsibility
from governance.marketplaces.simulated.chance import DAY, Floats, Ints, Today
from governance.marketplaces.simulated.rows import CAUSES, DECISIONS, Outbox

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

KEPT = (
    *("line_key", "buyer", "seller", "listing", "where", "what", "abuse", "campaign", "cause", "opened"),
    *("order_line_id", "order_id", "buyer_id", "seller_id", "product_id", "category", "market", "carrier"),
    *("occurred_at", "ship_by", "deliver_by", "handed_over", "delivered", "withheld", "faked", "lost", "late_days"),
    *("price_minor", "shipping_minor", "discount_minor", "currency", "reference_rate", "payment_method", "instrument"),
    *("parcel_weight_grams", "grams", "price_ratio", "distance_km", "dearness"),
)
"""What of an order line waits with its case."""


def open_today(world: "World", today: Today) -> None:
    """Open the cases whose moment has come, and settle what follows."""
    care = world.care
    now = (care.waiting["opened"] < today.start + DAY) if care.waiting.height else pl.Series([], dtype=pl.Boolean)
    # In one piece each: Polars 2.1 fails on strings in frames of many chunks, some of them empty.
    cases, care.waiting = care.waiting.filter(now).rechunk(), care.waiting.filter(~now).rechunk()
    if cases.height:
        _settle(world, today, cases)


def _settle(world: "World", today: Today, cases: pl.DataFrame) -> None:
    seen = traces.drawn(today.draw("traces"), cases["line_key"].to_numpy(), cases["cause"].to_numpy())
    beliefs = _hear(world, today, cases, seen)
    blame = blame_of(cases, cases["cause"].to_numpy())
    cases = filed(today, cases.hstack(seen)).with_columns_seq(
        cause_name=pl.Series(NAMES)[cases["cause"]],
        text=case_texts(today, cases.hstack(seen)),
        right_name=pl.Series(PARTIES)[np.argmax(blame, axis=1)],
    )
    put_cases(world.outbox, today, cases)
    put_messages(world.outbox, today, cases)
    put_evidence(world.outbox, today, _pictured(world, cases), _generation(world, cases))
    _decide(world, today, cases, beliefs, blame)
    _reveal(world.outbox, cases, beliefs, blame, world.settings.campaigns.names)


@dataclass(frozen=True, slots=True)
class _Hearing:
    """The ideal judge's beliefs when cases are opened and at the sellers' deadlines, and the buyers' claims so far."""

    opening: Belief
    deadline: Belief
    claims: Floats


def _hear(world: "World", today: Today, cases: pl.DataFrame, seen: pl.DataFrame) -> _Hearing:
    """What the ideal judge believes; the buyers' histories take note of it."""
    suspects, buyer = world.care.suspects, cases["buyer"].to_numpy()
    prior = abusers.prior(world, today)
    eager = prior.stories_per_day / abusers.ordinary_rate(world.people.buyers, buyer) * cases["dearness"].to_numpy()
    view = _view(world, cases, abuse=abusers.membership(suspects, buyer, prior.members) * eager)
    shown = judge.opening(seen)
    first = shown + traces.overheard(traces.TONE, heard(today, cases.hstack(seen)))
    ratio = judge.abuse_ratio(cases, view, first)
    # A buyer with two cases today is judged for each by what was known before both.
    hearing = _Hearing(
        opening=judge.believe(cases, view, first),
        deadline=judge.believe(cases, view, shown + judge.hearing(seen)),
        claims=suspects.claims[buyer] + 1,
    )
    np.add.at(suspects.log_odds, buyer, np.log1p(eager * ratio))
    np.add.at(suspects.claims, buyer, (seen["kind"] != traces.KINDS.index("cancellation")).to_numpy().astype(float))
    return hearing


def _view(world: "World", cases: pl.DataFrame, *, abuse: Floats) -> View:
    sellers, seller = world.shops.sellers, cases["seller"].to_numpy()
    return View(
        of=habits(cases, world.people.buyers.complaint, sellers.defects),
        suspicion=sellers.suspicion[seller],
        usual_handling=usual_handling(sellers, seller),
        usual_road=usual_road(cases["distance_km"].to_numpy()),
        abuse=abuse,
    )


def _generation(world: "World", cases: pl.DataFrame) -> Ints:
    number = cases["abuse"].to_numpy() - 1
    return np.where(number >= 0, world.standing.generation[np.maximum(number, 0)], 0)


def _pictured(world: "World", cases: pl.DataFrame) -> pl.DataFrame:
    """Cases with the number of the listing whose picture theirs shows (`picture`), and its category (`pictured`)."""
    listings = world.shops.listings
    shown = listings.image[cases["listing"].to_numpy()]
    return cases.with_columns_seq(picture=pl.Series(shown), pictured=pl.Series(listings.category[shown]))


def _decide(world: "World", today: Today, cases: pl.DataFrame, beliefs: _Hearing, blame: Floats) -> None:
    """Outcomes, appeals, labels, and what moves because of them."""
    draw = today.draw("outcomes")
    paid, refused = quick(draw, cases, beliefs.claims)
    belief = beliefs.deadline
    outcomes = decided(draw, cases, parties=belief.parties, false_story=belief.false_story, paid=paid, refused=refused)
    later = put_appeals(world.outbox, today, outcomes, blame)
    every = pl.concat([outcomes, later.select_seq(outcomes.columns)])
    world.outbox.put(OUTCOMES, every)
    put_consequences(world.outbox, today, every)
    found = say_abuse(world.outbox, today, cases, paid=paid, refused=refused)
    say_responsibility(world.outbox, today, outcomes, later)
    world.care.note_found(cases, found)


def _reveal(outbox: Outbox, cases: pl.DataFrame, beliefs: _Hearing, blame: Floats, campaigns: tuple[str, ...]) -> None:
    """Truth about cases: causes, blame, and the oracles of both labels."""
    names = pl.Series([*campaigns, None], dtype=pl.String)
    campaign = names[np.where(cases["abuse"].to_numpy() > 0, cases["abuse"].to_numpy() - 1, len(campaigns))]
    outbox.reveal(
        CAUSES,
        cases.select_seq(
            "case_id",
            "order_line_id",
            "occurred_at",
            *(pl.Series(f"{name}_share", blame[:, number]) for number, name in enumerate(PARTIES)),
            cause=pl.col("cause_name"),
            decidable=pl.Series(beliefs.deadline.decidable),
        ),
    )
    decisions = cases.select_seq("occurred_at", "respond_by", entity_id="case_id", campaign=campaign)
    story = (cases["cause_name"] == "false_story").cast(pl.Float64)
    abuse = decisions.with_columns_seq(
        label=pl.lit(REFUND_ABUSE), truth=story, oracle=pl.Series(beliefs.opening.false_story)
    )
    bears = pl.Series((blame[:, SELLER] > 0.5).astype(np.float64))
    responsibility = decisions.with_columns_seq(
        label=pl.lit(RESPONSIBILITY),
        occurred_at=pl.col("respond_by"),
        truth=bears,
        oracle=pl.Series(beliefs.deadline.seller_bears_most),
    ).filter(pl.col("respond_by").is_not_null())
    outbox.reveal(DECISIONS, pl.concat([abuse, responsibility]))
