"""An owner's files seen through a marketplace's SQL: rows of contract tables by UTC day, and fingerprints of both.

Every SQL file sees the owner's files as `source.<name>`, what another SQL file here selects as
`contract.<table>`, and the macros of `local_time`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from governance.contracts.schema import Table
from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError, ContractError, SourceError
from governance.marketplaces.local_time import create_time_macros
from governance.marketplaces.marketplace import EXCLUSIONS, Marketplace
from governance.marketplaces.references import References, references
from governance.storage.digests import fingerprint

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_file_cache": False,
}
_DAY = "(day)"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What a table's SQL leaves out or had to decide, how often, and why."""

    what: str
    count: int
    why: str


class Source:
    """The delivery of one owner: a marketplace's SQL over the files in `root`.

    Opens one DuckDB connection in memory, in UTC and without extensions from the network.
    """

    def __init__(self, marketplace: Marketplace, root: Path) -> None:
        self.marketplace = marketplace
        self.root = root
        self._connection = duckdb.connect(config=_OFFLINE)
        self._connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA source; CREATE SCHEMA contract")
        create_time_macros(self._connection, marketplace.time_zone)
        self._direct: dict[str, References] = {}
        self._readings: dict[str, _Reading] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def fingerprint(self, table: str, day: date) -> str:
        """What one day's rows of a table are made from: its contract, its SQL, and the files that the SQL reads.

        Of a file it takes the path, size and modification time in nanoseconds, so that thousands of
        partitions are compared in well under a second. That is enough because a mistake costs little: a file
        touched without a change is read again and gives the same digest, and a file rewritten in place with
        the same size keeps its time only where somebody sets it back on purpose.
        """
        reading = self._reading(table)
        return fingerprint(reading.static, [self._stamp(name, day) for name in reading.files])

    def content(self, table: str, day: date) -> str:
        """What the files of one day's rows of a table say, byte by byte, whenever they were written."""
        paths = [self._path(name, day) for name in self._reading(table).files]
        return fingerprint([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()])

    def deliveries(self, table: str, days: Sequence[date]) -> Iterator[tuple[date, pl.DataFrame | SourceError]]:
        """The rows of each day, in the order of `days`, as the SQL gives them.

        An undated source runs its SQL once. Its rows known outside the marketplace's first and last day, or at no
        time at all, are handed over with the nearest of these days (the first), so that its contract
        quarantines them and nothing gets lost between the days. A dated source gives a `SourceError` as the
        day's value where that day's file is missing or broken.

        Raises
        ------
        SourceError
            A file of an undated source is missing or broken, or the SQL does not run on it.
        ContractError
            An undated source gives no `known_at`, or one that is no instant.
        """
        self._reading(table)  # Raises where tables read each other in a circle, before views are made of them.
        return self._dated(table, days) if self.marketplace.dated else self._undated(table, days)

    def exclusions(self, table: str, day: date | None = None) -> tuple[Exclusion, ...]:
        """What `exclusions.sql` counts for a table; a dated source needs the day.

        Raises
        ------
        SourceError
            A file is missing or broken, or the SQL does not run on it.
        """
        path = self.marketplace.folder / EXCLUSIONS
        if not path.exists():
            return ()
        sql = path.read_text(encoding="utf-8")
        self._create_views_below("exclusions", sql, day)
        with _naming("exclusions", day):
            self._connection.execute(f"CREATE OR REPLACE VIEW exclusions AS {sql}")
        query = 'SELECT what, count, why FROM exclusions WHERE "table" = $1'
        rows = self._query("exclusions", day, query, [table])
        return tuple(Exclusion(**row) for row in rows.iter_rows(named=True))

    def _dated(self, table: str, days: Sequence[date]) -> Iterator[tuple[date, pl.DataFrame | SourceError]]:
        for day in days:
            try:
                self._create_view(table, day)
                yield day, self._query(table, day, f"FROM contract.{table}")
            except SourceError as error:
                yield day, error

    def _undated(self, table: str, days: Sequence[date]) -> Iterator[tuple[date, pl.DataFrame | SourceError]]:
        if not days:
            return
        self._create_view(table, None)
        self._require_instants(table)
        rows = self._query(table, None, *self._between(table, min(days), max(days)))
        by_day = rows.partition_by(_DAY, as_dict=True, maintain_order=True)
        nothing = rows.clear()
        for day in days:
            yield day, by_day.get((day,), nothing).drop(_DAY)

    def _between(self, table: str, first: date, last: date) -> tuple[str, list[Any]]:
        """Select the rows handed over with the days from `first` to `last`, and each row's day."""
        known_on = "CAST(timezone('UTC', known_at) AS DATE)"
        nearest = f"least(greatest(coalesce({known_on}, $1), $1), $2)"
        sql = f'FROM (SELECT *, {nearest} AS "{_DAY}" FROM contract.{table}) WHERE "{_DAY}" BETWEEN $3 AND $4'  # noqa: S608
        return sql, [self.marketplace.first_day, self.marketplace.last_day or date.max, first, last]

    def _require_instants(self, table: str) -> None:
        described = self._query(table, None, f"DESCRIBE contract.{table}")
        types = dict(described.select("column_name", "column_type").iter_rows())
        found = types.get("known_at", "no column")
        if found != "TIMESTAMP WITH TIME ZONE":
            raise ContractError(
                f"{self.marketplace.sql_path(table)} gives {found} as known_at, which belongs to no UTC day: "
                "select an instant, such as utc(local_time) AS known_at"
            )

    def _create_view(self, table: str, day: date | None) -> None:
        """Create `contract.<table>` over the files of a day, and before it every view that it reads."""
        sql = self.marketplace.sql(table)
        self._create_views_below(table, sql, day)
        with _naming(table, day):
            self._connection.execute(f"CREATE OR REPLACE VIEW contract.{table} AS {sql}")

    def _create_views_below(self, name: str, sql: str, day: date | None) -> None:
        below = self._references(name, sql)
        for file in below.files:
            self._create_file_view(name, file, day)
        for table in below.tables:
            self._create_view(table, day)

    def _create_file_view(self, table: str, file: str, day: date | None) -> None:
        path = self._path(file, day)
        if not path.exists():
            raise SourceError(
                f"{_of(table, day)}: {path} is missing; deliver it, or correct [files] in marketplace.toml"
            )
        quoted = str(path).replace("'", "''")
        # Without the flag DuckDB would add a column for each folder such as dt=2026-01-01.
        view = f"CREATE OR REPLACE VIEW source.{file} AS FROM read_parquet('{quoted}', hive_partitioning = false)"
        try:
            self._connection.execute(view)
        except duckdb.Error as error:
            raise SourceError(f"{_of(table, day)}: {path} is no Parquet file; deliver it again ({error})") from error

    def _query(self, table: str, day: date | None, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        with _naming(table, day):
            return self._connection.execute(sql, list(parameters)).pl()

    def _path(self, file: str, day: date | None) -> Path:
        return self.root / self.marketplace.files[file].replace("{day}", str(day))

    def _references(self, name: str, sql: str) -> References:
        if name not in self._direct:
            self._direct[name] = references(self._connection, self.marketplace, name=name, sql=sql)
        return self._direct[name]

    def _reading(self, table: str) -> "_Reading":
        """What the table's rows are made from, other tables' SQL included; found once per table."""
        if table not in self._readings:
            names = self._tables_below(table, ())
            files = {file for name in names for file in self._references(name, self.marketplace.sql(name)).files}
            static = fingerprint(
                [(name, self.marketplace.sql(name)) for name in names],
                _contract(TABLES[table]),
                self.marketplace.time_zone,
                self.marketplace.first_day,
                self.marketplace.last_day,
            )
            self._readings[table] = _Reading(static, tuple(sorted(files)))
        return self._readings[table]

    def _tables_below(self, table: str, above: tuple[str, ...]) -> list[str]:
        """The table and every table that its SQL reads, directly or not."""
        if table in above:
            raise ConfigurationError(f"{self.marketplace.sql_path(table)} reads itself: {' -> '.join((*above, table))}")
        below = self._references(table, self.marketplace.sql(table)).tables
        found = {name for child in below for name in self._tables_below(child, (*above, table))}
        return sorted(found | {table})

    def _stamp(self, file: str, day: date) -> tuple[str, int, int]:
        """Path, size and modification time; a missing file has size -1."""
        path = self._path(file, day)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return self.marketplace.files[file], -1, 0
        return self.marketplace.files[file], stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a table's rows are made from: the fingerprint of everything but the files, and the names of the files."""

    static: str
    files: tuple[str, ...]


def _contract(table: Table) -> list[Any]:
    """The parts of a contract that decide which rows land and how, without the prose."""
    prose = ("meaning", "unit")
    columns = [{name: value for name, value in asdict(column).items() if name not in prose} for column in table.columns]
    return [table.name, table.key, columns]


def _of(table: str, day: date | None) -> str:
    return table if day is None else f"{table} of {day}"


@contextmanager
def _naming(table: str, day: date | None) -> Iterator[None]:
    """Turn what DuckDB says into a `SourceError` that names the table, the day and the remedy."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise SourceError(
            f"{_of(table, day)}: the SQL does not fit the files; deliver the columns that it reads, or change the SQL "
            f"({error})"
        ) from error
    except duckdb.Error as error:
        raise SourceError(f"{_of(table, day)}: the files cannot be read; deliver them again ({error})") from error
