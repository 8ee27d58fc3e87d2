"""Which files a table's SQL reads, found in DuckDB's own parse of it and through the other tables that it names."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.marketplace import Marketplace


@dataclass(frozen=True, slots=True)
class References:
    """What one SELECT reads: names of `source` and of `contract`, in alphabetical order."""

    files: tuple[str, ...]
    tables: tuple[str, ...]


def references(connection: duckdb.DuckDBPyConnection, marketplace: Marketplace, *, name: str, sql: str) -> References:
    """Parse a SELECT and return what it reads directly; `name` stands for it in errors.

    Raises
    ------
    ConfigurationError
        It is not a SELECT, or reads what the marketplace does not have.
    """
    where = f"{marketplace.folder}/{name}.sql"
    # Written into the query, because DuckDB loads pandas to look at a parameter, a second at every start.
    literal = sql.replace("'", "''")
    (serialized,) = connection.execute(f"SELECT json_serialize_sql('{literal}')").fetchone() or ("{}",)
    tree = json.loads(serialized)
    if tree["error"] or len(tree["statements"]) != 1:
        raise ConfigurationError(f"{where} must hold one SELECT: {tree.get('error_message', 'found several')}")
    found = sorted(set(_named(tree)))
    known = {"source": marketplace.files.keys(), "contract": TABLES.keys() & set(marketplace.tables)}
    for schema, table in found:
        if table not in known[schema]:
            raise ConfigurationError(f"{where} reads {schema}.{table}; {schema} has {', '.join(sorted(known[schema]))}")
    return References(
        files=tuple(table for schema, table in found if schema == "source"),
        tables=tuple(table for schema, table in found if schema == "contract"),
    )


def _named(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for child in node:
            yield from _named(child)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name") in ("source", "contract"):
            yield node["schema_name"], node["table_name"]
        yield from _named(list(node.values()))
