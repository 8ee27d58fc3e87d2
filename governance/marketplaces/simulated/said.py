"""What labelers say: late, not always, sometimes wrongly, and never of what was blocked by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import polars as pl

from governance.contracts.tables import LABELS
from governance.marketplaces.simulated.chance import MINUTE, Bools, Draw, Floats, Ints, micros
from governance.marketplaces.simulated.rows import Outbox

AUTOMATIC, AUDIT = "automatic_rule", "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """How a label comes to be said.

    `found` is the share of what is true that the natural labeler ever notices, `delay_days` the median time that this
    takes (log-normal with `delay_spread`), longer or shorter by `delay_by_segment`; `mistaken` is the share of what is
    not true that is said all the same. Auditors look at `audited` of everything at random and at `rechecked` of what
    was said, `audit_days` (median) later, and err in `audit_wrong` of it.
    """

    label: str
    labeler: str
    found: float
    delay_days: float
    delay_spread: float = 0.5
    delay_by_segment: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    mistaken: float = 0.0
    audited: float = 0.0
    rechecked: float = 0.1
    audit_days: float = 12.0
    audit_wrong: float = 0.02
    reason: str = "reported"


def say(
    outbox: Outbox,
    draw: Draw,
    saying: Saying,
    decisions: pl.DataFrame,
    *,
    truth: Bools,
    automatic: Bools | None = None,
    found: float | Floats | None = None,
    reasons: pl.Series | None = None,
) -> pl.DataFrame:
    """Put the statements about some decisions into the outbox.

    Parameters
    ----------
    decisions
        `key` (integer that draws go by), `entity_id`, `occurred_at` (microseconds), `market`.
    truth
        Whether it is so.
    automatic
        What a rule acted on at once: the rule's word is all that is ever said of it, but for audits.
    found
        Instead of `saying.found`, for each decision.
    reasons
        Instead of `saying.reason`, for each decision.

    Returns
    -------
    polars.DataFrame
        `key` and `known_at` (microseconds) of what the natural labeler said was so: those who act on labels act then.
    """
    key, at = decisions["key"].to_numpy(), decisions["occurred_at"].to_numpy()
    stopped = np.zeros(len(key), dtype=np.bool_) if automatic is None else automatic
    noticed = np.where(truth, saying.found if found is None else found, saying.mistaken)
    speaks = draw.happens(key, noticed) & ~stopped
    spoken = at + _delays(draw, saying, decisions) + MINUTE
    looked = draw.happens(key, np.where(speaks | stopped, saying.rechecked, saying.audited))
    seen = truth ^ draw.happens(key, saying.audit_wrong)
    later = np.where(speaks, spoken, at) + micros(draw.lognormal(key, saying.audit_days, 0.4))
    why = pl.lit(saying.reason) if reasons is None else reasons
    _put(
        outbox,
        decisions.with_columns_seq(label=pl.lit(saying.label), reason=why),
        chosen=(speaks, stopped, looked),
        labelers=(saying.labeler, AUTOMATIC, AUDIT),
        values=(np.ones_like(key), np.ones_like(key), seen.astype(np.int64)),
        known_at=(spoken, at + MINUTE, later),
    )
    return pl.DataFrame({"key": key[speaks], "known_at": spoken[speaks]})


def _delays(draw: Draw, saying: Saying, decisions: pl.DataFrame) -> Ints:
    """How long the natural labeler takes for each, in microseconds."""
    by_segment = saying.delay_by_segment
    factor = np.array([by_segment.get(one, 1.0) for one in decisions["market"].to_list()], dtype=np.float64)
    return micros(draw.lognormal(decisions["key"].to_numpy(), saying.delay_days * factor, saying.delay_spread))


def _put(
    outbox: Outbox,
    decisions: pl.DataFrame,
    *,
    chosen: Sequence[Bools],
    labelers: Sequence[str],
    values: Sequence[Ints],
    known_at: Sequence[Ints],
) -> None:
    """One row for each statement; the sequences have an entry for each labeler, auditors last."""
    labeler, row = np.nonzero(np.stack(chosen))
    if not len(row):
        return
    said = decisions[row].with_columns_seq(
        labeler=pl.Series(labelers)[labeler],
        value=pl.Series(np.stack(values)[labeler, row]),
        known_at=pl.Series(np.stack(known_at)[labeler, row]),
    )
    audit = pl.Series(labeler == len(labelers) - 1)
    outbox.put(LABELS, said.with_columns_seq(reason=pl.when(audit).then(pl.lit(AUDIT)).otherwise("reason")))
