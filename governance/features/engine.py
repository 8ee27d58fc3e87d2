"""Runs the feature expressions on the embedded engine: DuckDB in UTC.

The expressions stand over unbound tables and are translated once per view: translating costs ibis
far longer than running costs DuckDB (measured: .5 s against .03 s for a day of the seller view).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import duckdb
import polars as pl

from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES
from governance.features import expressions
from governance.features.view import View

IBIS_TYPES: Mapping[Kind, str] = {
    Kind.STRING: "string",
    Kind.INTEGER: "int64",
    Kind.FLOAT: "float64",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamp('UTC', 6)",
}


class DuckDBEngine:
    """One in-memory DuckDB that reads partition files and frames under the names that the expressions use."""

    def __init__(self, *, threads: int = 2) -> None:
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute("SET TimeZone='UTC'")

    def bind_files(self, name: str, table: str, paths: Sequence[str]) -> None:
        """Name the rows of a raw table's partition files; no files, no rows."""
        if not paths:
            self.bind_frame(name, TABLES[table].empty())
            return
        # A registered frame would go on hiding a view of the same name.
        self._connection.unregister(name)
        self._connection.read_parquet(list(paths), hive_partitioning=False).create_view(name, replace=True)

    def bind_frame(self, name: str, frame: pl.DataFrame) -> None:
        """Name the rows of a frame."""
        self._connection.register(name, frame.to_arrow())

    def rows(self, view: View) -> pl.DataFrame:
        """Feature rows of the bound days."""
        return self._connection.sql(_sql(view)[0]).pl()

    def late(self, view: View) -> pl.DataFrame:
        """Events of the bound days that became known after their own day."""
        return self._connection.sql(_sql(view)[1]).pl()


@lru_cache(maxsize=32)
def _sql(view: View) -> tuple[str, str]:
    import ibis

    inputs = expressions.Inputs.unbound(view, IBIS_TYPES)
    rows, late = expressions.feature_rows(view, inputs), expressions.late_events(view, inputs)
    return str(ibis.to_sql(rows, dialect="duckdb")), str(ibis.to_sql(late, dialect="duckdb"))
