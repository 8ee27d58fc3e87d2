"""Appeals against enforcements: opened within days, answered when somebody has looked again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import APPEALS
from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.chance import HOUR, MINUTE, Bools, Ints, Today, micros
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.rows import Outbox

_LANGUAGE = {market.name: number for number, market in enumerate(MARKETS)}
_RESULTS = pl.Series(["upheld", "overturned"])
_OPENED_AFTER_DAYS = 0.8


@dataclass(frozen=True, slots=True)
class Appealed:
    """Enforcements appealed against: parallel columns. `key` is unique, `decided` and `ends` are microseconds."""

    against: pl.Series
    appellant: pl.Series
    market: pl.Series
    key: Ints
    decided: Ints
    ends: Ints
    overturned: Bools


def put_appeals(outbox: Outbox, today: Today, appealed: Sequence[Appealed]) -> None:
    """Each appeal when it is opened, and once more when it is answered, some hours later at least."""
    for one in appealed:
        if len(one.key):
            outbox.put(APPEALS, _versions(today, one))


def _versions(today: Today, one: Appealed) -> pl.DataFrame:
    draw = today.draw("appeals against enforcements")
    opened = np.minimum(one.decided + micros(draw.exponential(one.key, _OPENED_AFTER_DAYS)), one.ends - 2 * HOUR)
    opened = np.maximum(opened, one.decided + MINUTE)
    answered = np.maximum(one.ends, opened + HOUR)
    frame = pl.DataFrame(
        {
            "appeal_id": identifiers("appeal", one.key, seed=today.seed),
            "occurred_at": opened,
            "known_at": opened + MINUTE,
            "market": one.market,
            "against_id": one.against,
            "appellant_id": one.appellant,
            "grounds": _grounds(today, one),
        }
    ).with_columns_seq(against=pl.lit("enforcement"), version=pl.lit(1), result=pl.lit("open"))
    result = _RESULTS[one.overturned.astype(np.int64)]
    closed = frame.with_columns_seq(known_at=pl.Series(answered), version=pl.lit(2), result=result)
    return pl.concat([frame, closed])


def _grounds(today: Today, one: Appealed) -> pl.Series:
    language = np.array([_LANGUAGE[market] for market in one.market.to_list()], dtype=np.int64)
    against = np.ones(len(one.key), dtype=np.bool_)
    nothing = pl.DataFrame(height=len(one.key))
    return words.grounds(today.draw("grounds"), one.key, language, nothing, against_enforcement=against)
