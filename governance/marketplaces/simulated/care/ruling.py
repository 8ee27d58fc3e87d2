"""Outcomes: what is decided in cases, who bears what, and the money and parcels that move because of it.

Those who decide see what the ideal judge sees, but weigh it with errors. Small sums of buyers who claim seldom are paid
back at once by a rule, and those of buyers who claim all the time are refused by another.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.contracts.tables import PAYMENTS
from governance.marketplaces.simulated.care.causes import BUYER, LOGISTICS, PARTIES, PLATFORM, SELLER
from governance.marketplaces.simulated.care.shipping import put_returns
from governance.marketplaces.simulated.care.traces import ANSWERS, REPLIES
from governance.marketplaces.simulated.chance import HOUR, MINUTE, SECOND, Bools, Draw, Floats, Ints, Today, micros
from governance.marketplaces.simulated.rows import Outbox

POLICY_VERSION = "2026-01"
UNDETERMINED = len(PARTIES)

_NAMES = np.array([*PARTIES, "undetermined"])
_QUICK_SHARE, _QUICK_DOLLARS = 0.32, 14.0
_SERIAL_CLAIMS, _SERIAL_REFUSED = 3.4, 0.5
_ERRORS = 0.42
_UNSURE_BELOW, _UNSURE = 0.42, 0.5
_SHARED_ABOVE = 0.3
_CHARGED_BACK = 0.06
_ACCEPTS, _OFFERS = REPLIES.index("accepts"), REPLIES.index("offers_part")
_WITHDRAWS = ANSWERS.index("withdraws")


def quick(draw: Draw, cases: pl.DataFrame, claims: Floats) -> tuple[Bools, Bools]:
    """Which cases a rule pays back at once, and which ones a rule refuses since their buyers claim all the time."""
    key = cases["line_key"].to_numpy()
    dollars = (cases["amount_minor"] * cases["reference_rate"]).to_numpy() / 100
    cancelled = (cases["kind"] == "cancellation").to_numpy()
    serial = (claims > _SERIAL_CLAIMS) & draw.happens(key, _SERIAL_REFUSED) & ~cancelled
    small = (dollars < _QUICK_DOLLARS) & draw.happens(key, _QUICK_SHARE)
    return cancelled | (small & ~serial), serial


def decided(
    draw: Draw, cases: pl.DataFrame, *, parties: Floats, false_story: Floats, paid: Bools, refused: Bools
) -> pl.DataFrame:
    """What is decided: within minutes by rules, and by people within days after the seller's deadline.

    Parameters
    ----------
    parties, false_story
        What the ideal judge would expect: blame (n, parties) and the probability of a false story (n).
    """
    key, size = cases["line_key"].to_numpy(), cases.height
    party, shared = _party(draw, key, parties)
    automatic = paid | refused
    party = np.where(refused, BUYER, party)
    at = _when(draw, key, cases, automatic)
    story = false_story * draw.lognormal(key, 1.0, 0.8) > 0.5
    action = np.where(paid, "refund", _actions(draw, key, cases, party, story))
    action = np.where(refused, "refuse", action)
    satisfied = np.clip(np.rint(np.where(action == "refuse", 1.8, 3.9) + draw.normal(key)), 1, 5)
    by = np.where(refused, "rule:serial_claims", np.where(paid, "rule:quick_resolution", "team:after_sales"))
    told = pl.Series(draw.happens(key, 0.35))
    with_money = _split(draw, key, cases, party, shared, action)
    return with_money.with_columns_seq(
        occurred_at=pl.Series(at),
        known_at=pl.Series(at + draw.integers(key, MINUTE, HOUR // 4)),
        version=pl.lit(1),
        party=pl.Series(party),
        action=pl.Series(action, dtype=pl.String),
        responsible_party=pl.Series(_NAMES[party]),
        automated=pl.Series(automatic),
        decided_by=pl.Series(by, dtype=pl.String),
        policy_version=pl.lit(POLICY_VERSION),
        satisfaction=pl.when(told).then(pl.Series(satisfied)),
    ).with_columns_seq(pl.Series("returns", np.zeros(size, dtype=np.bool_) | (action == "return_then_refund")))


def _party(draw: Draw, key: Ints, parties: Floats) -> tuple[Ints, Bools]:
    """Who is held responsible, and where another bears a part: the judge's view with errors."""
    errors = np.column_stack([-np.log(draw.exponential(key) + 1e-12) for _ in PARTIES])
    weights = np.log(parties + 0.02) + _ERRORS * errors
    party = np.argmax(weights, axis=1)
    unsure = (parties.max(axis=1) < _UNSURE_BELOW) & draw.happens(key, _UNSURE)
    second = np.sort(parties, axis=1)[:, -2]
    return np.where(unsure, UNDETERMINED, party), (second > _SHARED_ABOVE) & draw.happens(key, 0.5)


def _when(draw: Draw, key: Ints, cases: pl.DataFrame, automatic: Bools) -> Ints:
    """Moments of the decisions."""
    known = cases["known_at"].to_numpy()
    deadline = cases["respond_by"].fill_null(0).to_numpy()
    soon = known + micros(draw.uniform(key, 0.002, 0.03))
    return np.where(automatic, soon, np.maximum(known, deadline) + micros(draw.uniform(key, 0.1, 6.0)))


