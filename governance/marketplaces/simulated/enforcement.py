"""Enforcement: who is warned, held and banned, by rule or by people, and the labels that this leaves.

A rule looks at what is known of every seller and is sometimes wrong; people review most of what it flags; auditors
check some of what people decided, weeks later. All labels of one incident share `occurred_at`.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.contracts.tables import ENFORCEMENTS, LABELS
from governance.marketplaces.simulated.chance import DAY, MINUTE, NEVER, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people import Sellers
from governance.marketplaces.simulated.rows import Outbox, identifier, numbers

LABEL = "merchant_fraud"

_MEMORY = 0.93
_FLAG_CASES, _FLAG_SHARE, _FLAG_CHANCE = 2.2, 0.3, 0.05
_WARN_CASES, _WARN_SHARE, _WARN_CHANCE = 1.2, 0.15, 0.03
_FOUND_BY_RULE, _REVIEWED, _WRONGLY_UPHELD = 0.35, 0.93, 0.08
_AUDITED, _AUDIT_WRONG, _OVERTURNED, _WRONG_HOLD_DAYS = 0.25, 0.02, 0.7, 45
_RANDOM_AUDITS = 0.0001
_MARKET = np.array([market.name for market in MARKETS])


def remember(sellers: Sellers, orders: pl.DataFrame, cases: pl.DataFrame) -> None:
    """Update what the rule looks at (recent lines and cases of each seller) by what became known today."""
    size = len(sellers)
    lines = np.bincount(numbers(orders["seller_id"]), minlength=size)
    opened = np.bincount(numbers(cases.filter(pl.col("version") == 1)["seller_id"]), minlength=size)
    sellers.recent_lines = sellers.recent_lines * _MEMORY + lines
    sellers.recent_cases = sellers.recent_cases * _MEMORY + opened


def enforce(outbox: Outbox, today: Today, sellers: Sellers) -> None:
    """Decide about sellers today, on what was known yesterday; who is shut sells nothing from today on."""
    docket = _Docket(today, sellers, today.chance("enforcement"))
    share = sellers.recent_cases / np.maximum(sellers.recent_lines, 1.0)
    draw = docket.chance.random(len(sellers))
    suspect = (sellers.recent_cases > _FLAG_CASES) & (share > _FLAG_SHARE) & (draw < _FLAG_CHANCE)
    weak = (sellers.recent_cases > _WARN_CASES) & (share > _WARN_SHARE) & (draw > 1 - _WARN_CHANCE)
    trading = sellers.open(today.index)
    caught = trading & (today.index > sellers.turns) & ((sellers.found <= today.index) | suspect)
    for seller in np.flatnonzero(caught):
        docket.ban(int(seller))
    for seller in np.flatnonzero(trading & suspect & ~caught):
        docket.flag_wrongly(int(seller))
    for seller in np.flatnonzero(trading & weak & ~caught & ~suspect):
        docket.warn(int(seller))
    sampled = docket.chance.random(len(sellers)) < _RANDOM_AUDITS
    for seller in np.flatnonzero(trading & sellers.honest & sampled):
        docket.label(int(seller), docket.moment(), "audit", 0, "random_audit", after=0)
    docket.put(outbox)


@dataclass(slots=True)
class _Docket:
    """The decisions of one day."""

    today: Today
    sellers: Sellers
    chance: np.random.Generator
    enforcements: list[dict[str, object]] = field(default_factory=list)
    labels: list[dict[str, object]] = field(default_factory=list)

    def moment(self) -> int:
        return int(self.today.working_time(self.chance, 1)[0])

    def days(self, low: float, high: float) -> int:
        return round(float(self.chance.uniform(low, high)) * DAY)

    def happens(self, share: float) -> bool:
        return bool(self.chance.random() < share)

    def ban(self, seller: int) -> None:
        """A member is found: at once by people, or held by the rule and banned by people some days later."""
        at = self.moment()
        self.sellers.shut_until[seller] = NEVER
        if self.happens(_FOUND_BY_RULE):
            self.act(seller, at, "hold", by="rule", expires_after=14 * DAY)
            self.label(seller, at, "automatic_rule", 1, "unfulfilled_orders", after=MINUTE)
            upheld_after = self.days(0.5, 3.0)
            self.act(seller, at + upheld_after, "ban", by="person")
        else:
            upheld_after = self.days(0.01, 0.25)
            self.act(seller, at, "ban", by="person")
        self.label(seller, at, "enforcement", 1, "non_fulfilment", after=upheld_after)
        if self.happens(_AUDITED):
            value = 0 if self.happens(_AUDIT_WRONG) else 1
            self.label(seller, at, "audit", value, "audit_of_ban", after=self.days(8.0, 35.0))

    def flag_wrongly(self, seller: int) -> None:
        """The rule holds a seller that is no member; people mostly release it, and auditors correct some who do not."""
        at = self.moment()
        self.act(seller, at, "hold", by="rule", expires_after=14 * DAY)
        self.label(seller, at, "automatic_rule", 1, "unfulfilled_orders", after=MINUTE)
        self.shut(seller, 14 * DAY)
        if not self.happens(_REVIEWED):
            return
        reviewed = self.days(0.5, 4.0)
        upheld = self.happens(_WRONGLY_UPHELD)
        self.label(seller, at, "enforcement", int(upheld), "upheld" if upheld else "released", after=reviewed)
        self.shut(seller, reviewed)
        if upheld:
            self._uphold_wrongly(seller, at, reviewed)

    def _uphold_wrongly(self, seller: int, at: int, reviewed: int) -> None:
        ends = _WRONG_HOLD_DAYS * DAY
        self.act(seller, at + reviewed, "hold", by="person", expires_after=ends)
        if self.happens(_OVERTURNED):
            ends = reviewed + self.days(8.0, 35.0)
            self.label(seller, at, "audit", 0, "overturned", after=ends)
        self.shut(seller, ends)

    def warn(self, seller: int) -> None:
        """Many cases, but nothing that people would call fraud."""
        action, by = ("limit", "rule") if self.happens(0.25) else ("warning", "person")
        self.act(seller, self.moment(), action, by=by, expires_after=7 * DAY if action == "limit" else None)

    def shut(self, seller: int, after: int) -> None:
        self.sellers.shut_until[seller] = self.today.index + after // DAY + 2

    def act(self, seller: int, at: int, action: str, *, by: str, expires_after: int | None = None) -> None:
        self.enforcements.append(
            {
                "enforcement_id": f"enforcement-{self.today.date:%Y%m%d}-{len(self.enforcements):04d}",
                "occurred_at": at,
                "known_at": at + MINUTE,
                "market": str(_MARKET[self.sellers.market[seller]]),
                "subject_id": seller,
                "subject_role": "seller",
                "action": action,
                "policy_clause": "2.1 fulfilment" if action in ("hold", "ban") else "1.4 service level",
                "decided_by": by,
                "expires_at": None if expires_after is None else at + expires_after,
            }
        )

    def label(self, seller: int, at: int, labeler: str, value: int, reason: str, *, after: int) -> None:
        self.labels.append(
            {
                "label": LABEL,
                "entity_id": seller,
                "occurred_at": at,
                "known_at": at + after + MINUTE,
                "market": str(_MARKET[self.sellers.market[seller]]),
                "labeler": labeler,
                "value": value,
                "reason": reason,
            }
        )

    def put(self, outbox: Outbox) -> None:
        if self.enforcements:
            frame = pl.DataFrame(self.enforcements, schema_overrides={"expires_at": pl.Int64})
            outbox.put(ENFORCEMENTS, frame.with_columns(identifier("seller", "subject_id")))
        if self.labels:
            outbox.put(LABELS, pl.DataFrame(self.labels).with_columns(identifier("seller", "entity_id")))
