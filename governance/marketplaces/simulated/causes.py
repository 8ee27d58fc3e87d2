"""Why order lines end in cases: latent causes with their chances, and when the buyer speaks up.

At most one cause strikes a line. Which one is truth; the buyer states a reason that usually fits it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.categories import DEFECTS, SECOND_THOUGHTS
from governance.marketplaces.simulated.chance import DAY, HOUR, Floats, Ints, Today, micros
from governance.marketplaces.simulated.people import Buyers, Sellers
from governance.marketplaces.simulated.writing import REASONS

KINDS = ("refund", "return", "cancellation", "dispute", "complaint")


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: who really caused it, the chances of each kind of case, and the reasons that buyers state."""

    name: str
    party: str
    kinds: tuple[float, float, float, float, float]
    reasons: tuple[str, ...]


CAUSES = (
    Cause("buyer_cancels", "buyer", (0, 0, 1, 0, 0), ("changed_mind",)),
    Cause("seller_cancels", "seller", (0, 0, 1, 0, 0), ("out_of_stock",)),
    Cause("not_shipped", "seller", (0.5, 0, 0.08, 0.3, 0.12), ("not_received", "not_received", "late")),
    Cause("lost", "logistics", (0.55, 0, 0, 0.3, 0.15), ("not_received",)),
    Cause("late", "seller", (0.3, 0, 0, 0.12, 0.58), ("late", "late", "not_received")),
    Cause("mix_up", "platform", (0.6, 0.3, 0, 0, 0.1), ("wrong_item",)),
    Cause("defect", "seller", (0.4, 0.4, 0, 0.05, 0.15), ("defective", "not_as_described", "wrong_item")),
    Cause("second_thoughts", "buyer", (0.05, 0.9, 0, 0, 0.05), ("changed_mind", "not_as_described")),
)
NAMES = tuple(cause.name for cause in CAUSES)
NONE = -1
CANCELLATIONS = (NAMES.index("buyer_cancels"), NAMES.index("seller_cancels"))


def strike(today: Today, lines: pl.DataFrame, buyers: Buyers, sellers: Sellers) -> pl.DataFrame:
    """Add `cause` (index into `CAUSES`, or -1), `cancelled` (before hand-over) and `opened` (microseconds)."""
    chance = today.chance("causes")
    chances = np.minimum(_chances(lines, buyers, sellers), 0.9)
    steps = np.cumsum(chances, axis=1)
    struck = (chance.random((lines.height, 1)) >= steps).sum(axis=1)
    cause = np.where(struck < len(CAUSES), struck, NONE)
    return lines.with_columns(
        cause=pl.Series(cause),
        cancelled=pl.Series(np.isin(cause, CANCELLATIONS)),
        opened=pl.Series(_opened(lines, cause, chance)),
    )


def _chances(lines: pl.DataFrame, buyers: Buyers, sellers: Sellers) -> Floats:
    """Chance of each cause for each line, in the order of `CAUSES`."""
    readily = buyers.complaint[lines["buyer"].to_numpy()]
    defects = sellers.defects[lines["seller"].to_numpy()]
    what, ratio = lines["what"].to_numpy(), np.clip(lines["price_ratio"].to_numpy(), 0.15, 6.0)
    withheld, lost, trouble = (lines[name].to_numpy() for name in ("withheld", "lost", "in_trouble"))
    late = np.minimum(lines["late_days"].to_numpy(), 8.0)
    arrives = ~withheld & ~lost
    return np.column_stack(
        [
            0.0035 * readily,
            0.003 * defects**0.7 + np.where(trouble, 0.07, 0.0) + np.where(withheld, 0.04, 0.0),
            np.where(withheld, 0.72, 0.0),
            np.where(lost, 0.8, 0.0),
            np.where(arrives & (late > 0), (0.04 + 0.05 * late) * readily**0.6, 0.0),
            np.full(lines.height, 0.0006),
            np.where(arrives, 0.0075 * defects**1.5 * DEFECTS[what] * ratio**-0.35 * readily**0.5, 0.0),
            np.where(arrives, 0.0075 * SECOND_THOUGHTS[what] * readily * ratio**0.25, 0.0),
        ]
    )


def _opened(lines: pl.DataFrame, cause: Ints, chance: np.random.Generator) -> Ints:
    """When the case of each line is opened, would the line have that cause; undefined where it has none."""
    size = lines.height
    at, handed_over, delivered, due = (
        lines[name].to_numpy() for name in ("occurred_at", "handed_over", "delivered", "deliver_by")
    )
    part, wait = chance.uniform(0.05, 0.95, size), chance.exponential(1.0, size)
    waiting = np.minimum(handed_over - at, 6 * DAY)
    moments = (
        at + HOUR // 2 + (part * np.minimum(waiting, DAY)).astype(np.int64),
        at + HOUR // 2 + (part * waiting).astype(np.int64),
        np.maximum(due + micros(-1.5 + 10.0 * part), at + 3 * DAY),
        due + micros(1.0 + 5.0 * part),
        due + micros(0.2 + (lines["late_days"].to_numpy() + 0.8) * part),
        delivered + micros(0.1 + wait),
        delivered + micros(0.05 + 2.8 * wait),
        delivered + micros(0.3 + 4.5 * wait),
    )
    struck = [cause == number for number in range(len(CAUSES))]
    opened: Ints = np.select(struck, list(moments), default=at)
    return opened


def kinds_of(cause: Ints, chance: np.random.Generator) -> Ints:
    """A kind of case (index into `KINDS`) for each cause."""
    shares = np.cumsum([one.kinds for one in CAUSES], axis=1)
    pick = (chance.random((len(cause), 1)) >= shares[cause]).sum(axis=1)
    kinds: Ints = np.minimum(pick, len(KINDS) - 1)
    return kinds


def reasons_of(cause: Ints, chance: np.random.Generator) -> Ints:
    """A stated reason (index into `REASONS`) for each cause; one in twelve does not fit the cause."""
    fitting = [[REASONS.index(reason) for reason in one.reasons] for one in CAUSES]
    longest = max(len(row) for row in fitting)
    table = np.array([(row * longest)[:longest] for row in fitting])
    stated = table[cause, chance.integers(0, longest, len(cause))]
    return np.where(chance.random(len(cause)) < 1 / 12, chance.integers(0, len(REASONS), len(cause)), stated)
