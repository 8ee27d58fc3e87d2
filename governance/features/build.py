"""Builds the partitions of a feature view, a chunk of days at a time, each day committed by itself.

Beside the feature rows two small states are kept: `late` (events known after their day, which leave
a window before anybody would look for them in an older raw partition) and, every 28 days, a
`snapshot` of every key's newest row, so that a day's work never reads further back than that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from governance.contracts.calendar import WINDOW_DAYS, days_between, valid_at
from governance.contracts.schema import Kind
from governance.errors import NotReady
from governance.features.engine import DuckDBEngine
from governance.features.expressions import event_columns, state_columns
from governance.features.view import View
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "3"
SNAPSHOT_EVERY_DAYS = 28
_EPOCH = date(1970, 1, 1)
_ROWS_WORTH_SHARING = 100_000
_WIDEST = max(WINDOW_DAYS)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build wrote: one manifest per day, in order."""

    view: str
    manifests: Mapping[date, Manifest]

    @property
    def rows(self) -> int:
        """Feature rows written."""
        return sum(manifest.rows for manifest in self.manifests.values())


@dataclass(frozen=True, slots=True)
class _Computed:
    """A chunk of days: the state before it, where it is needed again its feature rows, and its events known late."""

    state: pl.DataFrame
    rows: pl.DataFrame
    late: pl.DataFrame


def expected_fingerprints(lake: Lake, view: View, days: Sequence[date]) -> dict[date, str]:
    """What each day's partition must have been made from.

    Each fingerprint chains the day before, so that a raw partition delivered again makes that day
    and every later one stale. A raw partition that did not land counts as absent, not as an error.
    """
    raw = {table: lake.manifests(f"raw/{table}") for table in view.tables}
    chain, expected = fingerprint(CODE_VERSION, view.code_version, view.key, view.feature_names), {}
    for day in days:
        landed = {table: found.digest if (found := raw[table].get(day)) else None for table in view.tables}
        chain = expected[day] = fingerprint(chain, landed)
    return expected


def stale_days(lake: Lake, view: View, days: Sequence[date]) -> list[date]:
    """Days whose partition is missing, was made from something else, or has lost the state that goes with it."""
    return _stale(lake, view, expected_fingerprints(lake, view, days))


def build(
    lake: Lake,
    view: View,
    *,
    first_day: date,
    first: date,
    last: date,
    on_day: Callable[[date, Manifest], None] | None = None,
) -> BuildReport:
    """Build the partitions of `first` to `last` again, whatever is there.

    Parameters
    ----------
    first_day : the marketplace's first day, where the chain of states begins.
    on_day : told of each day when it has been committed.

    Raises
    ------
    NotReady
        A day before `first` is missing or stale: its state cannot be built upon.
    """
    expected = expected_fingerprints(lake, view, days_between(first_day, last))
    _refuse_gap(lake, view, {day: mark for day, mark in expected.items() if day < first})
    written: dict[date, Manifest] = {}
    engine = DuckDBEngine(threads=_threads(lake, view, days_between(first, last)))
    for chunk in _chunks(first, last):
        computed = _compute(engine, lake, view, chunk)
        for day in chunk:
            _write_state(lake, view, day, computed)
            written[day] = _write_day(lake, view, day, computed.rows, expected[day])
            if on_day:
                on_day(day, written[day])
    return BuildReport(view.name, written)


def _stale(lake: Lake, view: View, expected: Mapping[date, str]) -> list[date]:
    states = set(lake.days(_late(view)))
    made_from = {day: found.fingerprint for day, found in lake.manifests(view.dataset).items() if day in states}
    return [day for day, mark in expected.items() if made_from.get(day) != mark]


def _refuse_gap(lake: Lake, view: View, earlier: Mapping[date, str]) -> None:
    if behind := _stale(lake, view, earlier):
        first = max(earlier) + timedelta(days=1)
        raise NotReady(
            f"features/{view.name}: {len(behind)} day(s) before {first} are missing or stale, "
            f"the first is {behind[0]}; build from there: govern backfill {behind[0]}..{first}"
        )


def _threads(lake: Lake, view: View, days: Sequence[date]) -> int:
    """One where a day is too short to be shared: handing it over costs a fifth more and saves no time."""
    if len(days) > 1:
        return 2
    landed = (lake.manifest(f"raw/{table}", days[0]) for table in view.tables)
    return 1 if sum(found.rows for found in landed if found) < _ROWS_WORTH_SHARING else 2


def _chunks(first: date, last: date) -> list[list[date]]:
    """Consecutive days, cut behind each snapshot day."""
    chunks: list[list[date]] = [[]]
    for day in days_between(first, last):
        chunks[-1].append(day)
        if _is_snapshot_day(day):
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


