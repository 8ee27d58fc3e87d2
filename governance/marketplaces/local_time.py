"""Local times of a marketplace in SQL: `utc` for every SQL file, and predicates to count what it had to decide."""

import duckdb

_MACROS = """
CREATE MACRO later_instant(local_time) AS timezone('{zone}', CAST(local_time AS TIMESTAMP));

CREATE MACRO earlier_instant(local_time) AS
    timezone('{zone}', CAST(local_time AS TIMESTAMP) - INTERVAL 24 HOUR) + INTERVAL 24 HOUR;

CREATE MACRO is_ambiguous(local_time) AS (
    earlier_instant(local_time) < later_instant(local_time)
    AND timezone('{zone}', earlier_instant(local_time)) = CAST(local_time AS TIMESTAMP)
);

CREATE MACRO is_nonexistent(local_time) AS
    timezone('{zone}', later_instant(local_time)) <> CAST(local_time AS TIMESTAMP);

CREATE MACRO utc(local_time) AS
    CASE WHEN is_ambiguous(local_time) THEN earlier_instant(local_time) ELSE later_instant(local_time) END;
"""


def create_time_macros(connection: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Create `utc(local)`, `is_ambiguous(local)` and `is_nonexistent(local)` for an IANA time zone.

    A local time that exists twice means the earlier instant; one that clocks jump over moves forward
    by the jump, as `fold=0` of PEP 495 has it. DuckDB's own `timezone` takes the later instant of
    two, so the instant is also derived with the offset of the day before and taken where it is
    earlier and says the same local time.
    """
    connection.execute(_MACROS.format(zone=time_zone))
