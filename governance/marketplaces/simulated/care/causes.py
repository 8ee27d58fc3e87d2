"""Why order lines end in cases: latent causes, who is to blame for each, and their chances.

At most one cause strikes a line. Which one is truth; everything that people see and say afterwards is drawn from what
that cause makes likely (`traces`), so that the posterior of each cause can be written down.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, HOUR, Floats, Ints, Today, micros
from governance.marketplaces.simulated.plans import ORDINARY
from governance.marketplaces.simulated.shops.categories import DEFECTS, SECOND_THOUGHTS

PARTIES = ("buyer", "seller", "logistics", "platform")
BUYER, SELLER, LOGISTICS, PLATFORM = range(4)
BY_FACTS = (0.0, 0.5, 0.5, 0.0)
"""Stands for the blame of a late parcel, which the scans divide."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how the blame is shared between buyer, seller, logistics and platform.

    `wait_days` is the mean time from delivery to the case, 0 where the case does not wait for the delivery.
    """

    name: str
    blame: tuple[float, float, float, float]
    wait_days: float = 0.0


CAUSES = (
    Cause("buyer_cancels", (1, 0, 0, 0)),
    Cause("seller_cancels", (0, 1, 0, 0)),
    Cause("not_shipped", (0, 1, 0, 0)),
    Cause("lost", (0, 0, 1, 0)),
    Cause("bad_label", (0, 0.7, 0.3, 0)),
    Cause("late", BY_FACTS),
    Cause("missed_pickup", (0, 0, 0.8, 0.2)),
    Cause("mix_up", (0, 0, 0, 1), 1.2),
    Cause("wrong_item", (0, 1, 0, 0), 1.2),
    Cause("defect", (0, 1, 0, 0), 2.8),
    Cause("damaged", (0, 0, 1, 0), 0.9),
    Cause("poor_packing", (0, 0.7, 0.3, 0), 0.9),
    Cause("misdescribed", (0, 1, 0, 0), 2.2),
    Cause("mistranslated", (0, 0.3, 0, 0.7), 2.2),
    Cause("second_thoughts", (1, 0, 0, 0), 4.0),
    Cause("misuse", (1, 0, 0, 0), 5.5),
    Cause("misdelivered", (0, 0, 1, 0), 2.4),
    Cause("overlooked", (0.8, 0, 0.2, 0), 2.0),
    Cause("overcharged", (0, 0, 0, 1), 3.0),
    Cause("false_story", (1, 0, 0, 0), 2.2),
)
NAMES = tuple(cause.name for cause in CAUSES)
NUMBER = {name: number for number, name in enumerate(NAMES)}
NONE = -1
CANCELLATIONS = (NUMBER["buyer_cancels"], NUMBER["seller_cancels"])
BLAME: Floats = np.array([cause.blame for cause in CAUSES], dtype=np.float64)
WAIT: Floats = np.array([cause.wait_days for cause in CAUSES], dtype=np.float64)

CLAIMED_OF_ABUSED = 0.92
"""Share of the parcels ordered for a false story about which it is told."""

OPENED_WITHIN_DAYS = 50
_SOONEST_DAYS = 0.08
_NEVER = np.zeros(1)
_MISSED_PICKUPS = 0.2
_AT_MOST = 0.9


@dataclass(frozen=True, slots=True)
class Habits:
    """What the chances of each line depend on beside its parcel; arrays of one entry a line.

    `readily` is how readily the buyer complains and `defects` how often the seller's goods disappoint (1 is ordinary
    for both), `ratio` the price against what is usual in the category.
    """

    readily: Floats
    defects: Floats
    what: Ints
    ratio: Floats


def habits(lines: pl.DataFrame, complaint: Floats, defects: Floats) -> Habits:
    """Habits of the lines' buyers and sellers, from arrays over all accounts."""
    return Habits(
        readily=complaint[lines["buyer"].to_numpy()],
        defects=defects[lines["seller"].to_numpy()],
        what=lines["what"].to_numpy(),
        ratio=np.clip(lines["price_ratio"].to_numpy(), 0.15, 6.0),
    )


def strike(today: Today, lines: pl.DataFrame, of: Habits) -> pl.DataFrame:
    """Add `cause` (index into `CAUSES`, or -1), `cancelled` (before hand-over) and `opened` (microseconds)."""
    draw, key = today.draw("causes"), lines["line_key"].to_numpy()
    # Accomplices of a seller never complain about what they agreed on.
    ordinary = (lines["parcel"] == ORDINARY).to_numpy()
    steps = np.cumsum(_chances(lines, of) * ordinary[:, None], axis=1)
    steps *= np.minimum(1.0, _AT_MOST / np.maximum(steps[:, -1:], _AT_MOST))
    struck = (draw.uniform(key)[:, None] >= steps).sum(axis=1)
    cause = np.where(struck < len(CAUSES), struck, NONE)
    part, wait = draw.uniform(key, 0.05, 0.95), draw.exponential(key)
    return lines.with_columns_seq(
        cause=pl.Series(cause),
        cancelled=pl.Series(np.isin(cause, CANCELLATIONS)),
        opened=pl.Series(_opened(lines, cause, part, wait)),
    )


def _chances(lines: pl.DataFrame, of: Habits) -> Floats:
    """Chance of each cause for each line (n, causes), given what becomes of its parcel."""
    withheld, lost, trouble = (lines[name].to_numpy() for name in ("withheld", "lost", "in_trouble"))
    arrives = ~withheld & ~lost
    by_name = {
        **before(of, trouble=trouble, withheld=withheld),
        "not_shipped": 0.72 * withheld,
        "lost": 0.65 * lost,
        "bad_label": 0.15 * lost,
        **when_late(of, lines["late_days"].to_numpy() * arrives, late_hand_over(lines)),
    }
    known = {name: chance * arrives for name, chance in on_arrival(of).items()}
    false_story = CLAIMED_OF_ABUSED * ((lines["abuse"].to_numpy() > 0) & arrives)
    return stacked({**by_name, **known, "false_story": false_story}, lines.height)


