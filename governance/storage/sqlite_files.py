"""SQLite files that several connections and processes share: readers beside one writer, by a write-ahead log."""

import sqlite3
import time
from pathlib import Path

_PAUSE_SECONDS = 0.01


def open_shared(path: Path, *, wait_seconds: float) -> sqlite3.Connection:
    """A connection to a file with a write-ahead log, for any thread, without transactions of its own accord.

    Parameters
    ----------
    wait_seconds : how long a lock of somebody else is waited for.

    Raises
    ------
    sqlite3.Error
        The file cannot be opened, is no database, or stays locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=False)
    try:
        _write_ahead(connection, until=time.monotonic() + wait_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, *, until: float) -> None:
    """Switch to the write-ahead log.

    A new file has to be had alone for it, and SQLite does not wait for that by its own timeout: of two that open it at
    once, one was told that the database is locked (seen in 1 of 3 runs of eight first requests).
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
