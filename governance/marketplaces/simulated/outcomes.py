"""Outcomes: what is decided in cases, who bears what, and the money and parcels that move because of it."""

import numpy as np
import numpy.typing as npt
import polars as pl

from governance.contracts.tables import OUTCOMES
from governance.marketplaces.simulated.causes import CAUSES, NAMES
from governance.marketplaces.simulated.chance import HOUR, Ints, Today, micros
from governance.marketplaces.simulated.payments import put_money_back
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shipping import put_returns

APPEALED_OUTCOMES = 0.04
POLICY_VERSION = "2026-01"

_PARTIES = ("buyer", "seller", "logistics", "platform", "undetermined")
_PARTY_OF_CAUSE = np.array([_PARTIES.index(cause.party) for cause in CAUSES])


def put_outcomes(outbox: Outbox, today: Today, cases: pl.DataFrame) -> None:
    """Outcomes of today's lines' cases, their corrections on appeal, refunds, chargebacks and parcels going back."""
    chance = today.chance("outcomes")
    decided = _decide(cases, chance)
    outbox.put(OUTCOMES, decided)
    _put_appeals(outbox, decided, chance)
    _put_consequences(outbox, today, decided, chance)


def _decide(cases: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """What was decided: within minutes by rule for cancellations, within days by people for the rest."""
    size = cases.height
    cause, kind = cases["cause"].to_numpy(), cases["kind"].to_numpy()
    quick = (kind == "cancellation") | (chance.random(size) < 0.15)
    wait = np.where(quick, chance.uniform(0.002, 0.03, size), chance.uniform(0.4, 8.0, size))
    decided = cases["known_at"].to_numpy() + micros(wait)
    late_carrier = (cause == NAMES.index("late")) & (cases["handed_over"] <= cases["ship_by"]).to_numpy()
    party = np.where(late_carrier, _PARTIES.index("logistics"), _PARTY_OF_CAUSE[cause])
    unsure = (chance.random(size) < 0.03) & (kind != "cancellation")
    party = np.where(unsure, _PARTIES.index("undetermined"), party)
    action = _actions(kind, chance)
    satisfied = np.clip(np.rint(np.where(action == "refuse", 1.8, 3.9) + chance.normal(0, 1.0, size)), 1, 5)
    with_money = _split(cases, party, action, chance)
    return with_money.with_columns(
        occurred_at=pl.Series(decided),
        known_at=pl.Series(decided + chance.integers(0, HOUR // 4, size)),
        action=pl.Series(action, dtype=pl.String),
        responsible_party=pl.Series(np.array(_PARTIES)[party]),
        automated=pl.Series(quick),
        decided_by=pl.Series(np.where(quick, "rule:quick_resolution", "team:after_sales")),
        policy_version=pl.lit(POLICY_VERSION),
        satisfaction=pl.when(pl.Series(chance.random(size) < 0.35)).then(pl.Series(satisfied)),
    )


def _actions(kind: npt.NDArray[np.object_], chance: np.random.Generator) -> npt.NDArray[np.str_]:
    """What is done: goods that go back are mostly refunded, complaints are often met half-way, little is refused."""
    draw = chance.random(len(kind))
    complaint = np.select([draw < 0.35, draw < 0.75, draw < 0.85], ["partial_refund", "refund", "replace"], "refuse")
    mild = np.where(draw < 0.9, "refund", "refuse")
    answer = np.select([kind == "return", kind == "complaint", kind == "cancellation"], ["", complaint, "refund"], mild)
    goes_back = np.where(draw < 0.93, "return_then_refund", "refuse")
    return np.where(kind == "return", goes_back, answer)


def _split(cases: pl.DataFrame, party: Ints, action: npt.NDArray[np.str_], chance: np.random.Generator) -> pl.DataFrame:
    """Who bears what.

    The amount at stake is what was asked for, half of it in a partial refund, and the postage where a buyer simply
    changed their mind. The responsible party bears it; nobody's fault is the platform's cost, a refusal the buyer's.
    """
    asked, postage = cases["amount_minor"].to_numpy(), cases["shipping_minor"].to_numpy()
    half = action == "partial_refund"
    whim = (party == _PARTIES.index("buyer")) & np.isin(action, ["return_then_refund", "refund"])
    total = np.where(half, asked // 2, np.where(whim, np.minimum(postage, asked), asked))
    bearer = np.where(action == "refuse", _PARTIES.index("buyer"), party)
    bearer = np.where(bearer == _PARTIES.index("undetermined"), _PARTIES.index("platform"), bearer)
    goodwill = np.where((bearer == _PARTIES.index("seller")) & (chance.random(len(total)) < 0.08), total // 5, 0)
    borne = {name: np.where(bearer == number, total, 0) for number, name in enumerate(_PARTIES[:4])}
    borne["seller"], borne["platform"] = borne["seller"] - goodwill, borne["platform"] + goodwill
    back = np.where(action == "refuse", 0, np.where(half, asked // 2, np.where(action == "replace", 0, asked)))
    return cases.with_columns(
        *(pl.Series(f"{name}_minor", values) for name, values in borne.items()),
        pl.Series("total_minor", total),
        pl.Series("back_minor", back),
    )


def _put_appeals(outbox: Outbox, decided: pl.DataFrame, chance: np.random.Generator) -> None:
    """Second versions of outcomes: an appeal that moved the burden to the platform."""
    appealed = decided.filter(pl.Series(chance.random(decided.height) < APPEALED_OUTCOMES))
    later = pl.Series(micros(chance.uniform(2.0, 12.0, appealed.height)))
    none = pl.lit(0)
    outbox.put(
        OUTCOMES,
        appealed.with_columns(
            known_at=pl.col("known_at") + later,
            version=pl.lit(2),
            responsible_party=pl.lit("undetermined"),
            automated=pl.lit(False),
            decided_by=pl.lit("team:appeals"),
            buyer_minor=none,
            seller_minor=none,
            logistics_minor=none,
            platform_minor=pl.col("total_minor"),
        ),
    )


def _put_consequences(outbox: Outbox, today: Today, decided: pl.DataFrame, chance: np.random.Generator) -> None:
    """Money and parcels that move once it is decided; some buyers of what never came go to their bank as well."""
    size = decided.height
    start = decided["known_at"].to_numpy()
    sent = start + micros(chance.uniform(0.3, 3.0, size))
    received = sent + micros(chance.uniform(1.5, 6.0, size))
    goes_back = decided["action"].to_numpy() == "return_then_refund"
    back = decided.with_columns(
        return_handed_over=pl.Series(sent),
        return_delivered=pl.Series(received),
        back_at=pl.Series(np.where(goes_back, received, start) + HOUR),
    )
    put_returns(outbox, today, back.filter(pl.Series(goes_back)))
    put_money_back(outbox, back, kind="refund", reason=pl.col("reason_code"))
    never_came = (pl.col("cause") == NAMES.index("not_shipped")) & (pl.col("payment_method") == "card")
    charged_back = back.with_columns(
        back_at=pl.Series(start + micros(chance.uniform(5.0, 30.0, size))), back_minor=pl.col("amount_minor")
    ).filter(never_came & (pl.Series(chance.random(size) < 0.06)))
    put_money_back(outbox, charged_back, kind="chargeback", reason=pl.lit("goods_not_received"))
