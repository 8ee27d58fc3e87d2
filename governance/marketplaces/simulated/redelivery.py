"""Days that are delivered twice: first with rows missing, some days later whole, as owners' systems do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated.chance import Draw, Today

_TABLES = ("orders", "shipments", "reviews", "cases", "payments", "sessions")
_SHARE_OF_DAYS = 0.012
_MISSING_AT_FIRST = 0.03
_AFTER_DAYS = (2, 6)
_ALL = np.zeros(1, dtype=np.int64)


@dataclass(slots=True)
class Redelivery:
    """The whole deliveries that are still to come, by `<table>@<day of delivery>@<day that it is of>`."""

    waiting: dict[str, pl.DataFrame] = field(default_factory=dict)

    def deliver(self, table: str, today: Today, rows: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
        """What is delivered of a table today: today's rows, perhaps not all of them, and older days once more."""
        for name in [name for name in self.waiting if name.startswith(f"{table}@{today.index}@")]:
            yield today.first_day + timedelta(days=int(name.rsplit("@", 1)[1])), self.waiting.pop(name)
        draw = today.draw(f"redelivery of {table}")
        if table not in _TABLES or not draw.happens(_ALL, _SHARE_OF_DAYS)[0]:
            yield today.date, rows
            return
        later = today.index + int(draw.integers(_ALL, *_AFTER_DAYS)[0])
        self.waiting[f"{table}@{later}@{today.index}"] = rows
        yield today.date, rows.filter(pl.Series(~_missing(table, rows, draw)))


def _missing(table: str, rows: pl.DataFrame, draw: Draw) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are not there at first; by key, so that no other row has a say in it."""
    digits = rows[TABLES[table].key[0]].str.extract_all(r"\d").list.join("").str.slice(0, 18)
    return draw.happens(digits.cast(pl.Int64, strict=False).fill_null(0).to_numpy(), _MISSING_AT_FIRST)