def _compute(engine: DuckDBEngine, lake: Lake, view: View, chunk: Sequence[date]) -> _Computed:
    for table in view.tables:
        engine.bind_files(f"raw_{table}", table, _existing(lake, f"raw/{table}", [*_days_that_leave(chunk), *chunk]))
    engine.bind_frame("late", _read_late(lake, view, chunk))
    engine.bind_frame("bounds", pl.DataFrame({"first_day": [_number(chunk[0])], "last_day": [_number(chunk[-1])]}))
    moving = engine.sum_events(view)
    # A snapshot holds every key; else a day costs what its own keys cost.
    state = _read_state(lake, view, chunk[0], keys=None if _is_snapshot_day(chunk[-1]) else moving)
    engine.bind_frame("state", state)
    types = {"created": Kind.TIMESTAMP, **{feature.name: feature.kind for feature in view.features}}
    rows = engine.rows(view, days=len(chunk)).with_columns(
        pl.col(name).cast(kind.polars) for name, kind in types.items()
    )
    return _Computed(state, rows, _as(event_columns(view), engine.late(view)))


def _existing(lake: Lake, dataset: str, days: Iterable[date]) -> list[str]:
    return [str(path) for day in days if (path := lake.path(dataset, day)).exists()]


def _as(columns: Mapping[str, Kind], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly these columns in these types."""
    return frame.select(pl.col(name).cast(kind.polars) for name, kind in columns.items())


def _days_that_leave(chunk: Sequence[date]) -> list[date]:
    """Days before the chunk whose events, known on the day itself, leave some window within the chunk."""
    leaving = {day - timedelta(days=window) for day in chunk for window in WINDOW_DAYS}
    return sorted(day for day in leaving if day < chunk[0])


def _read_late(lake: Lake, view: View, chunk: Sequence[date]) -> pl.DataFrame:
    """Earlier events known after their day that leave a window within the chunk."""
    columns, first = event_columns(view), chunk[0]
    paths = lake.paths(_late(view), first=first - timedelta(days=_WIDEST), last=first - timedelta(days=1))
    if not paths:
        return _empty(columns)
    leaving = ((pl.col("occurred_day") + days).is_between(_number(first), _number(chunk[-1])) for days in WINDOW_DAYS)
    return _as(columns, pl.scan_parquet(paths, hive_partitioning=False).filter(pl.any_horizontal(leaving)).collect())


def _read_state(lake: Lake, view: View, before: date, *, keys: pl.Series | None) -> pl.DataFrame:
    """The newest values before a day, of every key or of some: the last snapshot and what changed since."""
    yesterday, columns = before - timedelta(days=1), state_columns(view)
    snapshots = lake.days(_snapshot(view), last=yesterday)[-1:]
    since = snapshots[0] + timedelta(days=1) if snapshots else None
    paths = [str(lake.path(_snapshot(view), day)) for day in snapshots]
    paths += lake.paths(view.dataset, first=since, last=yesterday)
    if not paths:
        return _empty(columns)
    # The partitions hold more columns than the snapshot, which comes first.
    rows = pl.scan_parquet(paths, hive_partitioning=False, extra_columns="ignore").select(*columns)
    if keys is not None:
        rows = rows.filter(pl.col(view.key).is_in(keys.implode()))
    return _as(columns, rows.unique(view.key, keep="last", maintain_order=True).collect())


def _empty(columns: Mapping[str, Kind]) -> pl.DataFrame:
    return pl.DataFrame(schema={name: kind.polars for name, kind in columns.items()})


def _write_state(lake: Lake, view: View, day: date, computed: _Computed) -> None:
    arrived = computed.late.filter(pl.col("known_day") == _number(day))
    lake.write(_late(view), day, arrived, key=[view.key, "occurred_day"], fingerprint="")
    if not _is_snapshot_day(day):
        return
    changed = computed.rows.sort("day").select(computed.state.columns)
    newest = pl.concat([computed.state, changed]).unique(view.key, keep="last", maintain_order=True)
    lake.write(_snapshot(view), day, newest, key=[view.key], fingerprint="")


def _write_day(lake: Lake, view: View, day: date, rows: pl.DataFrame, expected: str) -> Manifest:
    frame = (
        rows.filter(pl.col("day") == _number(day))
        .with_columns(pl.lit(valid_at(day)).dt.cast_time_unit("us").alias("event_timestamp"))
        .select(view.key, "event_timestamp", "created", *view.feature_names)
    )
    return lake.write(view.dataset, day, frame, key=[view.key], fingerprint=expected)


def _is_snapshot_day(day: date) -> bool:
    return _number(day) % SNAPSHOT_EVERY_DAYS == 0


def _late(view: View) -> str:
    return f"state/{view.name}/late"


def _snapshot(view: View) -> str:
    return f"state/{view.name}/snapshot"


def _number(day: date) -> int:
    return (day - _EPOCH).days
