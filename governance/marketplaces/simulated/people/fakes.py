"""Fake accounts: what an observer sees of a sign-up, and who says later that it was fake.

The oracle's traces are independent given membership, but for devices and networks, which hang together because members
share a rack: they are one trace, whose frequencies are counted (`learnt`).
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import HOUR, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.people.company import thought_of, times_before, times_used
from governance.marketplaces.simulated.people.learnt import Learnt, crossed, guessed
from governance.marketplaces.simulated.people.signups import INVITED, MEMBERS_INVITED, MEMBERS_VERIFIED, VERIFIED
from governance.marketplaces.simulated.people.things import is_public
from governance.marketplaces.simulated.said import Saying

LABEL = "fake_account"

SAYING = Saying(
    label=LABEL,
    labeler="integrity_desk",
    found=0.8,
    delay_days=8.0,
    delay_spread=0.6,
    delay_by_segment={"ID": 1.2, "GB": 0.8},
    mistaken=0.002,
    audited=0.02,
    reason="linked_accounts",
)

REMEMBERED_DAYS = 30
BLOCKED_AT = 4
"""A sign-up from a device that so many accounts signed up from lately is stopped by a rule."""

_SUSPICIOUS = (0.04, 0.2)
_NETWORK_STEPS = (1, 3)
_HOURS: Floats = np.array([market.utc_hours() for market in MARKETS])
_AT_NIGHT = 0.5


@dataclass(slots=True)
class Traces:
    """How often fakes and others leave what nobody set. `company` is how many signed up with the same device and from
    the same network lately, what was thought of them, and whether the network is a public one."""

    company: Learnt = field(
        default_factory=lambda: guessed(
            crossed(crossed((0.7, 0.3), (0.5, 0.2, 0.3)), crossed((0.4, 0.25, 0.35), (0.45, 0.25, 0.3))),
            crossed(crossed((0.7, 0.3), (0.86, 0.12, 0.02)), crossed((0.7, 0.22, 0.08), (0.9, 0.08, 0.02))),
        )
    )
    phone: Learnt = field(default_factory=lambda: guessed((0.7, 0.16, 0.14), (0.89, 0.08, 0.03)))
    inviter: Learnt = field(default_factory=lambda: guessed((0.6, 0.25, 0.15), (0.95, 0.04, 0.01)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Kinds of traces of sign-ups, as numbered in `Traces`, and how many others used the device before."""

    company: Ints
    phone: Ints
    inviter: Ints
    on_device: Ints

    def learn(self, traces: Traces, member: Bools) -> None:
        """Count them, now that the truth is known."""
        for name in ("company", "phone", "inviter"):
            getattr(traces, name).learn(getattr(self, name), member)


def nothing_seen() -> pl.DataFrame:
    """The sign-ups of the last days before there were any."""
    numbers = ("day", "device", "network", "phone")
    return pl.DataFrame(schema={**dict.fromkeys(numbers, pl.Int64()), "suspicion": pl.Float64()})


def look(recent: pl.DataFrame, signups: pl.DataFrame, inviter_suspicion: Floats) -> Seen:
    """What today's sign-ups show beside those of the last days."""
    on_device, thought = _company(recent, signups, "device")
    on_network, thought_there = _company(recent, signups, "network")
    on_phone, _ = _company(recent, signups, "phone")
    shared = is_public(signups["network"].to_numpy()) * 3 + np.minimum(on_device, 2)
    around = np.searchsorted(_NETWORK_STEPS, on_network, side="right") * 3 + _level(np.maximum(thought, thought_there))
    missing = signups["phone"].to_numpy() < 0
    invited = signups["invited_by"].to_numpy() >= 0
    return Seen(
        company=shared * 9 + around,
        phone=np.where(missing, 1, np.where(on_phone > 0, 2, 0)),
        inviter=np.where(invited, _level(inviter_suspicion), 0),
        on_device=on_device,
    )


def posterior(traces: Traces, seen: Seen, signups: pl.DataFrame, *, prior: float, market: Ints) -> Floats:
    """Chance of each sign-up to be a member's."""
    odds = Odds(np.full(signups.height, prior))
    odds.saw(signups["verified"].to_numpy(), if_member=MEMBERS_VERIFIED, if_honest=VERIFIED)
    odds.saw(signups["invited_by"].to_numpy() >= 0, if_member=MEMBERS_INVITED, if_honest=INVITED)
    hour = (signups["occurred_at"].to_numpy() // HOUR) % 24
    usual = _HOURS[market, hour]
    odds.weigh(_AT_NIGHT / 24 + (1 - _AT_NIGHT) * usual, usual)
    for name in ("company", "phone", "inviter"):
        odds.log_odds = odds.log_odds + getattr(traces, name).log_ratio(getattr(seen, name))
    return odds.posterior


def remembered(recent: pl.DataFrame, signups: pl.DataFrame, suspicion: Floats, today: Today) -> pl.DataFrame:
    """The sign-ups of the last days with today's."""
    new = signups.select_seq("device", "network", "phone").with_columns_seq(
        day=pl.lit(today.index, pl.Int64), suspicion=pl.Series(suspicion)
    )
    return pl.concat(
        [recent.filter(pl.col("day") > today.index - REMEMBERED_DAYS), new.select_seq(recent.columns)], rechunk=True
    )


def _company(recent: pl.DataFrame, signups: pl.DataFrame, name: str) -> tuple[Ints, Floats]:
    """How many signed up with the same thing lately, and what was thought of them on average."""
    own, others = signups[name].to_numpy(), recent[name].to_numpy()
    before = times_used(others, own)
    thought = thought_of(others, recent["suspicion"].to_numpy(), own) / np.maximum(before, 1)
    return before + times_before(own), thought


def _level(suspicion: Floats) -> Ints:
    return np.searchsorted(_SUSPICIOUS, suspicion, side="right").astype(np.int64)