def _actions(draw: Draw, key: Ints, cases: pl.DataFrame, party: Ints, story: Bools) -> npt.NDArray[np.str_]:
    """What is done: goods that go back are mostly refunded, complaints are met half-way, buyers at fault refused."""
    kind = cases["kind"].to_numpy()
    mark = draw.uniform(key)
    complaint = np.select([mark < 0.4, mark < 0.8, mark < 0.92], ["partial_refund", "refund", "replace"], "refuse")
    money = np.where(mark < 0.92, "refund", "return_then_refund")
    goes_back = np.where(mark < 0.95, "return_then_refund", "refuse")
    action = np.select([kind == "return", kind == "complaint"], [goes_back, complaint], money)
    offered = (cases["reply"].to_numpy() == _OFFERS) & (mark < 0.6)
    action = np.where(offered & (kind != "return"), "partial_refund", action)
    own = (party == BUYER) & (kind != "return") & (kind != "cancellation")
    withdrawn = cases["answer"].to_numpy() == _WITHDRAWS
    kind_to_buyer = (cases["reply"].to_numpy() == _ACCEPTS) & ~story
    no = (own & (draw.uniform(key) < 0.8) & ~kind_to_buyer) | story | withdrawn
    return np.where(no & (kind != "cancellation"), "refuse", action)


def _split(
    draw: Draw, key: Ints, cases: pl.DataFrame, party: Ints, shared: Bools, action: npt.NDArray[np.str_]
) -> pl.DataFrame:
    """Who bears what.

    The amount at stake is what was asked for, half of it in a partial refund, and the postage where a buyer simply
    changed their mind. The responsible party bears it, or most of it where the blame is shared with the seller or
    the carrier; nobody's fault is the platform's cost, a refusal the buyer's.
    """
    asked, postage = cases["amount_minor"].to_numpy(), cases["shipping_minor"].to_numpy()
    half = action == "partial_refund"
    whim = (party == BUYER) & np.isin(action, ["return_then_refund", "refund"])
    total = np.where(half, asked // 2, np.where(whim, np.minimum(postage, asked), asked))
    bearer = np.where(action == "refuse", BUYER, np.where(party == UNDETERMINED, PLATFORM, party))
    other = np.where(bearer == SELLER, np.where(draw.happens(key, 0.4), PLATFORM, LOGISTICS), SELLER)
    part = np.where(shared & (action != "refuse") & ~whim, total * draw.integers(key, 15, 45) // 100, 0)
    borne = [np.where(bearer == one, total - part, 0) + np.where(other == one, part, 0) for one in range(len(PARTIES))]
    back = np.where(action == "refuse", 0, np.where(half, asked // 2, np.where(action == "replace", 0, asked)))
    return cases.with_columns_seq(
        *(pl.Series(f"{name}_minor", values) for name, values in zip(PARTIES, borne, strict=True)),
        pl.Series("total_minor", total),
        pl.Series("back_minor", back),
    )


def put_consequences(outbox: Outbox, today: Today, outcomes: pl.DataFrame) -> None:
    """Money and parcels that move once it is decided; some buyers of what never came go to their bank as well."""
    draw, key = today.draw("consequences"), outcomes["line_key"].to_numpy()
    start = outcomes["known_at"].to_numpy()
    sent = start + micros(draw.uniform(key, 0.3, 3.0))
    received = sent + micros(draw.uniform(key, 1.5, 6.0))
    goes_back = outcomes["returns"].to_numpy()
    back = outcomes.with_columns_seq(
        return_handed_over=pl.Series(sent),
        return_delivered=pl.Series(received),
        back_at=pl.Series(np.where(goes_back, received, start) + HOUR),
        grams=pl.Series(_returned_grams(draw, outcomes)),
    )
    if goes_back.any():
        put_returns(outbox, today, back.filter(pl.Series(goes_back)))
    outbox.put(PAYMENTS, _money_back(back, kind="refund", reason=pl.col("reason_code")))
    never_came = outcomes["withheld"].to_numpy() & (outcomes["payment_method"] == "card").to_numpy()
    bank = (outcomes["version"] == 1).to_numpy() & never_came & draw.happens(key, _CHARGED_BACK)
    if bank.any():
        later = pl.Series(start + micros(draw.uniform(key, 5.0, 30.0)))
        charged = back.with_columns_seq(back_at=later, back_minor=pl.col("amount_minor")).filter(pl.Series(bank))
        outbox.put(PAYMENTS, _money_back(charged, kind="chargeback", reason=pl.lit("goods_not_received")))


def _returned_grams(draw: Draw, outcomes: pl.DataFrame) -> Ints:
    """Weight of what comes back: now and then something is missing, more often where the story was false."""
    key = outcomes["line_key"].to_numpy()
    short = draw.happens(key, np.where((outcomes["abuse"] > 0).to_numpy(), 0.45, 0.04))
    share = np.where(short, draw.uniform(key, 0.1, 0.8), draw.lognormal(key, 1.0, 0.05))
    grams: Ints = np.maximum(np.rint(outcomes["parcel_weight_grams"].to_numpy() * share), 10).astype(np.int64)
    return grams


def _money_back(cases: pl.DataFrame, *, kind: str, reason: pl.Expr) -> pl.DataFrame:
    """A refund or chargeback for each case: `back_at` says when (microseconds), `back_minor` how much."""
    return cases.filter(pl.col("back_minor") > 0).select_seq(
        "market",
        "order_id",
        "buyer_id",
        "instrument",
        "currency",
        "reference_rate",
        payment_id=pl.format("{}-{}", "case_id", pl.lit(kind)),
        occurred_at=pl.col("back_at"),
        known_at=pl.col("back_at") + 40 * SECOND,
        kind=pl.lit(kind),
        status=pl.lit("succeeded"),
        method=pl.col("payment_method"),
        reason_code=reason,
        amount_minor=pl.col("back_minor"),
    )
