"""The counters offline, beside a plain recount of the events for every decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counters.definition import WINDOWS, Counter, Event, additions, minute_of
from governance.counters.offline import counters_at

START = datetime(2024, 3, 1, tzinfo=UTC)
LINES = Counter(name="lines", table="orders", key="buyer_id", measure="count", meaning="lines")
SPEND = Counter(name="spend", table="orders", key="buyer_id", measure="sum", of="price_minor", meaning="spend")
DEVICES = Counter(name="devices", table="orders", key="buyer_id", measure="distinct", of="device", meaning="devices")
CARDS = Counter(
    name="cards",
    table="orders",
    key="buyer_id",
    measure="count",
    where={"payment_method": ("card",)},
    meaning="lines paid by card",
)
COUNTERS = (LINES, SPEND, DEVICES, CARDS)


@dataclass(frozen=True)
class Row:
    """An order line of a test."""

    occurred: int
    delay: int
    buyer: str | None
    device: str | None
    method: str
    price: int

    @property
    def occurred_at(self) -> datetime:
        return START + timedelta(seconds=self.occurred)

    @property
    def known_at(self) -> datetime:
        return self.occurred_at + timedelta(seconds=self.delay)

    @property
    def fields(self) -> dict[str, object]:
        return {
            "buyer_id": self.buyer,
            "device": self.device,
            "payment_method": self.method,
            "price_minor": self.price,
            "reference_rate": 0.5,
        }


# Seconds near the edges of minutes and of the windows, where a mistake would be.
_SECONDS = st.integers(0, 30).map(lambda edge: edge * 30) | st.integers(0, 1445).map(lambda minute: minute * 60)
ROWS = st.lists(
    st.builds(
        Row,
        occurred=_SECONDS,
        delay=st.sampled_from([0, 0, 0, 1, 45, 400, 90_000]),
        buyer=st.sampled_from(["b1", "b2", None]),
        device=st.sampled_from(["d1", "d2", None]),
        method=st.sampled_from(["card", "wallet"]),
        price=st.integers(0, 99),
    ),
    max_size=12,
)
ASKED = st.lists(st.tuples(_SECONDS, st.sampled_from(["b1", "b2", None])), min_size=1, max_size=6)


def recounted(rows: Sequence[Row], buyer: str | None, at: datetime) -> dict[str, int | None]:
    """Every feature by looking at every event."""
    found: dict[str, int | None] = {}
    known = [
        Event("orders", str(number), row.occurred_at, row.fields)
        for number, row in enumerate(rows)
        if row.known_at < at
    ]
    for suffix, minutes in WINDOWS.items():
        inside = [event for event in known if minute_of(at) - minutes < minute_of(event.occurred_at)]
        added = [one for event in inside for one in additions(event, COUNTERS) if one.key == buyer]
        for counter in COUNTERS:
            ours = [one for one in added if one.counter is counter]
            amount = len({one.member for one in ours}) if counter is DEVICES else sum(one.amount for one in ours)
            found[f"{counter.name}_{suffix}"] = None if buyer is None else amount
    return found


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, asked=ASKED)
def test_every_window_at_every_decision_equals_a_recount(rows: list[Row], asked: list[tuple[int, str | None]]) -> None:
    decided = [START + timedelta(seconds=seconds) for seconds, _ in asked]
    decisions = pl.DataFrame(
        {"buyer_id": [buyer for _, buyer in asked], "decided_at": decided},
        schema={"buyer_id": pl.String, "decided_at": pl.Datetime("us", "UTC")},
    )
    found = counters_at(decisions, {"orders": _frame(rows)}, COUNTERS)
    wanted = [recounted(rows, buyer, at) for (_, buyer), at in zip(asked, decided, strict=True)]
    assert found.drop("buyer_id", "decided_at").to_dicts() == wanted


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    times = pl.Datetime("us", "UTC")
    schema = {
        **{"buyer_id": pl.String, "device": pl.String, "payment_method": pl.String, "price_minor": pl.Int64},
        **{"reference_rate": pl.Float64, "occurred_at": times, "known_at": times},
    }
    return pl.DataFrame(
        [{**row.fields, "occurred_at": row.occurred_at, "known_at": row.known_at} for row in rows], schema=schema
    )
