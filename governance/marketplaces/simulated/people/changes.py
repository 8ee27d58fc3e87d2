"""Passwords, telephones, addresses and bank details that change: people's own, and those of thieves."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNT_CHANGES
from governance.marketplaces.simulated.chance import MINUTE, SECOND, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.people.arrivals import drawn_places
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.people.things import moved_from, names, next_after
from governance.marketplaces.simulated.rows import Outbox

KINDS = ("password", "phone", "address", "bank")

A_VISIT = (0.012, 0.004, 0.009, 0.006)
"""Chance of each kind of change in one visit of one's own."""

THIEVES = (0.35, 0.4, 0.45, 0.25)
"""Chance of each kind in the first login of a thief who changes anything."""

_KINDS = pl.Series(KINDS)
_THINGS = pl.Series([None, "phone", "address", "instrument"], dtype=pl.String)
_NUMBER = (1 << 49) - 1


@dataclass(slots=True)
class Changes:
    """Changes as they are collected: rows of a frame of sessions, and for each row what changed from what to what."""

    row: list[Ints] = field(default_factory=list)
    kind: list[Ints] = field(default_factory=list)
    old: list[Ints] = field(default_factory=list)
    new: list[Ints] = field(default_factory=list)

    def note(self, row: Ints, kind: int, *, old: Ints, new: Ints) -> None:
        """Changes of one kind (place in `KINDS`) in some of the sessions; values are numbers of things."""
        self.row.append(row)
        self.kind.append(np.full(len(row), kind, dtype=np.int64))
        self.old.append(old)
        self.new.append(new)

    def of(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """They as a frame, some minutes into the sessions; columns as for `put_changes`."""
        row = np.concatenate(self.row) if self.row else np.empty(0, dtype=np.int64)
        kind, old, new = (np.concatenate(one) if one else row for one in (self.kind, self.old, self.new))
        frame = sessions.select_seq("buyer", "market", "session_id", "at")[row]
        at = frame["at"].to_numpy() + (2 + kind) * MINUTE
        return frame.with_columns_seq(at=pl.Series(at), kind=pl.Series(kind), old=pl.Series(old), new=pl.Series(new))


def put_changes(outbox: Outbox, today: Today, changes: pl.DataFrame) -> None:
    """Put changes into the outbox.

    Parameters
    ----------
    changes
        `buyer`, `at` (microseconds), `market` (its name), `kind` (place in `KINDS`), `old` and `new` (numbers of
        things, of no meaning for passwords), `session_id` (null where it was changed by telephone).
    """
    if changes.is_empty():
        return
    buyer, kind, at, old, new = (changes[name].to_numpy() for name in ("buyer", "kind", "at", "old", "new"))
    number = (joint(buyer, kind, at) & _NUMBER) | (1 << 50)
    values = _values(np.concatenate([old, new]), np.concatenate([kind, kind]), today.seed)
    frame = changes.with_columns_seq(
        change_id=identifiers("change", number, seed=today.seed),
        account_id=identifiers("buyer", buyer, seed=today.seed),
        occurred_at=pl.Series(at),
        known_at=pl.Series(at + 20 * SECOND),
        kind=_KINDS[kind],
        old_value=values.head(len(kind)),
        new_value=values.tail(len(kind)),
    )
    outbox.put(ACCOUNT_CHANGES, frame)


def ordinary_changes(buyers: Buyers, visits: pl.DataFrame, changes: Changes, today: Today) -> None:
    """What people change in visits of their own (`campaign` -1); it is theirs from now on."""
    draw, key, buyer = today.draw("changes"), visits["number"].to_numpy(), visits["buyer"].to_numpy()
    own = visits["campaign"].to_numpy() < 0
    for kind, share in enumerate(A_VISIT):
        row = np.flatnonzero(draw.happens(key, share) & own)
        _, first = np.unique(buyer[row], return_index=True)
        row = row[first]
        old, new = _changed(buyers, buyer[row], kind, today)
        changes.note(row, kind, old=old, new=new)


def had(buyers: Buyers, buyer: Ints, kind: int) -> Ints:
    """The numbers of what buyers have now."""
    return (buyers.phone, buyers.phone, buyers.household, buyers.instrument)[kind][buyer]


def _changed(buyers: Buyers, buyer: Ints, kind: int, today: Today) -> tuple[Ints, Ints]:
    old = had(buyers, buyer, kind)
    if kind == 1:
        buyers.phone[buyer] = next_after(old, buyer)
    elif kind == 2:
        buyers.household[buyer] = moved_from(old, buyer)
        place = drawn_places(today.draw("moves"), buyer, buyers.market[buyer], spread=0.6)
        buyers.latitude[buyer], buyers.longitude[buyer] = place
    elif kind == 3:
        buyers.instrument[buyer] = next_after(old, buyer)
    return old, had(buyers, buyer, kind)


def _values(numbers: Ints, kind: Ints, seed: int) -> pl.Series:
    """Names of the things, each by its kind; null for passwords, which nobody keeps."""
    things = _THINGS[kind]
    return (things + names("", numbers, seed=seed)).alias("value")
