"""The counters as they stood at past moments, from the raw tables: what training joins and replay compares with.

Each event enters a window when it reaches us and leaves it when its minute is too old; a running sum over these two
moments gives the window's value at any moment, at a cost that is linear in events and decisions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import days_between
from governance.contracts.tables import TABLES
from governance.counters.definition import SECONDS_A_MINUTE, WINDOWS, Counter
from governance.storage.lake import Lake

CODE_VERSION = "1"

_DAYS_AT_ONCE = 28
_MINUTE = SECONDS_A_MINUTE * 1_000_000


def counters_of_days(
    lake: Lake, decisions: pl.DataFrame, counters: Sequence[Counter], *, moment: str = "decided_at"
) -> pl.DataFrame:
    """`decisions` with the counters' features at `moment`; memory is that of the events of `_DAYS_AT_ONCE`.

    Raises
    ------
    StoreError
        A table has none of the partitions that are needed.
    """
    rows = decisions.with_row_index("_order").with_columns(_day=pl.col(moment).dt.date())
    days = rows["_day"].unique().sort().to_list()
    parts = [
        counters_at(
            rows.filter(pl.col("_day").is_in(some)), _events_before(lake, counters, some), counters, moment=moment
        )
        for some in (days[first : first + _DAYS_AT_ONCE] for first in range(0, len(days), _DAYS_AT_ONCE))
    ]
    return pl.concat(parts).sort("_order").drop("_order", "_day")


def counters_at(
    decisions: pl.DataFrame,
    events: Mapping[str, pl.DataFrame],
    counters: Sequence[Counter],
    *,
    moment: str = "decided_at",
) -> pl.DataFrame:
    """`decisions` with one column for each feature of `counters`, in their order of rows.

    Parameters
    ----------
    decisions : has `moment` (UTC microseconds) and the keys that the counters are asked by; a null key gives null.
    events : rows of contract tables by name, with `occurred_at` and `known_at`.
    """
    rows = decisions.with_row_index("_row")
    found = [_feature(rows, events[each.table], each, suffix, moment) for each in counters for suffix in WINDOWS]
    return decisions.with_columns(found)


def _events_before(lake: Lake, counters: Iterable[Counter], days: Sequence[date]) -> dict[str, pl.DataFrame]:
    # No window is longer than a day, and what a decision counts had reached us by then.
    days = [days[0] - timedelta(days=1), *days_between(days[0], days[-1])]
    columns: dict[str, set[str]] = {}
    for counter in counters:
        columns.setdefault(counter.table, {"occurred_at", "known_at"}).update(counter.columns)
    return {table: _rows(lake, table, names, days) for table, names in columns.items()}


def _rows(lake: Lake, table: str, columns: Collection[str], days: Sequence[date]) -> pl.DataFrame:
    """Columns of a table; a row that was delivered on two days counts once, when it first reached us."""
    key = [name for name in TABLES[table].key if name != "known_at"]
    rows = lake.read(f"raw/{table}", days).select(sorted({*columns, *TABLES[table].key}))
    if len(key) < len(TABLES[table].key):
        return rows
    return rows.unique(key, keep="first", maintain_order=True)


def _feature(rows: pl.DataFrame, table: pl.DataFrame, counter: Counter, suffix: str, moment: str) -> pl.Series:
    """One feature in the order of `rows`."""
    name = f"{counter.name}_{suffix}"
    points = _change_points(_counted(table, counter), counter, WINDOWS[suffix])
    running = points.sort("at").select("key", "at", value=pl.col("delta").cum_sum().over("key"))
    asked = rows.select("_row", key=pl.col(counter.asked_by), at=pl.col(moment).cast(pl.Int64)).sort("at")
    joined = asked.join_asof(running, on="at", by="key", strategy="backward", check_sortedness=False).sort("_row")
    known = pl.when(pl.col("key").is_not_null()).then(pl.col("value").fill_null(0))
    return joined.select(known.cast(pl.Int64).alias(name)).to_series()


def _counted(table: pl.DataFrame, counter: Counter) -> pl.DataFrame:
    """The events that count: key, microseconds of happening and of knowledge, and the amount or the member."""
    met = [pl.col(counter.key).is_not_null()]
    met += [pl.col(name).is_in(list(values)) for name, values in counter.where.items()]
    if counter.same:
        met.append(pl.col(counter.same[0]) == pl.col(counter.same[1]))
    if counter.measure == "distinct":
        met.append(pl.col(counter.of).is_not_null())
    return table.filter(*met).select(
        key=pl.col(counter.key),
        occurred=pl.col("occurred_at").cast(pl.Int64),
        known=pl.col("known_at").cast(pl.Int64),
        value=_value(counter),
    )


def _value(counter: Counter) -> pl.Expr:
    if counter.measure == "distinct":
        return pl.col(counter.of)
    if counter.measure == "count":
        return pl.lit(1, pl.Int64)
    return (pl.col(counter.of) * pl.col("reference_rate") + 0.5).floor().cast(pl.Int64)


def _change_points(events: pl.DataFrame, counter: Counter, minutes: int) -> pl.DataFrame:
    """When the value of a window changes, and by how much: `key`, `at`, `delta`."""
    staying = events.select(
        "key",
        "value",
        # Visible to decisions after it became known, not to one at that very moment.
        start=pl.col("known") + 1,
        end=(pl.col("occurred") // _MINUTE + minutes) * _MINUTE,
    ).filter(pl.col("start") < pl.col("end"))
    if counter.measure == "distinct":
        staying = _without_overlaps(staying).with_columns(value=pl.lit(1, pl.Int64))
    entering = staying.select("key", at="start", delta="value")
    leaving = staying.select("key", at="end", delta=-pl.col("value"))
    return pl.concat([entering, leaving])


def _without_overlaps(staying: pl.DataFrame) -> pl.DataFrame:
    """The stays of a member as one stay each where they touch: who is there twice counts once."""
    ordered = staying.sort("start").with_columns(before=pl.col("end").cum_max().shift(1).over("key", "value"))
    begins = pl.col("before").is_null() | (pl.col("start") > pl.col("before"))
    numbered = ordered.with_columns(stay=begins.cast(pl.Int64).cum_sum().over("key", "value"))
    merged = numbered.group_by("key", "value", "stay").agg(pl.col("start").min(), pl.col("end").max())
    return merged.select("key", "start", "end")
