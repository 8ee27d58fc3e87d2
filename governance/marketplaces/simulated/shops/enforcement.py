"""Enforcement against sellers: who is warned, held and banned, by rule or by people, and the labels that this leaves.

A rule looks at what is known of every seller and is sometimes wrong; people review most of what it flags; auditors
check some of what people decided, weeks later. All labels of one incident share `occurred_at`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS, LABELS
from governance.marketplaces.simulated.chance import DAY, MINUTE, NEVER, Bools, Draw, Floats, Ints, Today, micros
from governance.marketplaces.simulated.ids import identifiers, numbers, order_numbers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.said import AUDIT, AUTOMATIC
from governance.marketplaces.simulated.shops.appeals import Appealed, put_appeals
from governance.marketplaces.simulated.shops.sellers import Sellers

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

LABEL = "merchant_fraud"

FRAUD_CLAUSE, SERVICE_CLAUSE = "2.1 fulfilment", "1.4 service level"

_MEMORY = 0.93
_FLAG_CASES, _FLAG_SHARE, _FLAG_CHANCE = 2.2, 0.3, 0.05
_WARN_CASES, _WARN_SHARE, _WARN_CHANCE, _LIMITED = 1.2, 0.15, 0.03, 0.25
_FOUND_BY_RULE, _REVIEWED, _WRONGLY_UPHELD = 0.35, 0.93, 0.08
_AUDITED, _AUDIT_WRONG, _OVERTURNED = 0.25, 0.02, 0.7
_RULE_HOLD_DAYS, _WRONG_HOLD_DAYS, _LIMIT_DAYS = 14, 45, 7
_RANDOM_AUDITS = 0.0001
_FIRST, _SECOND = 0, 1
_MARKET = pl.Series([market.name for market in MARKETS])


def remember(sellers: Sellers, orders: pl.DataFrame, cases: pl.DataFrame, *, seed: int) -> None:
    """Update what the rule looks at (recent lines and cases of each seller) by what became known today."""
    size, first = len(sellers), cases.filter((pl.col("version") == 1) & pl.col("seller_id").is_not_null())
    lines = np.bincount(numbers(orders["seller_id"], seed=seed), minlength=size)
    opened = np.bincount(numbers(first["seller_id"], seed=seed), minlength=size)
    sellers.recent_lines = sellers.recent_lines * _MEMORY + lines
    sellers.recent_cases = sellers.recent_cases * _MEMORY + opened


def enforce(world: "World", today: Today) -> None:
    """Decide about sellers today, on what was known yesterday; who is shut sells nothing from today on."""
    sellers = world.shops.sellers
    docket = _Docket(today, sellers, today.draw("enforcement"))
    share = sellers.recent_cases / np.maximum(sellers.recent_lines, 1.0)
    mark = docket.draw.uniform(sellers.numbers)
    suspect = (sellers.recent_cases > _FLAG_CASES) & (share > _FLAG_SHARE) & (mark < _FLAG_CHANCE)
    weak = (sellers.recent_cases > _WARN_CASES) & (share > _WARN_SHARE) & (mark > 1 - _WARN_CHANCE)
    trading = sellers.open(today.index)
    caught = trading & (today.index > sellers.turns) & ((sellers.found <= today.index) | suspect)
    docket.ban(np.flatnonzero(caught))
    docket.flag_wrongly(np.flatnonzero(trading & suspect & ~caught))
    docket.warn(np.flatnonzero(trading & weak & ~caught & ~suspect))
    audited = trading & (sellers.turns == NEVER) & docket.draw.happens(sellers.numbers, _RANDOM_AUDITS)
    docket.audit(np.flatnonzero(audited))
    docket.put(world)
    world.standing.note_acted(sellers.campaign[caught])


@dataclass(slots=True)
class _Docket:
    """The decisions of one day; each takes the numbers of the sellers decided about."""

    today: Today
    sellers: Sellers
    draw: Draw
    enforcements: list[pl.DataFrame] = field(default_factory=list)
    labels: list[pl.DataFrame] = field(default_factory=list)
    appealed: list[Appealed] = field(default_factory=list)

    def moments(self, seller: Ints) -> Ints:
        return self.today.draw("moments of enforcement").working_time(seller, self.today)

    def ban(self, seller: Ints) -> None:
        """Members are found: at once by people, or held by the rule and banned by people some days later."""
        at, draw = self.moments(seller), self.draw
        self.sellers.shut_until[seller] = NEVER
        by_rule = draw.happens(seller, _FOUND_BY_RULE)
        self.act(seller[by_rule], at[by_rule], "hold", by="rule", nth=_FIRST, expires_days=_RULE_HOLD_DAYS)
        self.label(seller[by_rule], at[by_rule], AUTOMATIC, 1, "unfulfilled_orders", after=0)
        slow, fast = draw.uniform(seller, 0.5, 3.0), draw.uniform(seller, 0.01, 0.25)
        after = micros(np.where(by_rule, slow, fast))
        self.act(seller, at + np.where(by_rule, after, 0), "ban", by="person", nth=_SECOND)
        self.label(seller, at, "enforcement", 1, "non_fulfilment", after=after)
        audited, wrong = draw.happens(seller, _AUDITED), draw.happens(seller, _AUDIT_WRONG)
        later = micros(draw.uniform(seller, 8.0, 35.0))
        for value, chosen in ((0, audited & wrong), (1, audited & ~wrong)):
            self.label(seller[chosen], at[chosen], AUDIT, value, "audit_of_ban", after=later[chosen])
        self.appeal(seller, at + after, _SECOND, share=0.3, ends=at + later, overturned=False)

    def flag_wrongly(self, seller: Ints) -> None:
        """The rule holds sellers that did not turn; people release most, and auditors correct some they do not."""
        at, draw = self.moments(seller), self.draw
        self.act(seller, at, "hold", by="rule", nth=_FIRST, expires_days=_RULE_HOLD_DAYS)
        self.label(seller, at, AUTOMATIC, 1, "unfulfilled_orders", after=0)
        reviewed, upheld = draw.happens(seller, _REVIEWED), draw.happens(seller, _WRONGLY_UPHELD)
        after = draw.uniform(seller, 0.5, 4.0)
        self.shut(seller, np.where(reviewed, after, _RULE_HOLD_DAYS))
        freed, kept = reviewed & ~upheld, reviewed & upheld
        self.label(seller[freed], at[freed], "enforcement", 0, "released", after=micros(after[freed]))
        self.label(seller[kept], at[kept], "enforcement", 1, "upheld", after=micros(after[kept]))
        self._uphold_wrongly(seller[kept], at[kept], after[kept])

    def _uphold_wrongly(self, seller: Ints, at: Ints, reviewed_days: Floats) -> None:
        held = at + micros(reviewed_days)
        self.act(seller, held, "hold", by="person", nth=_SECOND, expires_days=_WRONG_HOLD_DAYS)
        overturned = self.draw.happens(seller, _OVERTURNED)
        ends = reviewed_days + self.draw.uniform(seller, 8.0, 35.0)
        chosen = seller[overturned]
        self.label(chosen, at[overturned], AUDIT, 0, "overturned", after=micros(ends[overturned]))
        self.appeal(chosen, held[overturned], _SECOND, share=1.0, ends=(at + micros(ends))[overturned], overturned=True)
        self.shut(seller, np.where(overturned, ends, reviewed_days + _WRONG_HOLD_DAYS))

    def warn(self, seller: Ints) -> None:
        """Many cases, but nothing that people would call fraud."""
        at, limited = self.moments(seller), self.draw.happens(seller, _LIMITED)
        clause = SERVICE_CLAUSE
        self.act(seller[~limited], at[~limited], "warning", by="person", nth=_FIRST, clause=clause)
        limits = {"by": "rule", "nth": _FIRST, "clause": clause, "expires_days": _LIMIT_DAYS}
        self.act(seller[limited], at[limited], "limit", **limits)  # type: ignore[arg-type]

    def audit(self, seller: Ints) -> None:
        """Auditors look at some sellers at random and find nothing."""
        self.label(seller, self.moments(seller), AUDIT, 0, "random_audit", after=0)

    def shut(self, seller: Ints, days: Floats) -> None:
        self.sellers.shut_until[seller] = self.today.index + np.floor(days).astype(np.int64) + 2

    def appeal(self, seller: Ints, at: Ints, nth: int, *, share: float, ends: Ints, overturned: bool) -> None:
        """Sellers appeal against what was decided; auditors answer when they are done."""
        if not len(seller):
            return
        chosen: Bools = self.draw.happens(seller, share)
        against = _enforcement_ids(self.today, seller, nth)
        self.appealed.append(
            Appealed(
                against=against.filter(pl.Series(chosen)),
                appellant=identifiers("seller", seller[chosen], seed=self.today.seed),
                market=_MARKET[self.sellers.market[seller[chosen]]],
                key=order_numbers(self.today.index, seller[chosen], nth),
                decided=at[chosen],
                ends=np.maximum(ends, at + DAY)[chosen],
                overturned=np.full(int(chosen.sum()), overturned),
            )
        )

    def act(
        self,
        seller: Ints,
        at: Ints,
        action: str,
        *,
        by: str,
        nth: int,
        expires_days: int | None = None,
        clause: str = FRAUD_CLAUSE,
    ) -> None:
        if not len(seller):
            return
        ends = pl.lit(None, pl.Int64) if expires_days is None else pl.col("occurred_at") + expires_days * DAY
        frame = pl.DataFrame(
            {
                "enforcement_id": _enforcement_ids(self.today, seller, nth),
                "occurred_at": at,
                "known_at": at + MINUTE,
                "market": _MARKET[self.sellers.market[seller]],
                "subject_id": identifiers("seller", seller, seed=self.today.seed),
            }
        )
        self.enforcements.append(
            frame.with_columns_seq(
                subject_role=pl.lit("seller"),
                action=pl.lit(action),
                policy_clause=pl.lit(clause),
                decided_by=pl.lit(by),
                expires_at=ends,
            )
        )

    def label(self, seller: Ints, at: Ints, labeler: str, value: int, reason: str, *, after: Ints | int) -> None:
        if not len(seller):
            return
        frame = pl.DataFrame(
            {
                "entity_id": identifiers("seller", seller, seed=self.today.seed),
                "occurred_at": at,
                "known_at": at + after + MINUTE,
                "market": _MARKET[self.sellers.market[seller]],
            }
        )
        stated = {"label": LABEL, "labeler": labeler, "reason": reason}
        self.labels.append(frame.with_columns_seq(value=pl.lit(value), **{k: pl.lit(v) for k, v in stated.items()}))

    def put(self, world: "World") -> None:
        for table, frames in ((ENFORCEMENTS, self.enforcements), (LABELS, self.labels)):
            if frames:
                world.outbox.put(table, pl.concat(frames))
        put_appeals(world.outbox, self.today, self.appealed)


def _enforcement_ids(today: Today, seller: Ints, nth: int) -> pl.Series:
    return identifiers("enforcement", order_numbers(today.index, seller, nth), seed=today.seed)
