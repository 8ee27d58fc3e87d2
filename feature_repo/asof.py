"""The point-in-time join: for each entity row the latest history row that was valid, and known, by then.

Pure Polars, without Feast: the offline store and its tests both stand on these functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from governance.errors import InputError

EVENT_TIME = "__event_time"
CREATED = "__created"
UTC_MICROSECONDS = pl.Datetime("us", "UTC")
_ASKED = "__asked"
_ROW = "__row"
_POSITION = "__position"
_USABLE_FROM = "__usable_from"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The rows of one view and how they join.

    `rows` holds the `keys` under the names that they have in the entity rows, `EVENT_TIME`,
    `CREATED` where the source has one, and the `features` under the names that they leave with.
    Times are UTC microseconds. `ttl` is the oldest age, inclusive, at which a row is still used.
    """

    rows: pl.LazyFrame
    keys: tuple[str, ...]
    features: tuple[str, ...]
    ttl: timedelta | None = None


def asof_join(entities: pl.DataFrame, history: History, *, time: str, known_by_then: bool = False) -> pl.DataFrame:
    """For each entity row, in order, the event time and the features of the latest history row not after `time`.

    Ties on the event time go to the largest `CREATED`, and beyond that to the later row in `rows`. A row as old
    as `ttl` still counts. Null keys and null times match nothing. Only the rows of the keys asked for, up to the
    latest time asked for, are read.

    Parameters
    ----------
    entities : polars.DataFrame
        One row per question: the keys of `history` and `time` (UTC microseconds).
    history : History
        What to join.
    time : str
        Column of `entities` that says as of when.
    known_by_then : bool
        Use only rows whose `CREATED` is not after `time` either.

    Returns
    -------
    polars.DataFrame
        As many rows as `entities`: `EVENT_TIME`, then the features; nulls where nothing matched.
    """
    asked = _with_history_types(entities.select(*history.keys, pl.col(time).alias(_ASKED)), history)
    rows = _rows_asked_for(asked, history)
    positions = _latest_positions(asked, rows, history, known_by_then=known_by_then)
    return rows.select(pl.col(EVENT_TIME, *history.features).gather(positions))


def latest_rows(rows: pl.LazyFrame, *, keys: Sequence[str], start: datetime, end: datetime) -> pl.DataFrame:
    """The latest row of each key whose event time lies in [`start`, `end`], both inclusive; null keys have none.

    Reads keys and times first and the other columns of the chosen rows only, so that memory grows
    with the number of keys and not with the length of the history.
    """
    times = [name for name in (EVENT_TIME, CREATED) if name in rows.collect_schema()]
    window = rows.filter(pl.col(EVENT_TIME).is_between(start, end), *(pl.col(key).is_not_null() for key in keys))
    chosen = _last_of_each(window.select(*keys, *times), keys, times).lazy()
    wide = window.join(chosen, on=[*keys, *times], how="semi", nulls_equal=True)
    return _last_of_each(wide, keys, times)


def utc_microseconds(name: str, dtype: pl.DataType) -> pl.Expr:
    """A time column as UTC microseconds; times without a zone are UTC already.

    A column that is in this form stays untouched, so that filters on it still reach the Parquet statistics.
    """
    column = pl.col(name)
    if dtype == UTC_MICROSECONDS:
        return column
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _with_history_types(asked: pl.DataFrame, history: History) -> pl.DataFrame:
    schema = history.rows.collect_schema()
    return asked.with_columns(_key_as(key, asked.schema[key], schema[key]) for key in history.keys)


def _key_as(key: str, given: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """A key in the type of the history.

    Pandas turns integer keys with gaps into floats, so numbers convert where they keep their value; the others
    become null and match nothing.
    """
    column = pl.col(key)
    if given == wanted or given == pl.Null:
        return column.cast(wanted)
    if given.is_numeric() and wanted.is_numeric():
        cast = column.cast(wanted, strict=False)
        return pl.when(cast.cast(given, strict=False) == column).then(cast)
    if given in (pl.Categorical, pl.Enum) and wanted == pl.String:
        return column.cast(wanted)
    raise InputError(f"key {key} is {given} in the entity rows and {wanted} in the history: cast it to {wanted}")


def _rows_asked_for(asked: pl.DataFrame, history: History) -> pl.DataFrame:
    first, last = asked[_ASKED].min(), asked[_ASKED].max()
    rows = history.rows.filter(pl.col(EVENT_TIME) <= pl.lit(last, UTC_MICROSECONDS))
    if history.ttl is not None:
        rows = rows.filter(pl.col(EVENT_TIME) >= pl.lit(first, UTC_MICROSECONDS) - pl.lit(history.ttl))
    keys = asked.lazy().select(history.keys).drop_nulls().unique()
    return rows.join(keys, on=history.keys, how="semi").collect()


def _latest_positions(asked: pl.DataFrame, rows: pl.DataFrame, history: History, *, known_by_then: bool) -> pl.Series:
    """Row numbers in `rows`, null where nothing matches.

    The join carries only keys and times: the wide rows are neither sorted nor copied more than once.
    """
    times = [name for name in (EVENT_TIME, CREATED) if name in rows.columns]
    narrow = rows.select(*history.keys, *times).with_row_index(_POSITION).sort(times, maintain_order=True)
    known_by_then = known_by_then and CREATED in times
    order = _usable_when_known(narrow, history.keys) if known_by_then else _usable_when_valid(narrow)
    joined = (
        asked.with_row_index(_ROW)
        .sort(_ASKED)
        .join_asof(
            order,
            left_on=_ASKED,
            right_on=_USABLE_FROM,
            by=list(history.keys),
            strategy="backward",
            check_sortedness=False,
        )
        .sort(_ROW)
    )
    if history.ttl is None:
        return joined[_POSITION]
    fresh = pl.col(EVENT_TIME) + history.ttl >= pl.col(_ASKED)
    return joined.select(pl.when(fresh).then(_POSITION).alias(_POSITION)).to_series()


def _usable_when_valid(order: pl.DataFrame) -> pl.DataFrame:
    return order.with_columns(pl.col(EVENT_TIME).alias(_USABLE_FROM))


def _usable_when_known(order: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Rows with the time from which each is the answer, sorted by it.

    A row that becomes known late is usable from then on, unless a row with a later event time was
    known before it: such a row is never the answer and is left out, after which the latest usable row
    is again the one with the latest event time, and one ASOF join finds it.
    """
    return (
        order.with_row_index(_ROW)
        .filter(pl.col(CREATED).is_not_null())
        .with_columns(pl.max_horizontal(EVENT_TIME, CREATED).alias(_USABLE_FROM))
        .sort(_USABLE_FROM, _ROW)
        .filter(pl.col(_ROW).cum_max().over(keys) == pl.col(_ROW))
        .drop(_ROW)
    )


def _last_of_each(rows: pl.LazyFrame, keys: Sequence[str], times: Sequence[str]) -> pl.DataFrame:
    ordered = rows.sort(times, maintain_order=True)
    return ordered.unique(subset=list(keys), keep="last", maintain_order=True).collect()
