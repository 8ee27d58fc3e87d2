"""A day's visits: ordinary ones and thieves', what is changed in them, and what is said of the logins later."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import SESSIONS
from governance.marketplaces.simulated.chance import MINUTE, SECOND, Today
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.people import stolen
from governance.marketplaces.simulated.people.changes import KINDS, THIEVES, Changes, had, ordinary_changes, put_changes
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.people.sessions import MARKET_NAMES, ordinary_sessions, put_sessions, visits_of
from governance.marketplaces.simulated.people.takeover import Thief, drop_of, stolen_today, thief_sessions, thieves
from governance.marketplaces.simulated.people.things import home_network, names, rented
from governance.marketplaces.simulated.said import say

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

_AFTER_ALL_PLANS = 2048
"""Sessions and orders of a buyer and day are counted apart; a visit to order is numbered after all that are not."""

KEPT_DAYS = 30
"""Stolen accounts are remembered for so many days: the devices used on them can still be recognised."""


def visited(world: "World", today: Today) -> pl.DataFrame:
    """Today's visits; sessions, changes, decisions and labels go to the outbox."""
    people, settings, buyers = world.people, world.settings, world.people.buyers
    playing = thieves(settings.campaigns, buyers=settings.buyers)
    parts = [ordinary_sessions(buyers, today, size=settings.buyers)]
    _steal(world, playing, today)
    for thief in playing:
        parts.append(thief_sessions(buyers, thief, people.thefts, world.standing, today, size=settings.buyers))
    sessions = put_sessions(world.outbox, today, pl.concat(parts), seed=settings.seed)
    people.failures = stolen.failures_with(people.failures, sessions, today)
    entered = sessions.filter(pl.col("outcome") == "succeeded")
    changes = Changes()
    ordinary_changes(buyers, entered, changes, today)
    for thief in playing:
        _change(world, thief, entered, changes, today)
    taken_back = _judge(world, playing, entered.filter(pl.col("kind") == "login"), today)
    put_changes(world.outbox, today, pl.concat([changes.of(entered), taken_back]))
    people.thief_logins = entered.filter(pl.col("campaign") >= 0).select_seq(people.thief_logins.columns)
    return visits_of(sessions)


def visit_to_order(world: "World", today: Today, plans: pl.DataFrame, visits: pl.DataFrame) -> None:
    """Visits of those who come today for what they mean to order and had not come already; nobody orders unseen."""
    comes = plans.filter(~pl.col("buyer").is_in(visits["buyer"].implode()))
    if not comes.height:
        return
    people, seed = world.people, world.settings.seed
    buyer, nth = comes["buyer"].to_numpy(), comes["nth"].to_numpy()
    number = order_numbers(today.index, buyer, nth + _AFTER_ALL_PLANS)
    draw = today.draw("visits to order")
    at = np.maximum(comes["at"].to_numpy() - MINUTE - draw.integers(number, 0, 12 * MINUTE), today.start)
    market = MARKET_NAMES[people.buyers.market[buyer]]
    home = names("network", home_network(people.buyers.household[buyer], today.index), seed=seed)
    frame = comes.select_seq(
        "device",
        "network",
        session_id=identifiers("session", number, seed=seed),
        account_id=identifiers("buyer", buyer, seed=seed),
        occurred_at=pl.Series(at),
        known_at=pl.Series(at + 20 * SECOND),
        market=market,
        country=market,
        kind=pl.lit("visit"),
        outcome=pl.lit("succeeded"),
        wrong_passwords=pl.lit(0),
    )
    own = names("device", people.buyers.device[buyer], seed=seed)
    world.outbox.put(
        SESSIONS,
        frame.with_columns_seq(device=pl.col("device").fill_null(own), network=pl.col("network").fill_null(home)),
    )


def _steal(world: "World", playing: list[Thief], today: Today) -> None:
    """Owners get accounts back, their thieves take note; others are opened."""
    people, settings = world.people, world.settings
    back = people.thefts.filter(pl.col("found") == today.index)
    world.standing.note_acted(back["campaign"].to_numpy())
    kept = people.thefts.filter(pl.col("since") > today.index - KEPT_DAYS)
    new = [
        stolen_today(people.buyers, one, world.standing, today, size=settings.buyers)
        for one in playing
        if one.campaign.runs(today.index)
    ]
    people.thefts = pl.concat([kept, *new]).unique(["buyer", "campaign"], keep="last", maintain_order=True)


def _change(world: "World", thief: Thief, entered: pl.DataFrame, changes: Changes, today: Today) -> None:
    """What a thief changes in the first login: to telephones, addresses and accounts of its own."""
    buyers, draw = entered["buyer"].to_numpy(), today.draw(f"changes of campaign {thief.number}")
    first = (entered["campaign"].to_numpy() == thief.number) & (entered["since"].to_numpy() == today.index)
    row = np.flatnonzero(first)
    row = row[draw.happens(buyers[row], thief.tactic.changes)]
    generation = int(world.standing.generation[thief.number])
    for kind, share in enumerate(THIEVES):
        chosen = row[draw.happens(buyers[row], share)]
        buyer = buyers[chosen]
        own = rented(20 + kind, thief.number, generation, buyer // 3)
        new = drop_of(thief, generation, buyer) if KINDS[kind] == "address" else own
        changes.note(chosen, kind, old=had(world.people.buyers, buyer, kind), new=new)


def _judge(world: "World", playing: list[Thief], logins: pl.DataFrame, today: Today) -> pl.DataFrame:
    """Decisions about today's logins, what is said of them, and the passwords that owners choose on reporting."""
    people, settings = world.people, world.settings
    seen = stolen.look(logins, people.failures, people.thefts, people.buyers, today)
    prior = stolen.expected_share(playing, today, size=settings.buyers)
    oracle = stolen.posterior(people.theft_traces, seen, logins, people.buyers, prior=prior)
    campaign = logins["campaign"].to_numpy()
    stolen.learn(people.theft_traces, seen, campaign >= 0)
    decisions = logins.select_seq("occurred_at", "market", entity_id="session_id", key="number")
    reveal(world.outbox, stolen.LABEL, decisions, campaign=campaign, oracle=oracle, campaigns=settings.campaigns)
    said = say(
        world.outbox,
        today.draw("takeovers said"),
        stolen.SAYING,
        decisions,
        truth=campaign >= 0,
        automatic=seen.failures >= stolen.BLOCKED_FAILURES,
    )
    whose = logins.select_seq("buyer", "market", "campaign", key="number")
    said = said.join(whose, on="key", maintain_order="left")
    people.thefts = stolen.reported(people.thefts, said.filter(pl.col("campaign") >= 0), today)
    by_telephone = pl.lit(None, pl.String)
    none = pl.lit(0, pl.Int64)
    return said.select_seq("buyer", "market", session_id=by_telephone, at="known_at", kind=none, old=none, new=none)
