"""Appeals against outcomes: who appeals, what comes of it, and the decisions that they change."""

import numpy as np
import polars as pl

from governance.contracts.tables import APPEALS
from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.care.causes import BUYER, PARTIES
from governance.marketplaces.simulated.care.ruling import UNDETERMINED
from governance.marketplaces.simulated.care.telling import facts
from governance.marketplaces.simulated.chance import HOUR, Draw, Floats, Today, micros
from governance.marketplaces.simulated.rows import Outbox

_BUYERS_REFUSED, _SELLERS_CHARGED = 0.12, 0.07
_WITHDRAWN, _SPLIT = 0.06, 0.22
_NAMES = np.array([*PARTIES, "undetermined"])


def put_appeals(outbox: Outbox, today: Today, outcomes: pl.DataFrame, blame: Floats) -> pl.DataFrame:
    """Appeals against today's outcomes; returns the changed outcomes (second versions).

    Parameters
    ----------
    blame
        What really was (n, parties): those who decide about appeals look closer and mostly find it.
    """
    draw, key = today.draw("appeals"), outcomes["line_key"].to_numpy()
    refused = ((outcomes["action"] == "refuse") & ~outcomes["automated"]).to_numpy()
    charged = (outcomes["seller_minor"] * 2 > outcomes["total_minor"]).to_numpy() & ~refused
    wronged = blame[np.arange(len(key)), np.minimum(outcomes["party"].to_numpy(), len(PARTIES) - 1)] < 0.5
    share = np.where(refused, _BUYERS_REFUSED, np.where(charged, _SELLERS_CHARGED, 0.0)) * np.where(wronged, 2.2, 0.7)
    share = np.where((outcomes["decided_by"] == "rule:serial_claims").to_numpy(), _BUYERS_REFUSED, share)
    chosen = draw.happens(key, share)
    appealed, key = outcomes.filter(pl.Series(chosen)), key[chosen]
    if appealed.is_empty():
        return appealed
    judged = _judged(draw, appealed, blame[chosen])
    _put(outbox, draw, judged)
    changed = judged.filter(pl.col("result").is_in(["overturned", "split"]))
    return _redone(changed)


def _judged(draw: Draw, appealed: pl.DataFrame, blame: Floats) -> pl.DataFrame:
    """Results of appeals, and the party that is responsible according to them."""
    key, before = appealed["line_key"].to_numpy(), appealed["party"].to_numpy()
    right = np.where(draw.happens(key, 0.85), np.argmax(blame, axis=1), before)
    differs = (right != before) & (before != UNDETERMINED)
    changed = np.where(draw.happens(key, _SPLIT), "split", "overturned")
    result = np.where(draw.happens(key, _WITHDRAWN), "withdrawn", np.where(differs, changed, "upheld"))
    filed_at = appealed["known_at"].to_numpy() + micros(draw.uniform(key, 0.1, 4.0))
    by_buyer = (appealed["action"] == "refuse").to_numpy()
    texts = words.grounds(
        draw,
        key,
        appealed["where"].to_numpy(),
        facts(appealed).drop("author"),
        against_enforcement=np.zeros(len(key), dtype=np.bool_),
    )
    return appealed.with_columns_seq(
        right=pl.Series(right),
        result=pl.Series(result, dtype=pl.String),
        filed_at=pl.Series(filed_at),
        judged_at=pl.Series(filed_at + micros(draw.uniform(key, 1.5, 9.0))),
        appellant_id=pl.when(pl.Series(by_buyer)).then(pl.col("buyer_id")).otherwise(pl.col("seller_id")),
        grounds=texts,
    )


def _put(outbox: Outbox, draw: Draw, judged: pl.DataFrame) -> None:
    """Two versions of each appeal: as it is filed, and with its result."""
    key = judged["line_key"].to_numpy()
    rows = judged.select_seq(
        "market",
        "appellant_id",
        "grounds",
        "result",
        "judged_at",
        appeal_id=pl.format("appeal-{}", "case_id"),
        against=pl.lit("outcome"),
        against_id=pl.col("case_id"),
        occurred_at=pl.col("filed_at"),
        known_at=pl.col("filed_at") + pl.Series(draw.integers(key, 0, HOUR)),
        version=pl.lit(1),
    )
    ended = rows.with_columns_seq(known_at=pl.col("judged_at"), version=pl.lit(2))
    outbox.put(APPEALS, pl.concat([rows.with_columns_seq(result=pl.lit("open")), ended]))


def _redone(changed: pl.DataFrame) -> pl.DataFrame:
    """Outcomes after an appeal: the right party bears it, or half of it with the one that was held responsible."""
    split, right, before = (
        (changed["result"] == "split").to_numpy(),
        changed["right"].to_numpy(),
        changed["party"].to_numpy(),
    )
    total = changed["total_minor"].to_numpy()
    part = np.where(split, total // 2, 0)
    borne = [np.where(right == one, total - part, 0) + np.where(before == one, part, 0) for one in range(len(PARTIES))]
    refused = (changed["action"] == "refuse").to_numpy()
    won = refused & (right != BUYER) & ~split
    action = np.where(won, "refund", np.where(refused & split, "partial_refund", changed["action"].to_numpy()))
    back = np.where(won, changed["amount_minor"], np.where(refused & split, changed["amount_minor"] // 2, 0))
    return changed.with_columns_seq(
        *(pl.Series(f"{name}_minor", values) for name, values in zip(PARTIES, borne, strict=True)),
        known_at=pl.col("judged_at"),
        version=pl.lit(2),
        action=pl.Series(action, dtype=pl.String),
        party=pl.Series(right),
        responsible_party=pl.Series(_NAMES[right]),
        automated=pl.lit(False),
        decided_by=pl.lit("team:appeals"),
        back_minor=pl.Series(back),
        returns=pl.lit(False),
    )
