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
from governance.features.expressions import late_columns, state_columns
from governance.features.view import View
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "2"
SNAPSHOT_EVERY_DAYS = 28
_EPOCH = date(1970, 1, 1)
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
    """A chunk of days: the state before it, its feature rows, and its events known after their day."""

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
    stored, states = lake.manifests(view.dataset), set(lake.days(_late(view)))
    expected = expected_fingerprints(lake, view, days)
    made_from = {day: manifest.fingerprint for day, manifest in stored.items() if day in states}
    return [day for day in days if made_from.get(day) != expected[day]]


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
    days = days_between(first_day, last)
    _refuse_gap(lake, view, days, first)
    expected = expected_fingerprints(lake, view, days)
    written: dict[date, Manifest] = {}
    engine = DuckDBEngine()
    for chunk in _chunks(first, last):
        computed = _compute(engine, lake, view, chunk)
        for day in chunk:
            _write_state(lake, view, day, computed)
            written[day] = _write_day(lake, view, day, computed.rows, expected[day])
            if on_day:
                on_day(day, written[day])
    return BuildReport(view.name, written)


def _refuse_gap(lake: Lake, view: View, days: Sequence[date], first: date) -> None:
    behind = [day for day in stale_days(lake, view, days) if day < first]
    if behind:
        raise NotReady(
            f"features/{view.name}: {len(behind)} day(s) before {first} are missing or stale, "
            f"the first is {behind[0]}; build from there: govern backfill {behind[0]}..{first}"
        )


def _chunks(first: date, last: date) -> list[list[date]]:
    """Consecutive days, cut behind each snapshot day."""
    chunks: list[list[date]] = [[]]
    for day in days_between(first, last):
        chunks[-1].append(day)
        if _is_snapshot_day(day):
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


def _compute(engine: DuckDBEngine, lake: Lake, view: View, chunk: Sequence[date]) -> _Computed:
    earlier, state = _days_that_leave(chunk), _read_state(lake, view, chunk[0])
    for table in view.tables:
        engine.bind_files(f"entering_{table}", table, _existing(lake, f"raw/{table}", chunk))
        engine.bind_files(f"earlier_{table}", table, _existing(lake, f"raw/{table}", earlier))
    engine.bind_frame("late", _read_late(lake, view, chunk[0]))
    engine.bind_frame("state", state)
    engine.bind_frame("bounds", pl.DataFrame({"first_day": [_number(chunk[0])], "last_day": [_number(chunk[-1])]}))
    types = {"created": Kind.TIMESTAMP, **{feature.name: feature.kind for feature in view.features}}
    rows = engine.rows(view).with_columns(pl.col(name).cast(kind.polars) for name, kind in types.items())
    return _Computed(state, rows, _as(late_columns(view), engine.late(view)))


def _existing(lake: Lake, dataset: str, days: Iterable[date]) -> list[str]:
    return [str(path) for day in days if (path := lake.path(dataset, day)).exists()]


def _as(columns: Mapping[str, Kind], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly these columns in these types."""
    return frame.select(pl.col(name).cast(kind.polars) for name, kind in columns.items())


def _days_that_leave(chunk: Sequence[date]) -> list[date]:
    """Days before the chunk whose events, known on the day itself, leave some window within the chunk."""
    leaving = {day - timedelta(days=window) for day in chunk for window in WINDOW_DAYS}
    return sorted(day for day in leaving if day < chunk[0])


def _read_late(lake: Lake, view: View, before: date) -> pl.DataFrame:
    days = days_between(before - timedelta(days=_WIDEST), before - timedelta(days=1))
    frames = [pl.scan_parquet(path, hive_partitioning=False) for path in _existing(lake, _late(view), days)]
    return _as(late_columns(view), pl.concat(frames).collect()) if frames else _empty(late_columns(view))


def _read_state(lake: Lake, view: View, before: date) -> pl.DataFrame:
    """Each key's newest values before a day: the last snapshot and what changed since."""
    yesterday = before - timedelta(days=1)
    snapshots = lake.days(_snapshot(view), last=yesterday)[-1:]
    since = snapshots[0] + timedelta(days=1) if snapshots else None
    sources = [[str(lake.path(_snapshot(view), day)) for day in snapshots]]
    sources.append(lake.paths(view.dataset, first=since, last=yesterday))
    columns = state_columns(view)
    frames = [pl.scan_parquet(paths, hive_partitioning=False).select(*columns) for paths in sources if paths]
    if not frames:
        return _empty(columns)
    return _as(columns, pl.concat(frames).unique(view.key, keep="last", maintain_order=True).collect())


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