def before(of: Habits, *, trouble: Floats, withheld: Floats) -> dict[str, Floats]:
    """Chances of a cancellation; `trouble` and `withheld` are 0 or 1, or probabilities."""
    return {
        "buyer_cancels": 0.0035 * of.readily,
        "seller_cancels": 0.003 * of.defects**0.7 + 0.07 * trouble + 0.04 * withheld,
    }


def when_late(of: Habits, late_days: Floats, handed_over_late: Floats) -> dict[str, Floats]:
    """Chances of a case about a late parcel."""
    chance = np.where(late_days > 0, (0.04 + 0.05 * np.minimum(late_days, 8.0)) * of.readily**0.6, 0.0)
    missed = _MISSED_PICKUPS * handed_over_late
    return {"late": chance * (1 - missed), "missed_pickup": chance * missed}


def on_arrival(of: Habits) -> dict[str, Floats]:
    """Chances of the causes of parcels that arrive."""
    flaws = of.ratio**-0.35 * DEFECTS[of.what]
    return {
        "mix_up": np.full(len(of.what), 0.0009),
        "wrong_item": 0.0011 * of.defects * of.readily**0.2,
        "defect": 0.0062 * of.defects**1.5 * flaws * of.readily**0.5,
        "damaged": 0.0017 * flaws * of.readily**0.4,
        "poor_packing": 0.0008 * of.defects * flaws * of.readily**0.4,
        "misdescribed": 0.0012 * of.defects * SECOND_THOUGHTS[of.what] ** 0.5 * of.readily**0.5,
        "mistranslated": 0.0005 * of.readily**0.5,
        "second_thoughts": 0.0070 * SECOND_THOUGHTS[of.what] * of.readily * of.ratio**0.25,
        "misuse": 0.0013 * DEFECTS[of.what] * of.readily,
        "misdelivered": 0.0011 * of.readily**0.2,
        "overlooked": 0.0009 * of.readily**0.4,
        "overcharged": 0.0009 * of.readily**0.3,
    }


def late_hand_over(lines: pl.DataFrame) -> Floats:
    """1 where the parcel was handed over after the promised time, else 0."""
    return (lines["handed_over"] > lines["ship_by"]).cast(pl.Float64).to_numpy()


def blame_of(cases: pl.DataFrame, cause: Ints) -> Floats:
    """How the blame is shared (n, parties); that of a late parcel goes by the delay before and after the hand-over."""
    shares = BLAME[cause].copy()
    late = cause == NUMBER["late"]
    shares[late] = late_blame(cases)[late]
    return shares


def late_blame(cases: pl.DataFrame) -> Floats:
    """Blame for a late parcel (n, parties): seller's delay to the hand-over against the rest of the delay."""
    handed_over, ship_by, total = (cases[name].to_numpy() for name in ("handed_over", "ship_by", "late_days"))
    own = np.maximum(handed_over - ship_by, 0) / DAY
    share = np.where(own > 0, own / np.maximum(np.maximum(own, total), 1e-9), 0.0)
    shares = np.zeros((cases.height, len(PARTIES)))
    shares[:, SELLER], shares[:, LOGISTICS] = share, 1 - share
    return shares


def stacked(by_name: dict[str, Floats], size: int) -> Floats:
    """Chances by cause as one array (n, causes); causes that are not named cannot be."""
    columns = [np.broadcast_to(by_name.get(name, _NEVER), size) for name in NAMES]
    return np.column_stack(columns).astype(np.float64)


def _opened(lines: pl.DataFrame, cause: Ints, part: Floats, wait: Floats) -> Ints:
    """When the case of each line is opened, would the line have that cause; undefined where it has none."""
    at, handed_over, delivered, due = (
        lines[name].to_numpy() for name in ("occurred_at", "handed_over", "delivered", "deliver_by")
    )
    waiting = np.minimum(handed_over - at, 6 * DAY)
    overdue = due + micros(0.2 + (lines["late_days"].to_numpy() + 0.8) * part)
    moments = {
        "buyer_cancels": at + HOUR // 2 + (part * np.minimum(waiting, DAY)).astype(np.int64),
        "seller_cancels": at + HOUR // 2 + (part * waiting).astype(np.int64),
        "not_shipped": np.maximum(due + micros(-1.5 + 10.0 * part), at + 3 * DAY),
        "lost": due + micros(1.0 + 5.0 * part),
        "bad_label": due + micros(1.0 + 5.0 * part),
        "late": overdue,
        "missed_pickup": overdue,
    }
    after = delivered + micros(_SOONEST_DAYS + WAIT[np.maximum(cause, 0)] * wait)
    opened = np.select([cause == NUMBER[name] for name in moments], list(moments.values()), default=after)
    soonest: Ints = np.minimum(opened, at + OPENED_WITHIN_DAYS * DAY)
    return soonest


def wait_density(days: Floats) -> Floats:
    """Likelihood of a case so many days after delivery (n, causes): exponential, or flat for the other causes."""
    since = np.maximum(days, _SOONEST_DAYS)[:, None] - _SOONEST_DAYS
    mean = np.where(WAIT > 0, WAIT, 1.0)
    return np.where(WAIT > 0, np.exp(-since / mean) / mean, 1 / 8)
