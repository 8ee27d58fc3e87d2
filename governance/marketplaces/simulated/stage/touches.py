"""Touches: somebody looks at a content, and perhaps likes it, follows, comments or clicks. And their rows."""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from governance.contracts.tables import ENGAGEMENTS
from governance.marketplaces.simulated.chance import DAY, MINUTE, SECOND, Bools, Draw, Floats, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.things import names
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.stage.contents import Contents

REACTIONS = ("like", "follow", "comment", "click")
"""What may come of a look; the view itself comes always."""

ORDINARY, FARMED, EXCHANGED = 0, 1, 2
"""Whose hand it was: one of its own accord, one of a click farm, or one that likes for being liked."""

_NO_NETWORK = 0.03
_NO_DWELL = 0.05
_NAMES = pl.Series([market.name for market in MARKETS])
_KINDS = pl.Series(["view", *REACTIONS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one looks at a content: seconds (median, and spread of the log), and the chance of each reaction."""

    seconds: float
    spread: float
    like: float
    follow: float
    comment: float
    click: float

    @property
    def chances(self) -> Floats:
        """In the order of `REACTIONS`."""
        return np.array([self.like, self.follow, self.comment, self.click])


CURIOUS = Manner(seconds=24.0, spread=0.85, like=0.15, follow=0.04, comment=0.05, click=0.14)
HOPEFUL = Manner(seconds=15.0, spread=0.75, like=0.45, follow=0.16, comment=0.13, click=0.06)
"""Ordinary people: at an ordinary content, and where something is given away."""


@dataclass(slots=True)
class Touches:
    """Looks at contents, one row each: `content` is a place among the contents, `device` and `network` are numbers.

    `seconds` is how long it took; `reactions` tells by its bits which of `REACTIONS` came of it. `campaign` is -1 or
    the number of the one that paid for it.
    """

    buyer: Ints
    content: Ints
    at: Ints
    device: Ints
    network: Ints
    hand: Ints
    campaign: Ints
    seconds: Floats
    reactions: Ints

    def __len__(self) -> int:
        return len(self.buyer)

    def reacted(self) -> Bools:
        """Which reactions came of each, (n, 4)."""
        reacted: Bools = (self.reactions[:, None] >> np.arange(len(REACTIONS))) & 1 == 1
        return reacted


def rearranged(touches: Touches, places: Ints) -> Touches:
    """Touches at these places."""
    return Touches(**{one.name: getattr(touches, one.name)[places] for one in fields(touches)})


def bits(reacted: Bools) -> Ints:
    """Reactions, (n, 4), as numbers."""
    return (reacted @ (1 << np.arange(len(REACTIONS)))).astype(np.int64)


def drawn_manner(draw: Draw, key: Ints, *, mean: Floats, spread: Floats, chances: Floats) -> tuple[Floats, Ints]:
    """Seconds and reactions: `mean` and `spread` of the log of seconds, (n,), `chances` of reactions, (n, 4)."""
    seconds = np.clip(np.exp(draw.normal(key, mean, spread)), 0.5, 7200.0)
    reacted = np.stack([draw.happens(key, chances[:, kind]) for kind in range(len(REACTIONS))], axis=1)
    return seconds, bits(reacted)


def _once_started(today: Today, contents: Contents, touches: Touches) -> Ints:
    """When each touch happens: one that was meant earlier comes within half an hour of the content's start."""
    started = contents.started[touches.content]
    wait = today.draw("first looks").integers(joint(touches.buyer, touches.content, touches.at), MINUTE, 30 * MINUTE)
    soon = np.minimum(started + wait, today.start + DAY - 3 * MINUTE)
    return np.where(touches.at < started + MINUTE, np.maximum(soon, started + 31 * SECOND), touches.at)


def put_engagements(outbox: Outbox, today: Today, contents: Contents, touches: Touches) -> Ints:
    """Rows of today's touches, sorted by account and time: a view of each, and a row of each reaction.

    Returns
    -------
    How many rows each touch has.
    """
    here = np.concatenate([np.ones((len(touches), 1), dtype=np.bool_), touches.reacted()], axis=1)
    touch, kind = np.nonzero(here)
    buyer = touches.buyer[touch]
    nth = np.arange(len(touch)) - np.searchsorted(buyer, buyer)
    number = order_numbers(today.index, buyer, nth)
    draw = today.draw("rows of engagements")
    seconds = touches.seconds[touch]
    # A reaction comes while one looks, or within seconds after.
    later = np.where(kind > 0, draw.uniform(number, 0.3, 1.2) * np.minimum(seconds, 120.0), 0.0)
    at = _once_started(today, contents, touches)[touch] + (later * SECOND).astype(np.int64)
    known = at + draw.integers(number, SECOND // 10, 20 * SECOND)
    content = touches.content[touch]
    told = (kind == 0) & ~draw.happens(number, _NO_DWELL)
    connected = ~draw.happens(number, _NO_NETWORK)
    frame = pl.DataFrame(
        {
            "engagement_id": identifiers("engagement", number, seed=today.seed),
            "occurred_at": at,
            "known_at": known,
            "market": _NAMES[contents.market[content]],
            "content_id": identifiers("content", contents.number[content], seed=today.seed),
            "creator_id": identifiers("creator", contents.creator[content], seed=today.seed),
            "account_id": identifiers("buyer", buyer, seed=today.seed),
            "kind": _KINDS[kind],
            "device": names("device", touches.device[touch], seed=today.seed),
            "network": names("network", touches.network[touch], seed=today.seed),
            "dwell_seconds": np.round(seconds, 1),
        }
    ).with_columns_seq(
        pl.when(pl.Series(connected)).then("network"),
        pl.when(pl.Series(told)).then("dwell_seconds"),
    )
    outbox.put(ENGAGEMENTS, frame)
    rows: Ints = here.sum(axis=1)
    return rows
