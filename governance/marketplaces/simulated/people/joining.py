"""A day's arrivals: who is shut out, who signs up, what is thought of them, and who is found out for a fake later."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Floats, Today
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.people import bans, fakes
from governance.marketplaces.simulated.people.arrivals import put_accounts
from governance.marketplaces.simulated.people.buyers import BUYER_DAYS
from governance.marketplaces.simulated.people.decisions import reveal
from governance.marketplaces.simulated.people.farming import hands_of_today
from governance.marketplaces.simulated.people.recruiting import expected_share
from governance.marketplaces.simulated.people.sessions import rhythm
from governance.marketplaces.simulated.people.signups import newcomers
from governance.marketplaces.simulated.said import say

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

CLAUSE = "linked_accounts"


def sign_up(world: "World", today: Today) -> None:
    """Today's sign-ups: account rows, decisions, labels, and bans to come."""
    people, settings = world.people, world.settings
    people.bans = bans.shut(people.buyers, people.bans, world.standing, today)
    people.buyers, signups = newcomers(people.buyers, settings, world.standing, today)
    put_accounts(world.outbox, today, signups, seed=settings.seed)
    suspicion, stopped = _judged(world, signups, today)
    people.buyers.suspicion[signups["buyer"].to_numpy()] = suspicion
    people.recent_signups = fakes.remembered(people.recent_signups, signups, suspicion, today)
    people.hands = hands_of_today(world, signups, today)
    _say(world, signups, stopped, suspicion, today)


def _judged(world: "World", signups: pl.DataFrame, today: Today) -> tuple[Floats, Bools]:
    """What an ideal observer thinks of each sign-up, and which of them a rule stops."""
    people, settings = world.people, world.settings
    inviter = np.maximum(signups["invited_by"].to_numpy(), 0)
    seen = fakes.look(people.recent_signups, signups, people.buyers.suspicion[inviter])
    honest = settings.buyers / BUYER_DAYS * rhythm(today)
    prior = expected_share(settings.campaigns, today, buyers=settings.buyers, honest=honest)
    market = people.buyers.market[signups["buyer"].to_numpy()]
    suspicion = fakes.posterior(people.fake_traces, seen, signups, prior=prior, market=market)
    seen.learn(people.fake_traces, signups["campaign"].to_numpy() >= 0)
    return suspicion, seen.on_device >= fakes.BLOCKED_AT


def _say(world: "World", signups: pl.DataFrame, stopped: Bools, suspicion: Floats, today: Today) -> None:
    people, settings = world.people, world.settings
    number, campaign = signups["buyer"].to_numpy(), signups["campaign"].to_numpy()
    decisions = signups.select_seq(
        "occurred_at", "market", key="buyer", entity_id=identifiers("buyer", number, seed=settings.seed)
    )
    reveal(world.outbox, fakes.LABEL, decisions, campaign=campaign, oracle=suspicion, campaigns=settings.campaigns)
    said = say(world.outbox, today.draw("fakes said"), fakes.SAYING, decisions, truth=campaign >= 0, automatic=stopped)
    found = said.rename({"key": "buyer"}).join(
        signups.select_seq("buyer", "market"), on="buyer", how="left", maintain_order="left"
    )
    by_rule = signups.filter(pl.Series(stopped)).select_seq("buyer", "known_at", "market", decided_by=pl.lit("rule"))
    new = pl.concat([found.with_columns_seq(decided_by=pl.lit("person")).select_seq(by_rule.columns), by_rule])
    people.bans = bans.decided(world.outbox, people.buyers, people.bans, new, clause=CLAUSE, today=today)
